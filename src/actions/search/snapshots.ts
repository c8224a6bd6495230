import type { Check, ReadContext } from "../contract.ts";
import { type Cluster, getIfThere } from "./cluster.ts";

export interface SnapshotView {
  readonly name: string;
  readonly uuid: string;
  readonly state: string;
  readonly indices: readonly string[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly failedShards: number;
  /** What `search.snapshot` counted right before it asked for the snapshot; empty for snapshots of others. */
  readonly counts: Readonly<Record<string, number>>;
}

interface ApiSnapshot {
  readonly snapshot: string;
  readonly uuid: string;
  readonly state: string;
  readonly indices?: readonly string[];
  readonly start_time_in_millis?: number;
  readonly end_time_in_millis?: number;
  readonly shards?: { readonly failed?: number };
  readonly metadata?: { readonly lifeboat?: { readonly counts?: Readonly<Record<string, number>> } };
}

/** Every snapshot of a repository, newest first; null when there is no such repository. */
export async function readSnapshots(
  ctx: ReadContext,
  cluster: Cluster,
  repository: string,
): Promise<readonly SnapshotView[] | null> {
  const found = await getIfThere<{ snapshots: readonly ApiSnapshot[] }>(
    ctx,
    cluster,
    `/_snapshot/${repository}/_all?verbose=true&ignore_unavailable=true`,
  );
  return found === null ? null : found.snapshots.map(viewOf).sort((a, b) => b.startedAt - a.startedAt);
}

function viewOf(one: ApiSnapshot): SnapshotView {
  return {
    name: one.snapshot,
    uuid: one.uuid,
    state: one.state,
    indices: one.indices ?? [],
    startedAt: one.start_time_in_millis ?? 0,
    endedAt: one.end_time_in_millis ?? 0,
    failedShards: one.shards?.failed ?? 0,
    counts: one.metadata?.lifeboat?.counts ?? {},
  };
}

/** `packages`, or `packages-*` where the name carries a version: the concrete index of a snapshot, if it is one and only one. */
export function indexIn(snapshot: SnapshotView, wanted: string): string | null {
  if (!wanted.endsWith("*")) return snapshot.indices.includes(wanted) ? wanted : null;
  const matching = snapshot.indices.filter((name) => name.startsWith(wanted.slice(0, -1)));
  return matching.length === 1 ? (matching[0] as string) : null;
}

/** The newest complete snapshot that holds every one of these indices. */
export function newestComplete(
  snapshots: readonly SnapshotView[],
  indices: readonly string[],
  name?: string,
): SnapshotView | null {
  return (
    snapshots.find(
      (one) =>
        one.state === "SUCCESS" &&
        (name === undefined || one.name === name) &&
        indices.every((index) => indexIn(one, index) !== null),
    ) ?? null
  );
}

export function ageSeconds(snapshot: SnapshotView, now: number): number {
  // What was written after its beginning is not in it for certain.
  return Math.max(0, Math.round((now - snapshot.startedAt) / 1000));
}

/** Whether there is a snapshot to go on, and how old it is. */
export function usable(
  snapshot: SnapshotView | null,
  { indices, maxAgeSeconds, now }: { indices: readonly string[]; maxAgeSeconds: number; now: number },
): Check {
  const id = "snapshot.usable";
  const level = "block";
  const of = indices.join(", ");
  if (snapshot === null) return { id, level, ok: false, says: `There is no complete snapshot of ${of}.` };
  const age = ageSeconds(snapshot, now);
  const ok = age <= maxAgeSeconds;
  const says = `${snapshot.name} is complete and ${age} s old; up to ${maxAgeSeconds} s are allowed.`;
  return { id, level, ok, says: ok ? says : `${says} What was written since would be missing.` };
}
