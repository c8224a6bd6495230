import pg from "pg";
import { createHost, type DatabaseHost } from "../../environment/database.ts";
import { PATIENCE_SECONDS, soon, within } from "../../environment/patience.ts";
import { SYNTHETIC_TABLE } from "../../environment/synthetic.ts";
import { PRIMARY, REPLICA } from "./names.ts";

export const DATABASE = "marketplace";

export interface Passwords {
  readonly owner: string;
  readonly replicator: string;
  readonly admin: string;
  readonly app: string;
}

/** Three real servers: one in each region, and one for what is restored. */
export interface Databases {
  readonly east: DatabaseHost;
  readonly west: DatabaseHost;
  readonly spare: DatabaseHost;
  /** Of the one cluster all of them are of. */
  readonly systemIdentifier: string;
  readonly all: readonly DatabaseHost[];
  create(): Promise<void>;
  /** us-east-1 takes writes, us-west-2 streams, the spare is off. What only others held is given up. */
  reset(): Promise<void>;
  /** us-west-2 is a primary of its own; us-east-1 still runs, and takes no writes. */
  moved(): Promise<void>;
  /** A server becomes a standby of another. */
  follow(standby: DatabaseHost, source: DatabaseHost): Promise<void>;
  /** Off, whatever it was doing. */
  off(host: DatabaseHost): Promise<void>;
  /** The spare holds what us-east-1 holds now, and is off: what a snapshot is. */
  snapshot(): Promise<void>;
  promote(host: DatabaseHost): Promise<void>;
  /** Seconds the replica is behind, as RDS measures it: since the last write it replayed. Null: it does not replicate. */
  lagSeconds(host: DatabaseHost): Promise<number | null>;
}

export async function createDatabases(folder: string, passwords: Passwords): Promise<Databases> {
  const [east, west, spare] = (await Promise.all(
    [PRIMARY, REPLICA, "llm-marketplace-db-spare"].map((name) => createHost(name, folder, passwords)),
  )) as [DatabaseHost, DatabaseHost, DatabaseHost];
  const off = async (host: DatabaseHost) => {
    await host.thaw();
    await host.kill();
  };

  let systemIdentifier = "";
  const databases: Databases = {
    east,
    west,
    spare,
    all: [east, west, spare],
    get systemIdentifier() {
      return systemIdentifier;
    },
    off,
    async create() {
      await east.create();
      await east.start();
      await setUp(east, passwords);
      const [row] = await ask<{ id: string }>(east, "select system_identifier::text as id from pg_control_system()");
      systemIdentifier = row?.id ?? "";
      await databases.follow(west, east);
    },
    async reset() {
      await Promise.all([east.thaw(), off(spare)]);
      await east.start();
      await open(east);
      if (!(await isFollowing(east, west))) await databases.follow(west, east);
      await ask(west, "alter system reset default_transaction_read_only");
      await ask(west, "select pg_reload_conf()");
      await dropIdleSlots(east);
    },
    async moved() {
      await databases.reset();
      await databases.promote(west);
      await ask(east, "alter system set default_transaction_read_only = on");
      await ask(east, "select pg_reload_conf()");
      await dropIdleSlots(east);
    },
    async follow(standby, source) {
      await off(standby);
      await standby.follow(source);
      await streams(source, standby);
    },
    async snapshot() {
      await databases.follow(spare, east);
      await databases.promote(spare);
      await ask(spare, "checkpoint");
      await off(spare);
      await dropIdleSlots(east);
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

/** Roles and the tables. `admin` is what the bot logs in as and has what RDS's own master user has: no `alter system`. */
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
  await asOwner(primary, DATABASE, ["set default_transaction_read_only = off", ...TABLE, "truncate models, synthetic"]);
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
  await soon(`${standby.name} streaming from ${primary.name}`, () => isFollowing(primary, standby));
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
  patienceSeconds = PATIENCE_SECONDS,
): Promise<T> {
  const client = await within(patienceSeconds, `${host.name} letting us in`, async () => {
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
