import pg from "pg";
import type { DatabaseHost } from "../../environment/database.ts";
import type { Fleet } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";
import { type RolePasswords, setUp } from "../../environment/setup.ts";
import { archiveReaches, forgetRestored, healPair } from "../../targets/pgbackrest/heal.ts";
import { type ArchivedHost, createRepository, firstBackup } from "../../targets/pgbackrest/index.ts";
import { DATABASES, type Site } from "./names.ts";

export const DATABASE = "orders";
export type Passwords = RolePasswords & { readonly owner: string };

/** Three real servers of Debian's, since pgBackRest knows those: one a region, both with their log archived, and one for what is restored. */
export interface Databases {
  readonly at: Readonly<Record<Site, ArchivedHost>>;
  readonly all: readonly ArchivedHost[];
  create(): Promise<void>;
  /** The one in us-east-1 takes writes, the one in us-west-2 streams, the third is off. */
  reset(): Promise<void>;
  /** The one in us-west-2 was made the primary while the other was away; that is back, knows nothing of it, and takes writes. */
  left(): Promise<void>;
  /** Of the cluster the pair is: `system_identifier`. Asked of whichever answers. */
  identity(): Promise<string>;
  /** Everything written so far can be restored, as it can a minute later by itself (`archive_timeout`). */
  archived(): Promise<void>;
  /** A person with more rights than care: the orders of a while are gone, on both servers. @returns how many rows */
  corrupt(): Promise<number>;
  /** Both servers are gone, and so is what they held. */
  destroy(): Promise<void>;
}

export async function createDatabases(fleet: Fleet, passwords: Passwords): Promise<Databases> {
  const repository = await createRepository(fleet, passwords, "mimir");
  const at = {
    primary: await repository.host(DATABASES.primary),
    dr: await repository.host(DATABASES.dr),
    restored: await repository.host(DATABASES.restored, { archives: false }),
  };
  const writer = async (): Promise<ArchivedHost> => {
    for (const host of [at.primary, at.dr]) if (host.running && (await takesWrites(host))) return host;
    return at.primary;
  };
  const made = async () => {
    await repository.forget();
    await at.primary.create();
    await at.primary.start();
    await setUp(at.primary, passwords);
    await firstBackup(at.primary);
    await at.dr.follow(at.primary);
    await streams(at.primary, at.dr);
  };

  return {
    at,
    all: Object.values(at),
    async create() {
      await forgetRestored(at.restored);
      await made();
    },
    async reset() {
      await at.restored.stop();
      if (!(await healPair(at.primary, at.dr))) await made();
      await open(at.primary);
      if (!(await isFollowing(at.primary, at.dr))) {
        await at.dr.kill();
        await at.dr.follow(at.primary);
        await streams(at.primary, at.dr);
      }
      await dropIdleSlots(at.primary);
    },
    async left() {
      await at.primary.thaw();
      await at.primary.kill();
      await promote(at.dr);
      await at.primary.start();
      await ask(at.primary, "insert into orders (id, placed_at, cents) values (-1, now(), 1)");
    },
    async identity() {
      const host = at.primary.running ? at.primary : at.dr;
      const [row] = await ask<{ id: string }>(host, "select system_identifier::text as id from pg_control_system()");
      return row?.id ?? "";
    },
    archived: async () => await archiveReaches(await writer()),
    async corrupt() {
      const gone = await ask(await writer(), "delete from orders where id % 2 = 0 returning id");
      return gone.length;
    },
    async destroy() {
      await Promise.all([at.primary, at.dr].map((host) => host.thaw().then(() => host.kill())));
      await Promise.all([at.primary, at.dr].map(forgetRestored));
    },
  };
}

async function takesWrites(host: DatabaseHost): Promise<boolean> {
  const [row] = await ask<{ open: boolean }>(
    host,
    "select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as open",
  );
  return row?.open === true;
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
  await soon(`${standby.name} streaming from ${primary.name}`, () => isFollowing(primary, standby));
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
