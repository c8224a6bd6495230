import { randomUUID } from "node:crypto";
import { LifeboatError } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";
import { withRedis } from "./client.ts";
import type { Node } from "./node.ts";

/** Writes and reads one key of our own, gone after a second: `lifeboat:probe:…`. Rejects when it can't. */
export async function probeWrite(ctx: ReadContext, node: Node): Promise<void> {
  const id = randomUUID();
  const read = await withRedis(ctx, node, async (redis) => {
    await redis.call("SET", `lifeboat:probe:${id}`, id, "PX", 1000);
    return await redis.call("GET", `lifeboat:probe:${id}`);
  });
  if (read === id) return;
  throw new LifeboatError({ code: "not-writable", where: node.name, what: "What was written could not be read back" });
}
