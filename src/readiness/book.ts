import type { Scalar } from "../catalog/reference.ts";
import type { Catalog, System } from "../catalog/types.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { ReadinessLooks } from "../timeline/readiness-looks.ts";
import { digestOf } from "./digest.ts";
import type { Provable } from "./due.ts";
import { provenIn, type Readiness, readinessOf, readinessStream, runbookKey, type SystemReadiness } from "./state.ts";

export interface BookOptions {
  readonly timeline: Pick<Timeline, "read" | "now">;
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
}

export function createReadinessBook(options: BookOptions): ReadinessBook {
  const { timeline, looks, catalog, everyMs, version } = options;

  function provable(systems: readonly System[]): readonly Provable[] {
    const variables = options.variables();
    return systems.flatMap((system) =>
      catalog.runbooks
        .filter((runbook) => runbook.system === system.id)
        .flatMap((runbook) => {
          const digest = digestOf({ system, runbook, values: variables.get(system.id), version });
          return runbook.modes.map((mode) => ({ system, runbook, mode, digest }));
        }),
    );
  }

  async function of(systems: readonly System[]): Promise<readonly SystemReadiness[]> {
    const [all, ...streams] = await Promise.all([
      looks.all(),
      ...systems.map(({ id }) => timeline.read(readinessStream(id))),
    ]);
    const now = timeline.now();
    const found = new Map(all.map((look) => [`${look.system}/${runbookKey(look.runbook, look.mode)}`, look]));
    const known = provable(systems);
    return systems.map((system, i) => {
      const proven = provenIn(streams[i] ?? []);
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
    async proveNow(system) {
      const all = provable([system]).map(({ runbook, mode }) => ({ system: system.id, runbook: runbook.id, mode }));
      await looks.want(all, null);
      return all.length;
    },
  };
}
