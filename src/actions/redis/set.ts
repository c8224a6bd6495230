import { setTimeout as sleep } from "node:timers/promises";
import type { ReadContext } from "../contract.ts";
import { type Redis, refusalOf, whyNot, withRedis } from "./client.ts";
import { addressOf, type Node, nodeAt, type RedisSet, sentinelsOf } from "./node.ts";
import { isMaster, lookAt, type NodeView } from "./view.ts";

/** A set as its Sentinels and its data nodes tell it. Plain JSON. */
export interface SetView {
  readonly sentinels: readonly SentinelView[];
  /** Address of the master by the word of every Sentinel that answers, and most of those named do; else null. */
  readonly master: string | null;
  /** Rises with every failover that was carried out: how a master that moved and came back is told from one that stayed. */
  readonly epoch: number;
  /** A Sentinel has a failover in hand, the reconfiguring of replicas after the promotion included. */
  readonly failingOver: boolean;
  /** A failover was begun, and no one is promoted yet. */
  readonly undecided: boolean;
  readonly nodes: readonly NodeView[];
}

export type SentinelView =
  | AnsweringSentinel
  | { readonly address: string; readonly answers: false; readonly why: string };

export interface AnsweringSentinel {
  readonly address: string;
  readonly answers: true;
  /** What it tells clients: the promoted node as soon as there is one. */
  readonly master: string;
  /** What it still watches: the former one until every replica is reconfigured. */
  readonly watches: string;
  readonly flags: readonly string[];
  readonly epoch: number;
  readonly quorum: string;
  readonly quorumOk: boolean;
  readonly replicas: readonly {
    readonly address: string;
    readonly flags: readonly string[];
    readonly priority: number;
  }[];
}

/** How long a look waits for a failover that is going on, or for Sentinels to tell each other. */
const SETTLE_SECONDS = 6;

/** Looks at the whole set. While a failover is going on it waits a little: "in the middle" is no answer to build on. */
export async function lookAtSet(ctx: ReadContext, set: RedisSet): Promise<SetView> {
  const end = performance.now() + SETTLE_SECONDS * 1000;
  for (;;) {
    const view = await glance(ctx, set);
    const silent = view.sentinels.every((one) => !one.answers);
    if (silent || (view.master !== null && !view.undecided) || performance.now() > end) return view;
    await sleep(200, undefined, { signal: ctx.signal });
  }
}

/** One look, as things are this moment. */
export async function glance(ctx: ReadContext, set: RedisSet): Promise<SetView> {
  const sentinels = await Promise.all(sentinelsOf(set).map((one) => lookAtSentinel(ctx, one, set.master)));
  const answering = sentinels.filter((one) => one.answers);
  const addresses = [
    ...new Set(answering.flatMap((one) => [one.master, one.watches, ...one.replicas.map((r) => r.address)])),
  ].sort();
  const masters = [...new Set(answering.map((one) => one.master))];
  return {
    sentinels,
    master: masters.length === 1 && answering.length * 2 > sentinels.length ? (masters[0] ?? null) : null,
    epoch: Math.max(0, ...answering.map((one) => one.epoch)),
    failingOver: answering.some(inHand),
    undecided: answering.some((one) => inHand(one) && one.master === one.watches),
    nodes: await Promise.all(addresses.map((address) => lookAt(ctx, nodeAt(set, address)))),
  };
}

async function lookAtSentinel(ctx: ReadContext, sentinel: Node, master: string): Promise<SentinelView> {
  try {
    return await withRedis(ctx, sentinel, async (redis) => {
      const about = pairsOf(await redis.call("SENTINEL", "MASTER", master));
      const told = (await redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master)) as unknown[];
      const replicas = (await redis.call("SENTINEL", "REPLICAS", master)) as unknown[];
      return {
        address: addressOf(sentinel),
        answers: true,
        master: told.map(String).join(":"),
        watches: `${about.ip}:${about.port}`,
        flags: (about.flags ?? "").split(","),
        epoch: Number(about["config-epoch"]),
        ...(await quorumOf(redis, master)),
        replicas: replicas.map(pairsOf).map((one) => ({
          address: `${one.ip}:${one.port}`,
          flags: (one.flags ?? "").split(","),
          priority: Number(one["slave-priority"]),
        })),
      };
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { address: addressOf(sentinel), answers: false, why: whyNot(error) };
  }
}

async function quorumOf(redis: Redis, master: string): Promise<{ quorum: string; quorumOk: boolean }> {
  try {
    return { quorum: String(await redis.call("SENTINEL", "CKQUORUM", master)), quorumOk: true };
  } catch (error) {
    const said = refusalOf(error);
    if (said === null) throw error;
    return { quorum: said, quorumOk: false };
  }
}

function inHand({ flags }: AnsweringSentinel): boolean {
  return flags.includes("failover_in_progress");
}

export function pairsOf(said: unknown): Record<string, string> {
  const flat = (said as unknown[]).map(String);
  return Object.fromEntries(flat.flatMap((word, i) => (i % 2 === 0 ? [[word, flat[i + 1] ?? ""]] : [])));
}

export function masterOf(view: SetView): NodeView | undefined {
  return view.nodes.find((node) => node.address === view.master);
}

/** Masters that no Sentinel means: what they accept will be thrown away. */
export function strayMasters(view: SetView): readonly NodeView[] {
  return view.nodes.filter((node) => isMaster(node) && node.address !== view.master);
}

/** Replicas a Sentinel could choose: seen as up by it, and not forbidden by priority 0. */
export function electable(view: SetView): readonly string[] {
  const down = new Set(["s_down", "o_down", "disconnected"]);
  const answering = view.sentinels.filter((one) => one.answers);
  const known = answering
    .flatMap((one) => one.replicas)
    .filter((one) => one.priority > 0 && one.address !== view.master && !one.flags.some((flag) => down.has(flag)))
    .map((one) => one.address);
  return [...new Set(known)].sort();
}
