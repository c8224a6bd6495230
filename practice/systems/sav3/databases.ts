import { mkdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { giveToServer } from "../../../src/embedded-postgres/cluster.ts";
import { messageOf } from "../../../src/lib/errors.ts";
import { ask } from "../../environment/database.ts";
import type { Fleet } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";
import { SYNTHETIC_TABLE } from "../../environment/synthetic.ts";
import { type ArchivedHost, createRepository, firstBackup } from "../../targets/pgbackrest/index.ts";
import { DATABASE, PRIMARY, REPLACEMENT, SCRATCH, STANDBY } from "./names.ts";

export interface Passwords {
  readonly owner: string;
  readonly replicator: string;
  readonly admin: string;
  readonly app: string;
}

/** A primary and its standby, both with pgBackRest into one repository. After a failover each is what the other was. */
export interface Databases {
  /** Primary when all is well. */
  readonly primary: ArchivedHost;
  readonly standby: ArchivedHost;
  /** A host made on the night both are lost: empty until something is restored to it. */
  readonly replacement: ArchivedHost;
  /** Only restored to, beside the ones that serve; it archives nothing. */
  readonly scratch: ArchivedHost;
  /** Who takes writes now; null: neither of the pair. */
  writer(): Promise<ArchivedHost | null>;
  /** `select system_identifier from pg_control_system()` of the pair. */
  systemIdentifier(): Promise<string>;
  /** An empty data folder, whatever was in it. */
  empty(host: ArchivedHost): Promise<void>;
  create(): Promise<void>;
  /** The primary takes writes and the standby streams, whatever was before; the table is empty. */
  reset(): Promise<void>;
  /** As a failover leaves it: the standby is primary of its own, the old one runs and is fenced. */
  moved(): Promise<void>;
  /** Everything written so far can be restored. */
  archived(): Promise<void>;
  /** Both are gone, and what is left of the primary's files is of no use. */
  destroy(): Promise<void>;
  sql(host: ArchivedHost, text: string, database?: string): Promise<readonly Record<string, unknown>[]>;
}

export async function createDatabases(fleet: Fleet, passwords: Passwords): Promise<Databases> {
  const repository = await createRepository(fleet, passwords);
  const primary = await repository.host(PRIMARY);
  const standby = await repository.host(STANDBY);
  const replacement = await repository.host(REPLACEMENT);
  const scratch = await repository.host(SCRATCH, { archives: false });
  const both = [primary, standby];

  const sql: Databases["sql"] = async (host, text, database = DATABASE) => {
    const client = new pg.Client({ connectionString: host.url(database), connectionTimeoutMillis: 3000 });
    client.on("error", () => {});
    await client.connect();
    try {
      const results = await client.query(text);
      return (Array.isArray(results) ? results.at(-1) : results).rows;
    } finally {
      await client.end();
    }
  };
  const off = async (host: ArchivedHost) => {
    await host.thaw();
    await host.kill();
    await rm(join(host.folder, "postmaster.pid"), { force: true });
  };
  const fresh = async () => {
    await Promise.all(both.map(off));
    await Promise.all(
      ["archive", "backup"].map((kind) => rm(join(fleet.folder, "repository", kind), { recursive: true, force: true })),
    );
    await primary.create();
    await primary.start();
    await setUp(primary, passwords);
    await firstBackup(primary);
    await standby.follow(primary);
    await streams(primary);
  };
  const writes = async (host: ArchivedHost): Promise<boolean> => {
    if (!host.running) return false;
    const rows = await ask<{ writes: boolean }>(host, "select not pg_is_in_recovery() as writes").catch(() => []);
    return rows[0]?.writes === true;
  };
  const fenced = async (host: ArchivedHost): Promise<boolean> => {
    const [row] = await ask<{ setting: string }>(host, "show default_transaction_read_only").catch(() => []);
    return Object.values(row ?? {})[0] !== "off";
  };
  const empty = async (host: ArchivedHost) => {
    await off(host);
    for (const folder of [host.folder, host.copies]) await rm(folder, { recursive: true, force: true });
    await Promise.all([host.folder, host.copies].map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })));
    await Promise.all([host.folder, host.copies].map(giveToServer));
  };
  const heal = async () => {
    await Promise.all(both.map((host) => host.thaw()));
    if (!(await writes(primary)) && (await writes(standby))) {
      await primary.follow(standby);
      await off(standby);
      await ask(primary, "select pg_promote(true, 30)");
    }
    await primary.start();
    await soon("the end of recovery", () => writes(primary));
    await sql(primary, "alter system reset default_transaction_read_only", "postgres");
    await sql(primary, "select pg_reload_conf()", "postgres");
    if (!(await follows(primary, standby))) {
      await off(standby);
      await standby.follow(primary);
      await streams(primary);
    }
    await sql(primary, `set default_transaction_read_only = off; ${TABLE}; truncate posts`);
  };

  const databases: Databases = {
    primary,
    standby,
    replacement,
    scratch,
    sql,
    empty,
    async writer() {
      for (const host of both) if ((await writes(host)) && !(await fenced(host))) return host;
      return null;
    },
    async systemIdentifier() {
      const [row] = await sql(primary, "select system_identifier::text as id from pg_control_system()", "postgres");
      return String(row?.id);
    },
    create: fresh,
    async reset() {
      try {
        await heal();
      } catch {
        // Half restored, or damaged on purpose: nothing of it is worth keeping.
        await fresh();
      }
    },
    async moved() {
      await sql(standby, "select pg_promote(true, 30)", "postgres");
      await sql(standby, "checkpoint", "postgres");
      await sql(primary, "alter system set default_transaction_read_only = on", "postgres");
      await sql(primary, "select pg_reload_conf()", "postgres");
    },
    async archived() {
      const host = (await databases.writer()) ?? primary;
      const [row] = await sql(host, "select pg_walfile_name(pg_switch_wal()) as file", "postgres");
      await soon("the log being archived", async () => {
        const [seen] = await sql(host, "select last_archived_wal as last from pg_stat_archiver", "postgres");
        return String(seen?.last ?? "") >= String(row?.file);
      });
    },
    async destroy() {
      await Promise.all(both.map(off));
      await truncate(join(primary.folder, "global", "pg_control"), 100).catch((error) => {
        throw new Error(`The files could not be damaged: ${messageOf(error)}`);
      });
    },
  };
  return databases;
}

const TABLE = `create table if not exists posts (id bigint primary key, posted_at timestamptz not null default now());
grant select, insert on posts to app; grant select on posts to admin; ${SYNTHETIC_TABLE.join("; ")}`;

/** `admin` is what the bot logs in as: no superuser, only what fencing, promoting and looking need. */
async function setUp(primary: ArchivedHost, passwords: Passwords): Promise<void> {
  for (const statement of [
    `create role admin login replication password '${passwords.admin}' in role pg_monitor, pg_signal_backend, pg_checkpoint`,
    `create role app login password '${passwords.app}'`,
    `create role replicator login replication password '${passwords.replicator}'`,
    "grant alter system on parameter default_transaction_read_only to admin",
    `create database ${DATABASE}`,
    `revoke all on database ${DATABASE} from public`,
    `grant connect, temporary on database ${DATABASE} to admin, app`,
  ])
    await ask(primary, statement);
  const client = new pg.Client(primary.url(DATABASE));
  await client.connect();
  await client.query(`grant execute on function pg_promote(boolean, integer), pg_reload_conf() to admin; ${TABLE}`);
  await client.end();
}

async function follows(primary: ArchivedHost, standby: ArchivedHost): Promise<boolean> {
  if (!standby.running) return false;
  const rows = await ask<{ state: string }>(
    primary,
    `select state from pg_stat_replication where application_name = '${standby.name}' and state = 'streaming'`,
  ).catch(() => []);
  return rows.length > 0;
}

async function streams(primary: ArchivedHost): Promise<void> {
  await soon("the standby streaming", async () => {
    const rows = await ask<{ state: string }>(primary, "select state from pg_stat_replication");
    return rows.some(({ state }) => state === "streaming");
  });
}
