import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, type Done, defineAction, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { nothingToUndo } from "../undo.ts";
import {
  answers,
  answersFact,
  type Cluster,
  change,
  clusterInput,
  get,
  getIfThere,
  indexName,
  type Look,
  lookAt,
  repositoryName,
  resourceOf,
  SearchRefusal,
} from "./cluster.ts";
import { readSnapshots, type SnapshotView } from "./snapshots.ts";

const input = z.strictObject({
  cluster: clusterInput,
  repository: repositoryName,
  indices: z.array(indexName).min(1).max(100),
  /** What its snapshots are called: `packages` gives `packages-lifeboat-1`. */
  name: indexName.max(60),
  pollSeconds: z.number().min(0.02).max(60).default(2),
});
type Input = z.infer<typeof input>;

interface Found {
  readonly readonly: boolean | null;
  /** Documents of each index by its own name; null for one that is not there. */
  readonly counts: Readonly<Record<string, number | null>>;
  readonly running: string | null;
  readonly ours: readonly Pick<SnapshotView, "name" | "state">[];
  /** The same in every look until it is there, so that a second request is refused. */
  readonly next: string;
}
type Seen = Look<Found>;

/** Takes a snapshot of some indices, once, and waits until all of it is safe. */
export const snapshot = defineAction<Input, Seen>({
  id: "search.snapshot",
  summary: "Take a snapshot of search indices and wait until it is complete",
  input,
  risk: "reversible",
  service: "aside",
  copies: true,
  repeat: "guarded",
  budget: { typicalSeconds: 60, warnSeconds: 900, failSeconds: 3600 },
  resources: ({ cluster, repository }) => [resourceOf(cluster, `snapshot/${repository}`)],
  observe: look,
  facts: (seen, { cluster, indices }) => [
    answersFact(seen, cluster),
    ...indices.map((name) => ({
      id: `count:${name}`,
      label: `Documents in ${name}`,
      value: seen.answers ? (seen.counts[name] ?? null) : null,
      material: false,
    })),
  ],
  ready: checksOf,
  done(seen, _given, before): Done {
    if (!seen.answers) return "unknown";
    const name = before?.answers ? before.next : null;
    const made = seen.ours.find((one) => one.name === name);
    if (!made) return "no";
    return /PARTIAL|FAILED/.test(made.state) ? "partial" : "yes";
  },
  async apply(ctx, { cluster, repository, indices }, seen) {
    const { next, counts } = insistOn(seen);
    const body = {
      indices: indices.join(","),
      include_global_state: false,
      partial: false,
      metadata: { lifeboat: { counts } },
    };
    try {
      await change(ctx, cluster, "PUT", `/_snapshot/${repository}/${next}?wait_for_completion=false`, body);
      return { snapshot: next };
    } catch (error) {
      if (!(error instanceof SearchRefusal && error.type === "invalid_snapshot_name_exception")) throw error;
      return { snapshot: next, refused: "it was there already" };
    }
  },
  async verify(ctx, given, before) {
    const name = before.answers ? before.next : "";
    let state = `${name} has not been seen`;
    const made = await until(
      {
        what: `${name} to be complete`,
        seconds: ctx.budget.failSeconds * 0.9,
        everyMilliseconds: given.pollSeconds * 1000,
        signal: ctx.signal,
        stateNow: () => state,
      },
      async () => {
        const found = (await readSnapshots(ctx, given.cluster, given.repository))?.find((one) => one.name === name);
        if (!found) return null;
        state = `${name} is ${found.state}`;
        if (/PARTIAL|FAILED/.test(found.state)) throw endedBadly(found);
        if (found.state !== "SUCCESS") ctx.progress(state);
        return found.state === "SUCCESS" ? found : null;
      },
    );
    return {
      says: `${name} is complete: ${made.indices.join(", ")}.`,
      facts: [{ id: "snapshot", label: "Snapshot", value: name, material: false }],
    };
  },
  undo: nothingToUndo(({ repository }) => `It adds a snapshot to ${repository}, and changes nothing else.`),
});

function insistOn(seen: Seen): Found {
  if (seen.answers) return seen;
  throw new LifeboatError({
    code: "search-unseen",
    what: "The cluster was not seen",
    stateNow: "Nothing was asked of it",
  });
}

async function look(ctx: ReadContext, { cluster, repository, indices, name }: Input): Promise<Seen> {
  return await lookAt(ctx, cluster, async () => {
    const [known, counts, snapshots] = await Promise.all([
      getIfThere<Record<string, { settings?: { readonly?: string | boolean } }>>(
        ctx,
        cluster,
        `/_snapshot/${repository}`,
      ),
      Promise.all(indices.map(async (index) => await countOf(ctx, cluster, index))),
      readSnapshots(ctx, cluster, repository),
    ]);
    const all = snapshots ?? [];
    const ours = all.filter((one) => one.name.startsWith(`${name}-lifeboat-`));
    const numbers = ours.map((one) => Number(/-lifeboat-(\d+)$/.exec(one.name)?.[1] ?? 0));
    return {
      readonly: known === null ? null : String(known[repository]?.settings?.readonly ?? "false") === "true",
      counts: Object.fromEntries(counts.flat()),
      running: all.find((one) => one.state === "IN_PROGRESS")?.name ?? null,
      ours: ours.map(({ name: one, state }) => ({ name: one, state })),
      next: `${name}-lifeboat-${1 + Math.max(0, ...numbers)}`,
    };
  });
}

/** Of an index, under its own name and under the alias it was asked by. */
async function countOf(ctx: ReadContext, cluster: Cluster, index: string): Promise<[string, number | null][]> {
  const there = await getIfThere<Record<string, unknown>>(ctx, cluster, `/${index}`);
  if (there === null) return [[index, null]];
  const { count } = await get<{ count: number }>(ctx, cluster, `/${index}/_count`);
  return [...new Set([index, ...Object.keys(there)])].map((name) => [name, count]);
}

function checksOf(seen: Seen, { cluster, repository, indices }: Input): Check[] {
  if (!seen.answers) return [answers(seen, cluster)];
  const missing = indices.filter((name) => seen.counts[name] === null);
  const writable = seen.readonly === false;
  return [
    answers(seen, cluster),
    {
      id: "repository.writable",
      level: "block",
      ok: writable,
      says: writable
        ? `${repository} takes snapshots.`
        : `${repository} is ${seen.readonly === null ? "not known to" : "read-only for"} ${cluster.name}.`,
    },
    {
      id: "indices.there",
      level: "block",
      ok: missing.length === 0,
      says: missing.length === 0 ? "Every index is there." : `There is no ${missing.join(", ")}.`,
    },
    {
      id: "snapshot.idle",
      level: "block",
      ok: seen.running === null,
      says: seen.running === null ? "No snapshot is in progress." : `${seen.running} is still being taken.`,
    },
  ];
}

function endedBadly({ name, state, failedShards }: SnapshotView): LifeboatError {
  return new LifeboatError({
    code: "snapshot-failed",
    where: name,
    what: `The snapshot ended as ${state}: ${failedShards} shards are not in it`,
    stateNow: `${name} stays in the repository and is not one to go back to`,
    next: "Look at its failures, then take another",
  });
}
