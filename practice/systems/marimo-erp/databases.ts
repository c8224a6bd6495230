import { randomBytes } from "node:crypto";
import pg from "pg";
import type { DatabaseHost } from "../../environment/database.ts";
import type { Fleet } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";
import { SYNTHETIC_TABLE } from "../../environment/synthetic.ts";
import { createDebianHost, type DebianHost } from "../../targets/pgbackrest/debian-host.ts";
import { archiveReaches, forgetRestored, healPair } from "../../targets/pgbackrest/heal.ts";
import { type ArchivedHost, createRepository, firstBackup } from "../../targets/pgbackrest/index.ts";
import { ADDED, ADMIN, APP, DATABASE, INVOICES, USERS } from "./names.ts";

/**
 * Four real servers: one in each datacentre, with their log archived by pgBackRest; one beside them that is empty, and one that backups are
 * restored to. They are Debian's, because its pg_dump and its pgBackRest refuse the server that npm brings (18).
 */
export interface Databases {
  readonly a: ArchivedHost;
  readonly b: ArchivedHost;
  readonly scratch: DebianHost;
  /** Off until something is restored to it. */
  readonly restored: ArchivedHost;
  readonly passwords: { readonly admin: string; readonly app: string };
  /** As the database's owner. */
  ownerUrl(host: DatabaseHost): string;
  appUrl(host: DatabaseHost): string;
  create(): Promise<void>;
  /** The system identifier that both servers of the pair share. */
  identity(): Promise<string>;
  /** The first takes writes and holds the usual rows, and the second streams. */
  reset(): Promise<void>;
  /** The second was made the primary while the first was away, and now the first is back, knows nothing of it, and takes writes. */
  left(): Promise<void>;
  /** Empties the third one, as the one who cleans up does. */
  clear(): Promise<void>;
  /** A person with more rights than care. @returns the moment right before */
  corrupt(): Promise<string>;
  /** Users that are new after the damage: what a restore to the moment before it gives up. */
  bookAfterwards(): Promise<void>;
  /** Everything written so far can be restored, as it can a minute later by itself (`archive_timeout`). */
  archived(): Promise<void>;
}

const TABLES = [
  "create table if not exists users (id bigint primary key, name text not null, changed_at timestamptz not null default now())",
  "create table if not exists invoices (id bigint primary key, cents int not null)",
  `grant select, insert, update, delete on users, invoices to ${APP}`,
  ...SYNTHETIC_TABLE.map((statement) => statement.replace(/ to app$/, ` to ${APP}`)),
  "truncate users, invoices",
  `insert into users (id, name) select n, 'user-' || n from generate_series(1, ${USERS}) n`,
  `insert into invoices (id, cents) select n, n * 100 from generate_series(1, ${INVOICES}) n`,
];

export async function createDatabases(fleet: Fleet): Promise<Databases> {
  const word = () => randomBytes(12).toString("hex");
  const passwords = { owner: word(), replicator: word(), admin: word(), app: word() };
  const repository = await createRepository(fleet, passwords, "marimo");
  const [a, b] = [await repository.host("marimo-db-a"), await repository.host("marimo-db-b")];
  const restored = await repository.host("marimo-db-restored", { archives: false });
  const scratch = await createDebianHost(fleet, { name: "marimo-db-scratch", passwords, settings: {} });
  const url = (at: DatabaseHost, user: string, password: string) =>
    `postgres://${user}:${password}@127.0.0.1:${at.port}/${DATABASE}`;

  const writer = async (): Promise<ArchivedHost> => {
    for (const host of [a, b]) if (host.running && (await takesWrites(host))) return host;
    return a;
  };

  const databases: Databases = {
    a,
    b,
    scratch,
    restored,
    passwords,
    ownerUrl: (at) => url(at, ADMIN, passwords.admin),
    appUrl: (at) => url(at, APP, passwords.app),
    async create() {
      await Promise.all([a.create(), scratch.create()]);
      await Promise.all([a.start(), scratch.start()]);
      await Promise.all([setUp(a, passwords), setUp(scratch, passwords)]);
      await Promise.all([tell(databases.ownerUrl(a), TABLES), firstBackup(a), forgetRestored(restored)]);
      await b.follow(a);
      await streams(a, b);
    },
    async identity() {
      const [row] = await tell(a.url(), ["select system_identifier::text as id from pg_control_system()"]);
      return String(row?.id);
    },
    async reset() {
      await Promise.all([healPair(a, b), scratch.start(), restored.stop()]);
      await open(a);
      await tell(databases.ownerUrl(a), TABLES);
      if (!(await isFollowing(a, b))) {
        await b.follow(a);
        await streams(a, b);
      }
      await dropIdleSlots(a);
    },
    async left() {
      await a.kill();
      await promote(b);
      await a.start();
      await tell(databases.ownerUrl(a), [`insert into invoices (id, cents) values (${INVOICES + 1}, 1)`]);
    },
    async clear() {
      await tell(scratch.url(), [`drop database if exists ${DATABASE} with (force)`]);
      await makeDatabase(scratch);
    },
    async corrupt() {
      const before = new Date().toISOString();
      await tell(databases.ownerUrl(await writer()), ["delete from users where id > 3", "drop table invoices"]);
      return before;
    },
    async bookAfterwards() {
      const added = `insert into users (id, name) select n, 'user-' || n from generate_series(${USERS + 1}, ${USERS + ADDED}) n`;
      await tell(databases.ownerUrl(await writer()), [added]);
    },
    archived: async () => await archiveReaches(await writer()),
  };
  return databases;
}

interface Passwords {
  readonly admin: string;
  readonly app: string;
  readonly replicator: string;
}

async function setUp(host: DatabaseHost, { admin, app, replicator }: Passwords): Promise<void> {
  await tell(host.url(), [
    `create role ${ADMIN} login replication password '${admin}' in role pg_monitor, pg_signal_backend, pg_checkpoint`,
    `create role ${APP} login password '${app}'`,
    `create role replicator login replication password '${replicator}'`,
    `grant alter system on parameter default_transaction_read_only to ${ADMIN}`,
  ]);
  await makeDatabase(host);
}

async function makeDatabase(host: DatabaseHost): Promise<void> {
  await tell(host.url(), [
    `create database ${DATABASE} owner ${ADMIN}`,
    `revoke all on database ${DATABASE} from public`,
    `grant connect, temporary on database ${DATABASE} to ${APP}`,
  ]);
  // System functions are granted per database.
  await tell(host.url(DATABASE), [
    `grant execute on function pg_promote(boolean, integer), pg_reload_conf() to ${ADMIN}`,
  ]);
}

/** Whatever it became: a primary that takes writes. */
async function open(host: DatabaseHost): Promise<void> {
  const [row] = await tell(host.url(), ["select pg_is_in_recovery() as standby"]);
  if (row?.standby) await tell(host.url(), ["select pg_promote(true, 30)"]);
  await tell(host.url(), ["alter system reset all", "select pg_reload_conf()"]);
  await soon(`${host.name} taking writes`, async () => {
    const [now] = await tell(host.url(), ["select current_setting('default_transaction_read_only') = 'off' as open"]);
    return now?.open === true;
  });
}

async function takesWrites(host: DatabaseHost): Promise<boolean> {
  const [row] = await tell(host.url(), [
    "select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as open",
  ]);
  return row?.open === true;
}

async function promote(standby: DatabaseHost): Promise<void> {
  await tell(standby.url(), ["select pg_promote(true, 30)", "checkpoint"]);
}

async function isFollowing(primary: DatabaseHost, standby: DatabaseHost): Promise<boolean> {
  if (!standby.running) return false;
  const rows = await tell(primary.url(), [
    `select 1 from pg_stat_replication where application_name = '${standby.name}' and state = 'streaming'`,
  ]).catch(() => []);
  return rows.length > 0;
}

async function streams(primary: DatabaseHost, standby: DatabaseHost): Promise<void> {
  await soon(`${standby.name} streaming from ${primary.name}`, () => isFollowing(primary, standby));
}

async function dropIdleSlots(host: DatabaseHost): Promise<void> {
  await tell(host.url(), ["select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active"]);
}

/** One session, and none stays open: a restore wants to be alone. */
export async function tell(
  url: string,
  statements: readonly string[],
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000, query_timeout: 10_000 });
  client.on("error", () => {});
  let rows: readonly Record<string, unknown>[] = [];
  try {
    await client.connect();
    for (const statement of statements) ({ rows } = await client.query(statement, [...values]));
  } finally {
    await client.end().catch(() => {});
  }
  return rows;
}
