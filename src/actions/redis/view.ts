import type { ReadContext } from "../contract.ts";
import { type Redis, whyNot, withRedis } from "./client.ts";
import { addressOf, type Node } from "./node.ts";

/** One data node as it looks now. Plain JSON: it is written to the timeline. */
export type NodeView = AnsweringNode | SilentNode;

export interface SilentNode {
  readonly name: string;
  readonly address: string;
  readonly answers: false;
  readonly why: string;
}

export interface AnsweringNode {
  readonly name: string;
  readonly address: string;
  readonly answers: true;
  readonly role: "master" | "replica";
  /** Changes at every start of the process. */
  readonly runId: string;
  /** Bytes of the replication stream written (master) or processed (replica). */
  readonly offset: number;
  /** The history before a promotion ended here; null while there was none since the start. */
  readonly promotedAt: number | null;
  readonly follows: string | null;
  readonly linkUp: boolean;
  /** When a replica last heard from its master, by our clock; null: it is a master, or does not say. Absent in older logs. */
  readonly heardAt?: number | null;
  readonly replicas: readonly Replica[];
  /** `min-replicas-to-write`; null when it may not be read. */
  readonly minReplicas: number | null;
  readonly keys: number;
  readonly loading: boolean;
}

export interface Replica {
  readonly address: string;
  readonly state: string;
  readonly offset: number;
  readonly lagSeconds: number;
}

/** Looks at one server. That it does not answer, or refuses, is an observation. */
export async function lookAt(ctx: ReadContext, node: Node): Promise<NodeView> {
  try {
    return await withRedis(ctx, node, (redis) => lookThrough(redis, node));
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { name: node.name, address: addressOf(node), answers: false, why: whyNot(error) };
  }
}

export async function lookThrough(redis: Redis, node: Node): Promise<AnsweringNode> {
  const replication = fieldsOf(await redis.call("INFO", "replication"));
  const server = fieldsOf(await redis.call("INFO", "server"));
  const persistence = fieldsOf(await redis.call("INFO", "persistence"));
  const minReplicas = await redis.call("CONFIG", "GET", "min-replicas-to-write").then(secondOf, () => null);
  const master = replication.role === "master";
  return {
    name: node.name,
    address: addressOf(node),
    answers: true,
    role: master ? "master" : "replica",
    runId: server.run_id ?? "",
    offset: Number(master ? replication.master_repl_offset : replication.slave_repl_offset),
    promotedAt: promotedAt(replication),
    follows: master ? null : `${replication.master_host}:${replication.master_port}`,
    linkUp: replication.master_link_status === "up",
    heardAt: master ? null : heardAt(replication),
    replicas: replicasOf(replication),
    minReplicas: minReplicas === null ? null : Number(minReplicas),
    keys: Number(await redis.call("DBSIZE")),
    loading: persistence.loading === "1",
  };
}

/** To the second: Redis counts seconds since the last word, or since the link went down. */
function heardAt({
  master_last_io_seconds_ago,
  master_link_down_since_seconds,
}: Record<string, string>): number | null {
  const ago = [master_last_io_seconds_ago, master_link_down_since_seconds].map(Number).find((seconds) => seconds >= 0);
  return ago === undefined ? null : Date.now() - ago * 1000;
}

/** PSYNC2 keeps where the former history ended: `second_repl_offset` is one past it, -1 when there was none. */
function promotedAt({ second_repl_offset }: Record<string, string>): number | null {
  const next = Number(second_repl_offset);
  return Number.isFinite(next) && next > 0 ? next - 1 : null;
}

function replicasOf(replication: Record<string, string>): Replica[] {
  return Object.entries(replication)
    .filter(([name]) => /^slave\d+$/.test(name))
    .map(([, value]) => Object.fromEntries(value.split(",").map((part) => part.split("=") as [string, string])))
    .map(({ ip, port, state, offset, lag }) => ({
      address: `${ip}:${port}`,
      state: state ?? "unknown",
      offset: Number(offset),
      lagSeconds: Number(lag),
    }));
}

export function fieldsOf(said: unknown): Record<string, string> {
  const pairs = String(said)
    .split(/\r?\n/)
    .filter((line) => line.includes(":") && !line.startsWith("#"))
    .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)] as const);
  return Object.fromEntries(pairs);
}

function secondOf(said: unknown): string | null {
  return Array.isArray(said) && said[1] !== undefined ? String(said[1]) : null;
}

export function isMaster(view: NodeView | undefined): view is AnsweringNode & { readonly role: "master" } {
  return view?.answers === true && view.role === "master";
}

export function isReplica(view: NodeView | undefined): view is AnsweringNode & { readonly role: "replica" } {
  return view?.answers === true && view.role === "replica";
}
