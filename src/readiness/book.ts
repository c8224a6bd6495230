import type { Scalar } from "../catalog/reference.ts";
import type { Catalog, System } from "../catalog/types.ts";
import { type KeptFolds, keepFolds } from "../projection/kept-folds.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { ReadinessLooks } from "../timeline/readiness-looks.ts";
import { digestsIn } from "./digest.ts";
import type { Provable } from "./due.ts";
import {
  type Proven,
  provenIn,
  type Readiness,
  readinessOf,
  readinessStream,
  runbookKey,
  type SystemReadiness,
} from "./state.ts";

export interface BookOptions {
  readonly timeline: Pick<Timeline, "read" | "now" | "onReread">;
  readonly looks: ReadinessLooks;
  readonly catalog: Catalog;
  /** As they are now: system id → name → value. */
  readonly variables: () => ReadonlyMap<string, ReadonlyMap<string, Scalar>>;
  /** Milliseconds between two proofs of a runbook; 0: off. */
  readonly everyMs: number;
  /** Of Lifeboat. */
  readonly version: string;
}

/** What is known of readiness, read from the record; and what there is to prove. */
export interface ReadinessBook extends Readiness {
  provable(systems: readonly System[]): readonly Provable[];
  /** What the streams of systems recorded of each proof. */
  readonly recorded: KeptFolds<ReadonlyMap<string, Proven>>;
}

export function createReadinessBook(options: BookOptions): ReadinessBook {
  const { timeline, looks, catalog, everyMs, version } = options;
  const recorded = keepFolds<ReadonlyMap<string, Proven>>(timeline, new Map(), (before, more) =>
    provenIn(more, before),
  );

  function provable(systems: readonly System[]): readonly Provable[] {
    const variables = options.variables();
    return systems.flatMap((system) => {
      const digest = digestsIn({ system, values: variables.get(system.id), version });
      return catalog.runbooks
        .filter((runbook) => runbook.system === system.id)
        .flatMap((runbook) => runbook.modes.map((mode) => ({ system, runbook, mode, digest: digest(runbook) })));
    });
  }

  async function of(systems: readonly System[]): Promise<readonly SystemReadiness[]> {
    const [all, ...streams] = await Promise.all([
      looks.all(),
      ...systems.map(({ id }) => recorded.read(readinessStream(id))),
    ]);
    const now = timeline.now();
    const found = new Map(all.map((look) => [`${look.system}/${runbookKey(look.runbook, look.mode)}`, look]));
    const known = provable(systems);
    return systems.map((system, i) => {
      const proven = streams[i] ?? new Map<string, Proven>();
      const runbooks = known
        .filter((one) => one.system === system)
        .map(({ runbook, mode, digest }) => {
          const key = runbookKey(runbook.id, mode);
          const look = found.get(`${system.id}/${key}`);
          return readinessOf(runbook, mode, { proven: proven.get(key), look, digest, now, everyMs });
        });
      return { system: system.id, title: system.title, runbooks };
    });
  }

  return {
    everyMs,
    of,
    provable,
    recorded,
    async proveNow(system) {
      const all = provable([system]).map(({ runbook, mode }) => ({ system: system.id, runbook: runbook.id, mode }));
      await looks.want(all, null);
      return all.length;
    },
  };
}
