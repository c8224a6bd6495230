import pg from "pg";
import { LifeboatError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";

/** The role the application works as: it may add to the timeline and never change it. */
export const appRole = "lifeboat_app";

const limits = {
  connectionTimeoutMillis: 5_000,
  statement_timeout: 15_000,
  query_timeout: 20_000,
  // A process frozen inside a transaction holds its locks no longer than this.
  idle_in_transaction_session_timeout: 5_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
};

/** What every connection of the application is made with. */
export function connection(url: string, name: string): pg.ClientConfig {
  return { ...limits, connectionString: url, application_name: name, options: `-c role=${appRole}` };
}

/** Ten connections that send without waiting for each answer; an error on an idle one is logged, never thrown. */
export function openPool(url: string, name: string, log: Logger): pg.Pool {
  const pool = new pg.Pool({ ...connection(url, name), ...{ pipeline: true }, max: 10 });
  const ignore = (error: Error) => log.debug({ err: error }, "a connection to the store was lost");
  pool.on("error", ignore);
  pool.on("connect", (client) => client.on("error", ignore));
  return pool;
}

/** A connection of the owner, for migrations and for the few questions only the owner may ask. */
export async function asOwner<T>(url: string, name: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { idle_in_transaction_session_timeout: _, ...ownerLimits } = limits;
  const client = new pg.Client({ ...ownerLimits, connectionString: url, application_name: name });
  client.on("error", () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Fails closed: a connection that could change what was recorded is not worked with. @throws LifeboatError `store-role` */
export async function assertAppendOnly(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ role: string; may: string | null }>(
    `select current_user as role, string_agg(t || ' ' || p, ', ') filter (where has_table_privilege(t, p)) as may
       from unnest(array['lifeboat.event', 'lifeboat.plan']) t, unnest(array['update', 'delete', 'truncate']) p`,
  );
  const found = rows[0];
  if (found?.may === null) return;
  throw new LifeboatError({
    code: "store-role",
    where: "DATABASE_URL",
    what: `The connection works as ${found?.role}, which may change the timeline (${found?.may})`,
    allowed: `Only a connection that works as ${appRole}`,
    next: "Remove options=… from the URL, or connect as a user that is a member of that role and nothing more",
  });
}
