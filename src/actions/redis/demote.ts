import { messageOf } from "../../lib/errors.ts";
import type { ApplyContext } from "../contract.ts";
import { withRedis } from "./client.ts";
import type { Node } from "./node.ts";
import { isMaster, lookThrough, type NodeView } from "./view.ts";

/**
 * What the Sentinels do to an old master ten seconds later, at once: it follows the new one, its clients are sent away so
 * that they ask again who is master, and its pause ends. In this order no write gets in between. Doing it again changes
 * nothing, and a node that is no master any more is left alone.
 *
 * @returns the old master as it was before, or null when it did not answer
 */
export async function demote(ctx: ApplyContext, old: Node, follow: Node): Promise<NodeView | null> {
  try {
    return await withRedis(ctx, old, async (redis) => {
      const seen = await lookThrough(redis, old);
      if (isMaster(seen)) {
        await redis.call("REPLICAOF", follow.host, follow.port);
        await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        ctx.progress(`${old.name} follows ${follow.name}`);
      }
      await redis.call("CLIENT", "UNPAUSE");
      return seen;
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    ctx.progress(`${old.name} could not be asked to follow ${follow.name}: ${messageOf(error)}`);
    return null;
  }
}
