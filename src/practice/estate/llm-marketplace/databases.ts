import pg from "pg";
import { createHost, type DatabaseHost } from "../database.ts";
import { soon } from "../fleet.ts";
import { SYNTHETIC_TABLE } from "../synthetic.ts";
import { PRIMARY, REPLICA } from "./names.ts";

export const DATABASE = "marketplace";

export interface Passwords {
  readonly owner: string;
  readonly replicator: string;
  readonly admin: string;
  readonly app: string;
}

/** Three real servers: the primary, its replica, and one for what is restored or made on the way back. */
export interface Databases {
  readonly primary: DatabaseHost;
  readonly replica: DatabaseHost;
  readonly spare: DatabaseHost;
  readonly all: readonly DatabaseHost[];
  create(): Promise<void>;
  /** The primary takes writes, the replica streams, the spare is off. What only others held is given up. */
  reset(): Promise<void>;
  /** The replica is a primary of its own; the old one still runs, and takes no writes. */
  moved(): Promise<void>;
  /** The spare becomes a standby of `source`. */
  followWith(source: DatabaseHost): Promise<void>;
  /** The spare holds what the primary holds now, and is off: what a snapshot is. */
  snapshot(): Promise<void>;
  promote(host: DatabaseHost): Promise<void>;
  /** Seconds the replica is behind, as RDS measures it: since the last write it replayed. Null: it does not replicate. */
  lagSeconds(host: DatabaseHost): Promise<number | null>;
}

export async function createDatabases(folder: string, passwords: Passwords): Promise<Databases> {
  const [primary, replica, spare] = (await Promise.all(
    [PRIMARY, REPLICA, "llm-marketplace-db-spare"].map((name) => createHost(name, folder, passwords)),
  )) as [DatabaseHost, DatabaseHost, DatabaseHost];
  const off = async (host: DatabaseHost) => {
    await host.thaw();
    await host.kill();
  };

  const databases: Databases = {
    primary,
    replica,
    spare,
    all: [primary, replica, spare],
    async create() {
      await primary.create();
      await primary.start();
      await setUp(primary, passwords);
      await replica.follow(primary);
      await streams(primary, replica);
    },
    async reset() {
      await Promise.all([primary.thaw(), off(spare)]);
      await primary.start();
      await open(primary);
      if (!(await isFollowing(primary, replica))) {
        await off(replica);
        await replica.follow(primary);
        await streams(primary, replica);
      }
      await dropIdleSlots(primary);
    },
    async moved() {
      await databases.reset();
      await databases.promote(replica);
      await ask(primary, "alter system set default_transaction_read_only = on");
      await ask(primary, "select pg_reload_conf()");
      await dropIdleSlots(primary);
    },
    async followWith(source) {
      await off(spare);
      await spare.follow(source);
      await streams(source, spare);
    },
    async snapshot() {
      await databases.followWith(primary);
      await databases.promote(spare);
      await ask(spare, "checkpoint");
      await off(spare);
      await dropIdleSlots(primary);
    },
    async promote(host) {
      await ask(host, "select pg_promote(true, 30) where pg_is_in_recovery()");
      await ask(host, "checkpoint");
    },
    async lagSeconds(host) {
      const [row] = await ask<{ lag: number | null }>(
        host,
        `select case when pg_is_in_recovery()
           then greatest(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8 end as lag`,
        0,
      );
      return row?.lag ?? null;
    },
  };
  return databases;
}

const TABLE = [
  "create table if not exists models (id bigint primary key, name text not null, published_at timestamptz not null)",
  "grant select, insert on models to app",
  "grant select on models to admin",
  ...SYNTHETIC_TABLE,
];

/** Roles and the one table. `admin` is what the bot logs in as and has what RDS's own master user has: no `alter system`. */
async function setUp(primary: DatabaseHost, passwords: Passwords): Promise<void> {
  await asOwner(primary, "postgres", [
    `create role admin login password '${passwords.admin}' in role pg_monitor, pg_signal_backend`,
    `create role app login password '${passwords.app}'`,
    `create role replicator login replication password '${passwords.replicator}'`,
    `create database ${DATABASE}`,
  ]);
  await asOwner(primary, DATABASE, [
    `revoke all on database ${DATABASE} from public`,
    `grant connect, temporary on database ${DATABASE} to admin, app`,
    ...TABLE,
  ]);
}

async function open(primary: DatabaseHost): Promise<void> {
  const [row] = await ask<{ standby: boolean }>(primary, "select pg_is_in_recovery() as standby");
  if (row?.standby) await ask(primary, "select pg_promote(true, 30)");
  await ask(primary, "alter system reset all");
  await ask(primary, "select pg_reload_conf()");
  await asOwner(primary, DATABASE, ["set default_transaction_read_only = off", ...TABLE, "truncate models"]);
}

async function isFollowing(primary: DatabaseHost, replica: DatabaseHost): Promise<boolean> {
  if (!replica.running) return false;
  const rows = await ask<{ state: string }>(
    primary,
    `select state from pg_stat_replication where application_name = '${replica.name}' and state = 'streaming'`,
  ).catch(() => []);
  return rows.length > 0;
}

async function streams(primary: DatabaseHost, standby: DatabaseHost): Promise<void> {
  await soon(`${standby.name} streaming from ${primary.name}`, 40, () => isFollowing(primary, standby));
}

async function dropIdleSlots(host: DatabaseHost): Promise<void> {
  await ask(host, "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active");
}

/** As superuser. */
export async function ask<Row extends object>(host: DatabaseHost, sql: string, patience?: number): Promise<Row[]> {
  return await session(host, "postgres", async (client) => (await client.query<Row>(sql)).rows, patience);
}

export async function asOwner(host: DatabaseHost, database: string, statements: readonly string[]): Promise<void> {
  await session(host, database, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

/** Connecting is tried with the patience a busy machine needs; what the server refuses is thrown. */
async function session<T>(
  host: DatabaseHost,
  database: string,
  work: (client: pg.Client) => Promise<T>,
  patienceSeconds = 20,
): Promise<T> {
  const client = await soon(`${host.name} letting us in`, patienceSeconds, async () => {
    const one = new pg.Client({
      connectionString: host.url(database),
      connectionTimeoutMillis: 8000,
      query_timeout: 35_000,
    });
    one.on("error", () => {});
    await one.connect().catch((error) => {
      one.end().catch(() => {});
      throw error;
    });
    return one;
  });
  return await work(client).finally(() => client.end().catch(() => {}));
}
