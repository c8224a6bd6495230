import type { Pool } from "pg";
import type { Logger } from "../lib/log.ts";

/** Drops what these sinks delivered or gave up so many days ago. What they would have to know again by then is their business. */
export async function pruneDelivered(pool: Pick<Pool, "query">, sinks: readonly string[], days: number): Promise<void> {
  await pool.query(
    `delete from lifeboat.outbox where sink = any($1) and recorded_at is not null
      and (delivered_at < now() - $2 * interval '1 day' or given_up_at < now() - $2 * interval '1 day')`,
    [sinks, days],
  );
}

/** Drops what is still to be delivered, or was given up, of these sinks in any other queue: no one is there any more whom it could reach. */
export async function dropUndelivered(
  pool: Pick<Pool, "query">,
  sinks: readonly string[],
  butOf: readonly string[],
): Promise<void> {
  await pool.query(
    "delete from lifeboat.outbox where sink = any($1) and queue <> all($2) and (delivered_hash is null or given_up_at is not null)",
    [sinks, butOf],
  );
}

/** The same at a start: a store that is away at that moment ends no bot that works already. What stays is dropped at the next start. */
export async function dropAtStart(
  pool: Pick<Pool, "query">,
  log: Pick<Logger, "warn">,
  sinks: readonly string[],
  butOf: readonly string[],
): Promise<void> {
  await dropUndelivered(pool, sinks, butOf).catch((error) =>
    log.warn({ event: "outbox.left_over", err: error }, "deliveries of sinks that left stay until the next start"),
  );
}
