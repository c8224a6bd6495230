import { rm } from "node:fs/promises";
import pg from "pg";
import { createHost, type DatabaseHost } from "../../environment/database.ts";
import { soon } from "../../environment/fleet.ts";
import { type RolePasswords, setUp } from "../../environment/setup.ts";
import { DATABASES, type Site } from "./names.ts";

export const DATABASE = "orders";
export type Passwords = RolePasswords & { readonly owner: string };

/** Three real servers: one a region, and one for what is restored. */
export interface Databases {
  readonly at: Readonly<Record<Site, DatabaseHost>>;
  readonly all: readonly DatabaseHost[];
  create(): Promise<void>;
  /** The one in us-east-1 takes writes, the one in us-west-2 streams, the third is off. */
  reset(): Promise<void>;
  /** The one in us-west-2 was made the primary while the other was away; that is back, knows nothing of it, and takes writes. */
  left(): Promise<void>;
  /** Of the cluster the pair is: `system_identifier`. Asked of whichever answers. */
  identity(): Promise<string>;
  /** The third one, new and empty, with the roles and the table. */
  scratch(): Promise<DatabaseHost>;
}

export async function createDatabases(folder: string, passwords: Passwords): Promise<Databases> {
  const host = (site: Site) => createHost(DATABASES[site], folder, passwords);
  const at = { primary: await host("primary"), dr: await host("dr"), restored: await host("restored") };
  const off = (one: DatabaseHost) => one.thaw().then(() => one.kill());

  return {
    at,
    all: Object.values(at),
    async create() {
      await at.primary.create();
      await at.primary.start();
      await setUp(at.primary, passwords);
      await at.dr.follow(at.primary);
      await streams(at.primary, at.dr);
    },
    async reset() {
      await Promise.all([at.primary.thaw(), off(at.restored)]);
      await at.primary.start();
      await open(at.primary);
      if (!(await isFollowing(at.primary, at.dr))) {
        await off(at.dr);
        await at.dr.follow(at.primary);
        await streams(at.primary, at.dr);
      }
      await dropIdleSlots(at.primary);
    },
    async left() {
      await off(at.primary);
      await promote(at.dr);
      await at.primary.start();
      await ask(at.primary, "insert into orders (id, placed_at, cents) values (-1, now(), 1)");
    },
    async identity() {
      const host = at.primary.running ? at.primary : at.dr;
      const [row] = await ask<{ id: string }>(host, "select system_identifier::text as id from pg_control_system()");
      return row?.id ?? "";
    },
    async scratch() {
      await off(at.restored);
      await rm(at.restored.folder, { recursive: true, force: true });
      await at.restored.create();
      await at.restored.start();
      await setUp(at.restored, passwords);
      return at.restored;
    },
  };
}

async function open(primary: DatabaseHost): Promise<void> {
  const [row] = await ask<{ standby: boolean }>(primary, "select pg_is_in_recovery() as standby");
  if (row?.standby) await ask(primary, "select pg_promote(true, 30)");
  await ask(primary, "alter system reset all");
  await ask(primary, "select pg_reload_conf()");
  await inOrders(primary, async (db) => {
    await db.query("set default_transaction_read_only = off");
    await db.query("truncate orders, synthetic");
  });
}

async function promote(standby: DatabaseHost): Promise<void> {
  await ask(standby, "select pg_promote(true, 30)");
  await ask(standby, "checkpoint");
}

async function isFollowing(primary: DatabaseHost, standby: DatabaseHost): Promise<boolean> {
  if (!standby.running) return false;
  const rows = await ask<{ state: string }>(
    primary,
    `select state from pg_stat_replication where application_name = '${standby.name}' and state = 'streaming'`,
  ).catch(() => []);
  return rows.length > 0;
}

async function streams(primary: DatabaseHost, standby: DatabaseHost): Promise<void> {
  await soon(`${standby.name} streaming from ${primary.name}`, 15, () => isFollowing(primary, standby));
}

async function dropIdleSlots(host: DatabaseHost): Promise<void> {
  await ask(host, "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active");
}

/** As superuser, patient: a machine that has much to do answers late, and that is no fault. */
export async function ask<Row extends object>(host: DatabaseHost, sql: string): Promise<readonly Row[]> {
  return await inOrders(host, async (db) => (await db.query<Row>(sql)).rows);
}

/** The same, for more than one statement. */
export async function inOrders<T>(host: DatabaseHost, work: (db: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: host.url(DATABASE),
    connectionTimeoutMillis: 15_000,
    query_timeout: 20_000,
  });
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
