import pg from "pg";
import { namedWhenLate } from "../../src/lib/late-database.ts";
import type { DatabaseHost } from "./database.ts";
import { PATIENCE_SECONDS } from "./patience.ts";
import { SYNTHETIC_TABLE } from "./synthetic.ts";

export interface RolePasswords {
  readonly admin: string;
  readonly app: string;
  readonly monitor: string;
  readonly replicator: string;
}

/**
 * Roles and the one table, on a new primary. `admin` is what the bot logs in as: no superuser, only what fencing, promoting
 * and looking need. `app` can do nothing but write orders; `monitor` can only look.
 */
export async function setUp(primary: DatabaseHost, passwords: RolePasswords): Promise<void> {
  await asOwner(primary, "postgres", [
    `create role admin login replication password '${passwords.admin}' in role pg_monitor, pg_signal_backend, pg_checkpoint`,
    `create role app login password '${passwords.app}'`,
    `create role monitor login password '${passwords.monitor}' in role pg_monitor`,
    `create role replicator login replication password '${passwords.replicator}'`,
    "grant alter system on parameter default_transaction_read_only to admin",
    "create database orders",
  ]);
  await asOwner(primary, "postgres", ["revoke all on database orders from public"]);
  await asOwner(primary, "orders", [
    "grant connect, temporary on database orders to admin, app",
    // Of the database it logs in to: system functions are granted per database.
    "grant execute on function pg_promote(boolean, integer), pg_reload_conf() to admin",
    "create table orders (id bigint primary key, placed_at timestamptz not null, cents int not null)",
    "grant select, insert on orders to app",
    "grant select on orders to admin",
    ...SYNTHETIC_TABLE,
  ]);
}

async function asOwner(primary: DatabaseHost, database: string, statements: readonly string[]): Promise<void> {
  const url = primary.url(database);
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: PATIENCE_SECONDS * 1000,
    query_timeout: PATIENCE_SECONDS * 1000,
  });
  client.on("error", () => {});
  try {
    await namedWhenLate(url, async () => {
      await client.connect();
      for (const statement of statements) await client.query(statement);
    });
  } finally {
    await client.end().catch(() => {});
  }
}
