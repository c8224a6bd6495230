import type { ReadContext } from "../contract.ts";
import { refusalOf, whyNot, withRedis } from "./client.ts";
import { addressOf, type Node, type RedisSet, sentinelsOf } from "./node.ts";
import { pairsOf } from "./set.ts";

/** What one Sentinel says of a set by its name. Plain JSON. */
export type Watching =
  | { readonly sentinel: string; readonly answers: false; readonly why: string }
  | { readonly sentinel: string; readonly answers: true; readonly watches: null }
  | { readonly sentinel: string; readonly answers: true; readonly watches: Watched };

export interface Watched {
  /** `host:port` of the master it watches. */
  readonly master: string;
  readonly quorum: number;
  readonly downAfterMilliseconds: number;
  readonly failoverTimeoutMilliseconds: number;
  readonly parallelSyncs: number;
  readonly flags: readonly string[];
  readonly otherSentinels: number;
  /** By `CKQUORUM`: a failover could be agreed on. */
  readonly quorumOk: boolean;
}

/** Asks each Sentinel by itself: what one says of the others is not believed here. */
export async function lookAtWatching(ctx: ReadContext, set: RedisSet): Promise<readonly Watching[]> {
  return await Promise.all(sentinelsOf(set).map((one) => askSentinel(ctx, one, set.master)));
}

async function askSentinel(ctx: ReadContext, sentinel: Node, name: string): Promise<Watching> {
  const address = addressOf(sentinel);
  try {
    return await withRedis(ctx, sentinel, async (redis) => {
      try {
        const about = pairsOf(await redis.call("SENTINEL", "MASTER", name));
        const quorumOk = await redis.call("SENTINEL", "CKQUORUM", name).then(
          () => true,
          (error) => {
            if (refusalOf(error) === null) throw error;
            return false;
          },
        );
        return { sentinel: address, answers: true, watches: { ...watchedOf(about), quorumOk } };
      } catch (error) {
        if (/no such master/i.test(refusalOf(error) ?? "")) return { sentinel: address, answers: true, watches: null };
        throw error;
      }
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { sentinel: address, answers: false, why: whyNot(error) };
  }
}

function watchedOf(about: Record<string, string>): Omit<Watched, "quorumOk"> {
  return {
    master: `${about.ip}:${about.port}`,
    quorum: Number(about.quorum),
    downAfterMilliseconds: Number(about["down-after-milliseconds"]),
    failoverTimeoutMilliseconds: Number(about["failover-timeout"]),
    parallelSyncs: Number(about["parallel-syncs"]),
    flags: (about.flags ?? "").split(","),
    otherSentinels: Number(about["num-other-sentinels"]),
  };
}
