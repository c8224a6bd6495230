import { randomBytes } from "node:crypto";
import { Refusal } from "../../kit/refusal.ts";
import type { Clock } from "../aws/clock.ts";

export interface Index {
  readonly name: string;
  readonly uuid: string;
  readonly docs: Map<string, unknown>;
  readonly aliases: Set<string>;
  open: boolean;
  /** Until it is restored: red, and its shards on their way. */
  restoring: { readonly snapshot: string; readonly repository: string } | null;
  /** Restored by a snapshot, however long ago. */
  restoredFrom: string | null;
}

export type SnapshotState = "IN_PROGRESS" | "SUCCESS" | "PARTIAL" | "FAILED";

export interface Snapshot {
  readonly name: string;
  readonly uuid: string;
  readonly contents: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
  readonly startedAt: number;
  endedAt: number | null;
  state: SnapshotState;
  readonly metadata: unknown;
}

/** Where snapshots lie, as a bucket does: known to clusters under names of their own. */
export interface Repository {
  readonly snapshots: Map<string, Snapshot>;
  /** What becomes of the next snapshots, one each; SUCCESS when there is nothing. */
  readonly coming: SnapshotState[];
}

export interface SearchClusterState {
  readonly name: string;
  readonly uuid: string;
  readonly distribution: "elasticsearch" | "opensearch";
  readonly version: string;
  readonly clock: Clock;
  readonly indices: Map<string, Index>;
  /** By the name this cluster gives it. */
  readonly repositories: Map<string, { readonly repository: Repository; readonly readonly: boolean }>;
  /** Bytes of all data nodes together. */
  disk: { total: number; available: number };
  nodes: number;
  /** What a bare cluster reports; an index on its way makes it red. */
  health: "green" | "yellow" | "red";
}

export const SNAPSHOT_SECONDS = 60;
export const RESTORE_SECONDS = 120;

export function createRepository(): Repository {
  return { snapshots: new Map(), coming: [] };
}

export function createSearchClusterState(
  name: string,
  clock: Clock,
  distribution: SearchClusterState["distribution"],
): SearchClusterState {
  return {
    name,
    uuid: uuid(),
    distribution,
    version: distribution === "elasticsearch" ? "8.15.3" : "2.17.1",
    clock,
    indices: new Map(),
    repositories: new Map(),
    disk: { total: 100 * 2 ** 30, available: 60 * 2 ** 30 },
    nodes: 2,
    health: "green",
  };
}

export function addIndex(
  state: SearchClusterState,
  name: string,
  more: Partial<Pick<Index, "docs" | "restoring">> = {},
): Index {
  const index: Index = {
    name,
    uuid: uuid(),
    docs: more.docs ?? new Map(),
    aliases: new Set(),
    open: true,
    restoring: more.restoring ?? null,
    restoredFrom: more.restoring?.snapshot ?? null,
  };
  state.indices.set(name, index);
  return index;
}

export function healthOf(state: SearchClusterState, index?: Index): "green" | "yellow" | "red" {
  const asked = index ? [index] : [...state.indices.values()];
  return asked.some((one) => one.restoring) ? "red" : state.health;
}

export function uuid(): string {
  return randomBytes(16).toString("base64url");
}

/** An index by its name or by an alias it carries. */
export function find(state: SearchClusterState, name: string): Index {
  const found = state.indices.get(name) ?? [...state.indices.values()].find((one) => one.aliases.has(name));
  if (!found) throw new Refusal("index_not_found_exception", `no such index [${name}]`, 404);
  return found;
}
