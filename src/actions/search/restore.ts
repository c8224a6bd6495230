import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { after, awaited } from "../awaited.ts";
import {
  type ApplyContext,
  type Check,
  type Done,
  defineAction,
  type Evidences,
  type Fact,
  type ReadContext,
} from "../contract.ts";
import { until } from "../poll.ts";
import { byHand, inverse, undoneBy } from "../undo.ts";
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
  snapshotName,
} from "./cluster.ts";
import { newestNumber, numbered } from "./numbered.ts";
import { indexIn, newestComplete, readSnapshots, type SnapshotView, usable } from "./snapshots.ts";

const input = z.strictObject({
  cluster: clusterInput,
  repository: repositoryName,
  /** Left out or `newest`: the newest complete one that holds the index. */
  snapshot: snapshotName.optional(),
  /** The newest from before this moment: the damage was done then, and is in every later one. */
  before: z.iso.datetime({ offset: true }).optional(),
  /** A name, or `name-*` where exactly one index of the snapshot carries a version. */
  index: z.string().regex(/^[a-z0-9][a-z0-9._-]*\*?$/),
  /** What it is restored as: `packages` gives `packages-lifeboat-1`. Never the index itself: an open one blocks a restore. */
  as: indexName.max(60),
  maxAgeSeconds: z.number().int().positive().default(3600),
  /** Fewest documents it may have, for snapshots that did not count theirs. */
  countMin: z.number().int().min(0).optional(),
  /** How far the count may be from what was counted right before the snapshot, under writes: 0.01 is one percent. */
  tolerance: z.number().min(0).max(1).default(0.01),
  pollSeconds: z.number().min(0.02).max(60).default(2),
  /** The step that takes the snapshot: until then nothing of it is expected, and no older one is shown. */
  after,
});
type Input = z.infer<typeof input>;

interface Found {
  readonly health: string;
  readonly snapshot: SnapshotView | null;
  /** The index within the snapshot. */
  readonly source: string | null;
  /** Complete snapshots that hold it, newest first, the latest few. */
  readonly available?: readonly string[];
  readonly counted: number | null;
  /** Indices that are restores of ours. */
  readonly ours: readonly string[];
  readonly next: string;
  readonly lookedAt: number;
}
type Seen = Look<Found>;

/** Restores one index from a snapshot under a new name, beside whatever is there, and counts what came back. */
export const restore = defineAction<Input, Seen>({
  id: "search.restore",
  summary: "Restore a search index from a snapshot under a new name, and count it",
  input,
  risk: "disruptive",
  service: "restores",
  repeat: "guarded",
  budget: { typicalSeconds: 300, warnSeconds: 1200, failSeconds: 3600 },
  resources: ({ cluster, as }) => [resourceOf(cluster, as)],
  observe: look,
  facts: factsOf,
  ready: checksOf,
  done(seen, _given, before): Done {
    if (!seen.answers) return "unknown";
    return before?.answers && seen.ours.includes(before.next) ? "yes" : "no";
  },
  async apply(ctx, { cluster, repository }, seen) {
    if (!seen.answers || seen.snapshot === null || seen.source === null) throw unseen();
    const body = {
      indices: seen.source,
      rename_pattern: "^.+$",
      rename_replacement: seen.next,
      include_global_state: false,
      include_aliases: false,
    };
    try {
      await change(ctx, cluster, "POST", `/_snapshot/${repository}/${seen.snapshot.name}/_restore`, body);
      return { index: seen.next };
    } catch (error) {
      if (!(error instanceof SearchRefusal && /open index with same name/.test(error.message))) throw error;
      return { index: seen.next, refused: "it was there already" };
    }
  },
  async verify(ctx, given, before) {
    const found = before.answers ? before : null;
    const name = found?.next ?? "";
    await recovered(ctx, given, name);
    const { count } = await get<{ count: number }>(ctx, given.cluster, `/${name}/_count`);
    const compared = comparedWith(count, found?.counted ?? null, given, name);
    return {
      says: `${name} is restored from ${found?.snapshot?.name ?? "the snapshot"} and holds ${count} documents${compared}.`,
      facts: [
        { id: "index", label: "Index", value: name, material: false },
        { id: "count", label: "Documents", value: count, material: false },
      ],
      // Taken by this run, of an index that goes on or that no one writes to any more: its age is no loss.
      ...(given.after === undefined && { rpo: lossOf(given, found) }),
    };
  },
  undo: undoneBy((before, { cluster }) => {
    if (!before.answers) return byHand("Delete the index that was restored, once nothing points at it.");
    const index = before.next;
    return inverse("search.delete_index", { cluster, index }, `Delete ${index} on ${cluster.name}, which was restored`);
  }),
});

/** Undefined: the newest that fits. */
function nameOf({ snapshot }: Input): string | undefined {
  return snapshot === "newest" ? undefined : snapshot;
}

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const { cluster, repository, index, as } = given;
  const wanted = nameOf(given);
  return await lookAt(ctx, cluster, async () => {
    const [health, snapshots, ours] = await Promise.all([
      get<{ status: string }>(ctx, cluster, "/_cluster/health"),
      readSnapshots(ctx, cluster, repository),
      numbered(ctx, cluster, as),
    ]);
    const limit = given.before === undefined ? Number.POSITIVE_INFINITY : Date.parse(given.before);
    const early = (snapshots ?? []).filter(({ startedAt }) => startedAt < limit);
    const chosen = newestComplete(early, [index], wanted);
    const source = chosen === null ? null : indexIn(chosen, index);
    return {
      health: health.status,
      snapshot: chosen,
      source,
      available: (snapshots ?? [])
        .filter((one) => newestComplete([one], [index]) !== null)
        .slice(0, 12)
        .map(({ name }) => name),
      counted: source === null ? null : (chosen?.counts[source] ?? null),
      ours,
      next: `${as}-lifeboat-${1 + newestNumber(ours)}`,
      lookedAt: Date.now(),
    };
  });
}

async function recovered(ctx: ApplyContext, given: Input, name: string): Promise<void> {
  let state = `${name} has not been seen`;
  await until(
    {
      what: `${name} to be restored`,
      seconds: ctx.budget.failSeconds * 0.9,
      everyMilliseconds: given.pollSeconds * 1000,
      signal: ctx.signal,
      stateNow: () => state,
    },
    async () => {
      const shards = await shardsOf(ctx, given.cluster, name);
      if (shards === null) return null;
      const open = shards.filter((one) => one.stage !== "DONE");
      const { status } = await get<{ status: string }>(ctx, given.cluster, `/_cluster/health/${name}`);
      state = `${name} is ${status}, ${open.length} of ${shards.length} shards are on their way`;
      if (shards.length > 0 && open.length === 0 && status !== "red") return true;
      ctx.progress(`${state}${open[0]?.percent ? ` (${open[0].percent})` : ""}`);
      return null;
    },
  );
}

async function shardsOf(ctx: ReadContext, cluster: Cluster, name: string) {
  interface Shard {
    readonly stage: string;
    readonly index?: { readonly size?: { readonly percent?: string } };
  }
  const answer = await getIfThere<Record<string, { shards: readonly Shard[] }>>(ctx, cluster, `/${name}/_recovery`);
  if (answer === null) return null;
  return (answer[name]?.shards ?? []).map(({ stage, index }) => ({ stage, percent: index?.size?.percent ?? null }));
}

/** @throws LifeboatError `restore-incomplete` when too few came back */
function comparedWith(count: number, counted: number | null, { countMin, tolerance }: Input, name: string): string {
  const least = counted === null ? (countMin ?? null) : Math.ceil(counted * (1 - tolerance));
  if (least === null) return "; how many it had when the snapshot was taken was not recorded";
  if (count >= least)
    return counted === null ? `, at least ${least}` : `, and had ${counted} when the snapshot was taken`;
  throw new LifeboatError({
    code: "restore-incomplete",
    where: name,
    what: `It holds ${count} documents, and at least ${least} are expected`,
    stateNow: `Nothing points at ${name}; what was in use before still is`,
    next: "Restore another snapshot, or delete this index",
  });
}

/** What the snapshot does not hold: everything written since it began. */
function lossOf({ cluster, as }: Input, found: Found | null) {
  const begun = found?.snapshot?.startedAt;
  return {
    subject: resourceOf(cluster, as),
    seconds: begun === undefined || !found ? null : Math.round((found.lookedAt - begun) / 1000),
    rows: null,
    method: "age of the snapshot when it was restored",
  };
}

function factsOf(seen: Seen, { cluster, after: step }: Input): Fact[] {
  const found = seen.answers ? seen : null;
  const coming = step === undefined ? null : `the newest when step ${step} is done`;
  return [
    answersFact(seen, cluster),
    { id: "snapshot", label: "Snapshot", value: coming ?? found?.snapshot?.name ?? null, material: true },
    {
      id: "snapshotsThere",
      label: "Snapshots to choose from",
      value: found?.available?.join(", ") || "none",
      material: false,
    },
    { id: "source", label: "Index in the snapshot", value: coming ?? found?.source ?? null, material: true },
    { id: "restoredAs", label: "Is restored as", value: found?.next ?? null, material: true },
    {
      id: "counted",
      label: "Documents when it was taken",
      value: coming === null ? (found?.counted ?? null) : null,
      material: false,
    },
  ];
}

function checksOf(seen: Seen, given: Input, evidence: Evidences): Check[] {
  const { cluster, index, maxAgeSeconds } = given;
  if (!seen.answers) return [answers(seen, cluster)];
  const coming = given.after !== undefined && evidence.evidenceOf(given.after) === null;
  const known = coming || seen.counted !== null || given.countMin !== undefined;
  return [
    answers(seen, cluster),
    ...awaited(
      [young(usable(seen.snapshot, { indices: [index], maxAgeSeconds, now: seen.lookedAt }), seen, given)],
      given.after,
      evidence,
    ),
    {
      id: "count.known",
      level: "warn",
      ok: known,
      says: known
        ? "What comes back is counted against what was there."
        : "How many documents the snapshot should hold is not known; give countMin, or take snapshots with search.snapshot.",
    },
  ];
}

/** One that was chosen for what it holds may be old; that is said, and stands in no one's way. */
function young(check: Check, { snapshot, available = [] }: Found, given: Input): Check {
  if (snapshot === null) return { ...check, says: `${check.says} There are: ${available.join(", ") || "none"}.` };
  const chosen = nameOf(given) !== undefined || given.before !== undefined;
  return chosen ? { ...check, level: "warn" } : check;
}

function unseen(): LifeboatError {
  return new LifeboatError({ code: "snapshot-unseen", what: "No snapshot was seen", stateNow: "Nothing was restored" });
}
