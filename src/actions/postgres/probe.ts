import type { ReadContext } from "../contract.ts";
import { asNoAnswer, type Database, sqlStateOf, withNode } from "./client.ts";
import type { Node } from "./node.ts";

export type WriteProbe =
  | { readonly found: "writable" }
  /** SQLSTATE 25006: the server takes no writes from this session. */
  | { readonly found: "readOnly" }
  | { readonly found: "unreachable" | "refused"; readonly why: string };

/**
 * Tries to write as one login without leaving anything behind: a table of the session's own, filled, read and rolled
 * back. A read-only server refuses it with 25006 before it looks at privileges, so any other refusal means "writable".
 */
export async function probeWrite(ctx: ReadContext, node: Node): Promise<WriteProbe> {
  try {
    return await withNode(ctx, node, writeAndRead, 3);
  } catch (error) {
    const none = asNoAnswer(error);
    return { found: none.kind, why: none.why };
  }
}

async function writeAndRead(db: Database): Promise<WriteProbe> {
  try {
    await db.query("begin");
    await db.query("create temporary table lifeboat_probe (written int) on commit drop");
    await db.query("insert into pg_temp.lifeboat_probe values (1)");
    await db.query("select written from pg_temp.lifeboat_probe");
    return { found: "writable" };
  } catch (error) {
    if (sqlStateOf(error) === "25006") return { found: "readOnly" };
    // 42501: it takes writes, only not this one.
    if (sqlStateOf(error) === "42501") return { found: "writable" };
    throw error;
  } finally {
    await db.query("rollback").catch(() => {});
  }
}
