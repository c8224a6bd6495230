import pg from "pg";
import { LifeboatError } from "../lib/errors.ts";
import { namedWhenLate } from "../lib/late-database.ts";
import type { Logger } from "../lib/log.ts";
import { clientClassFor } from "./primary.ts";

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
  const pool = new pg.Pool({ ...connection(url, name), ...{ pipeline: true }, Client: clientClassFor(url), max: 10 });
  const ignore = (error: Error) =>
    log.debug({ event: "store.connection_lost", err: error }, "a connection to the store was lost");
  pool.on("error", ignore);
  pool.on("connect", (client) => client.on("error", ignore));
  return pool;
}

/** A connection of the owner, for migrations and for the few questions only the owner may ask. */
export async function asOwner<T>(url: string, name: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { idle_in_transaction_session_timeout: _, ...ownerLimits } = limits;
  const Client = clientClassFor(url);
  const client = new Client({ ...ownerLimits, connectionString: url, application_name: name });
  client.on("error", () => {});
  try {
    return await namedWhenLate(url, async () => {
      await client.connect();
      return await work(client);
    });
  } finally {
    await client.end().catch(() => {});
  }
}

/** What no one may change who works with the timeline: what is recorded, what is signed, and what people prove with. */
const kept = ["event", "plan", "signed_statement", "proof", "proof_entry"];

/** Every role the login may become, itself included, that could change what was recorded. */
const powers = `
  select r.rolname as role,
         case when r.rolsuper then 'is a superuser'
              when r.rolcreaterole then 'may make roles'
              when r.rolname in ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program') then 'may write anything'
              when o.relname is not null then 'owns the table ' || o.relname
              else 'may ' || p.may end as power
    from pg_roles r
    left join lateral (
      select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'lifeboat' and c.relkind = 'r' and c.relowner = r.oid order by 1 limit 1) o on true
    left join lateral (
      select string_agg(lower(k) || ' ' || c.relname, ', ' order by c.relname, k) as may
        from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'lifeboat',
             unnest(array['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) k
       where c.relname = any($1::text[]) and has_table_privilege(r.oid, c.oid, k)) p on true
   where pg_has_role(session_user, r.oid, 'member')
     and (r.rolsuper or r.rolcreaterole or o.relname is not null or p.may is not null
          or r.rolname in ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program'))
   order by r.rolname = session_user desc, r.rolname limit 3`;

/**
 * Fails closed: a login that could change what was recorded is not worked with, whatever role its connections begin in. It is
 * asked as the login itself, with `set role none`.
 * @throws LifeboatError `store-role`
 */
export async function assertAppendOnly(pool: pg.Pool): Promise<void> {
  const found = await asLogin(pool, async (client) => {
    const { rows } = await client.query<{ role: string; power: string }>(powers, [kept]);
    const { rows: who } = await client.query<{ login: string }>("select session_user as login");
    return { powers: rows, login: who[0]?.login ?? "" };
  });
  if (found.powers.length === 0) return;
  const whats = found.powers.map(({ role, power }) =>
    role === found.login ? power : `can become ${role}, which ${power}`,
  );
  throw new LifeboatError({
    code: "store-role",
    where: "DATABASE_URL",
    what: `The login ${found.login} could change what is recorded: it ${whats.join("; it ")}`,
    allowed: `A login of its own that is a member of ${appRole} and nothing more`,
    next:
      "As the owner: create role lifeboat_bot login password '…'. Then give that login in DATABASE_URL, " +
      "and the owner's in DATABASE_OWNER_URL, for migrations only",
  });
}

/** What the store's clock is in production: the database's own, and nothing added. */
const UNMOVED = "select pg_catalog.clock_timestamp()";

/**
 * Time moves by itself in production. A store whose clock was ever replaced was practised on, and isn't worked with for real.
 * @throws LifeboatError `store-clock-moved`
 */
export async function assertUnmoved(pool: Pick<pg.Pool, "query">): Promise<void> {
  const { rows } = await pool.query<{ body: string }>(
    `select trim(prosrc) as body from pg_proc
      where proname = 'clock' and pronamespace = 'lifeboat'::regnamespace`,
  );
  if (rows.length === 1 && rows[0]?.body === UNMOVED) return;
  throw new LifeboatError({
    code: "store-clock-moved",
    where: "DATABASE_URL",
    what: "The clock of this store isn't the database's own: it was moved, as practice does",
    allowed: "A store that was never practised on",
    next: "Give another database, or restore this one from a backup of before",
  });
}

/** True where a login of that URL could change what is recorded. The schema has to be there. */
export async function isPowerful(url: string, name: string): Promise<boolean> {
  return asOwner(url, name, async (client) => (await client.query(powers, [kept])).rows.length > 0);
}

async function asLogin<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query("begin");
    await client.query("set local role none");
    const found = await work(client);
    await client.query("rollback");
    broken = false;
    return found;
  } finally {
    client.release(broken);
  }
}
