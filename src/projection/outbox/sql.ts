import type { Pool, PoolClient } from "pg";

/** A message that is not shown as it is desired, and is still tried. */
export const DUE = `outbox.delivered_hash is distinct from outbox.desired_hash and outbox.given_up_at is null
  and not (outbox.once and outbox.delivered_as is not null)`;

/** Sets of a message: nothing of it was seen outside, so it is sent again. */
export const UNSHOWN = `delivered_as = null, delivered_hash = null, delivered_at = null, sending_hash = null, plain = false, tries = 0, given_up_at = null, not_before = '-infinity'`;

/** True where a row was changed. */
export async function touches(pool: Pool, text: string, values: unknown[]): Promise<boolean> {
  return ((await pool.query(text, values)).rowCount ?? 0) > 0;
}

export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const note = (error: Error) => {
    broken = error;
  };
  client.on("error", note);
  try {
    await client.query("begin");
    const value = await work(client);
    await client.query("commit");
    return value;
  } catch (error) {
    await client.query("rollback").catch(note);
    throw error;
  } finally {
    client.off("error", note);
    client.release(broken);
  }
}
