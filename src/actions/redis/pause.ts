import { setTimeout as sleep } from "node:timers/promises";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import type { ApplyContext } from "../contract.ts";
import { withRedis } from "./client.ts";
import type { Node } from "./node.ts";
import { lookThrough } from "./view.ts";

/** Stops writes for so many seconds, and no longer: the server takes them again by itself, whatever becomes of us. */
export async function pauseWrites(ctx: ApplyContext, node: Node, seconds: number): Promise<void> {
  await withRedis(ctx, node, (redis) => redis.call("CLIENT", "PAUSE", Math.round(seconds * 1000), "WRITE"));
}

/** Even when the step was stopped: a pause no one needs is ended at once. That it can't be is said, and it expires. */
export async function endPause(ctx: ApplyContext, node: Node): Promise<void> {
  try {
    await withRedis({ ...ctx, signal: AbortSignal.timeout(3000) }, node, (redis) => redis.call("CLIENT", "UNPAUSE"));
  } catch (error) {
    ctx.log.warn(
      { event: "action.pause_kept", node: node.name, error: messageOf(error) },
      "a pause could not be taken back; it expires by itself",
    );
    ctx.progress(`${node.name}: the pause could not be ended and expires by itself`);
  }
}

/**
 * Waits until all these replicas have acknowledged what the paused master wrote.
 *
 * @returns the master's position, behind which nothing was written
 */
export async function caughtUp(
  ctx: ApplyContext,
  master: Node,
  replicas: readonly string[],
  seconds: number,
): Promise<number> {
  const end = performance.now() + seconds * 1000;
  return await withRedis(
    ctx,
    master,
    async (redis) => {
      for (;;) {
        const seen = await lookThrough(redis, master);
        const behind = replicas.filter((address) => {
          const one = seen.replicas.find((replica) => replica.address === address);
          return one?.state !== "online" || one.offset < seen.offset;
        });
        if (behind.length === 0) return seen.offset;
        if (performance.now() > end) {
          throw new LifeboatError({
            code: "not-caught-up",
            where: master.name,
            what: `With writes paused for ${seconds} s, ${behind.join(" and ")} has still not received everything`,
            stateNow: "No failover was requested, and writes go on",
          });
        }
        await sleep(10, undefined, { signal: ctx.signal });
      }
    },
    seconds + 1,
  );
}
