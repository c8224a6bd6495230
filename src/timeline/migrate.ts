import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { sha256 } from "../lib/canonical.ts";
import { asUser, parseDatabaseUrl } from "../lib/database-url.ts";
import { LifeboatError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { projectRoot } from "../lib/root.ts";
import { appRole, asOwner } from "./database.ts";
import { sealInbox } from "./inbox.ts";
import { type Keyring, missingKey } from "./keys.ts";
import { sealSecondFactors } from "./second-factors.ts";
import { sealAll } from "./statements.ts";

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

const lockKey = "hashtext('lifeboat.migration')";

/**
 * Brings the schema up to date: every file of `migrations/`, in the order of its name, once, each in a transaction.
 * Two processes that start together wait for each other. A database that knows more migrations than this version is left
 * as it is, so that versions can mix.
 * @throws LifeboatError `store-migrate` when an applied file was edited, or the rights are missing; `record-key-missing`
 */
export async function migrate(ownerUrl: string, appUrl: string, log: Logger, keyring: Keyring): Promise<void> {
  const wanted = await readMigrations();
  await asOwner(ownerUrl, "lifeboat-migrate", async (client) => {
    if (missing(wanted, await applied(client)).length > 0) {
      await client.query(`select pg_advisory_lock(${lockKey})`);
      for (const migration of missing(wanted, await applied(client))) await apply(client, migration, log, keyring);
    }
    await admit(client, appUrl);
  });
}

/** What SQL can't do, because the keys are not in the database: in the same transaction as the file of that name. */
const withKeys: Readonly<Record<string, (client: pg.Client, keyring: Keyring) => Promise<void>>> = {
  "0070-authenticated.sql": sealAll,
  "0080-proof-entries.sql": sealSecondFactors,
  "0200-inbox-authentic.sql": sealInbox,
};

/**
 * The URL as a login that may work as the application's role and do nothing else, made when it is not there: practice and
 * the embedded PostgreSQL need no second login by hand. Its password is told by the key, so nothing has to be kept.
 */
export async function ownLogin(ownerUrl: string, keyring: Keyring): Promise<string> {
  const password = keyring.password("login");
  if (password === null) throw missingKey();
  const name = `lifeboat_${sha256(password).slice(0, 12)}`;
  await asOwner(ownerUrl, "lifeboat-login", async (client) => {
    const exists = async () => (await client.query("select from pg_roles where rolname = $1", [name])).rowCount === 1;
    if (await exists()) return;
    await client.query(`select pg_advisory_lock(${lockKey})`);
    if (await exists()) return;
    await client.query(`create role ${name} login password ${client.escapeLiteral(password)}`).catch((error) => {
      // Roles belong to the whole server: another database's process may have been first.
      if (error.code === "42710" || error.code === "23505") return;
      throw error.code === "42501" ? noRights("a login for the application", error) : error;
    });
  });
  return asUser(ownerUrl, name, password);
}

async function readMigrations(): Promise<Migration[]> {
  const folder = join(projectRoot(), "src", "timeline", "migrations");
  const names = (await readdir(folder)).filter((name) => /^\d{4}-[a-z-]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), "utf8");
      return { name, sql, checksum: sha256(sql) };
    }),
  );
}

/** Names of the files that a store has not applied. It may be asked by any login that may read. */
export async function pendingMigrations(client: Pick<pg.Pool, "query">): Promise<readonly string[]> {
  return missing(await readMigrations(), await applied(client)).map(({ name }) => name);
}

async function applied(client: Pick<pg.Pool, "query">): Promise<ReadonlyMap<string, string>> {
  const { rows: known } = await client.query("select to_regclass('lifeboat.migration') is not null as there");
  if (!known[0].there) return new Map();
  const { rows } = await client.query<{ name: string; checksum: string }>(
    "select name, checksum from lifeboat.migration",
  );
  return new Map(rows.map((row) => [row.name, row.checksum]));
}

function missing(wanted: readonly Migration[], done: ReadonlyMap<string, string>): Migration[] {
  const edited = wanted.find(({ name, checksum }) => done.has(name) && done.get(name) !== checksum);
  if (edited) {
    throw new LifeboatError({
      code: "store-migrate",
      where: `src/timeline/migrations/${edited.name}`,
      what: "This migration was changed after it was applied to the database",
      next: "Restore the file, and put the change into a new migration",
    });
  }
  return wanted.filter(({ name }) => !done.has(name));
}

async function apply(
  client: pg.Client,
  { name, sql, checksum }: Migration,
  log: Logger,
  keyring: Keyring,
): Promise<void> {
  try {
    await client.query("begin");
    await client.query("create schema if not exists lifeboat");
    await client.query(
      "create table if not exists lifeboat.migration (name text primary key, checksum text not null, applied_at timestamptz(3) not null default clock_timestamp())",
    );
    await client.query(sql);
    await withKeys[name]?.(client, keyring);
    await client.query("insert into lifeboat.migration (name, checksum) values ($1, $2)", [name, checksum]);
    await client.query("commit");
    log.info({ event: "store.migrated", migration: name }, "schema migrated");
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw (error as { code?: string }).code === "42501" ? noRights(name, error) : error;
  }
}

/** Lets the user of the application's URL work as the application's role. */
async function admit(client: pg.Client, appUrl: string): Promise<void> {
  const user = parseDatabaseUrl(appUrl)?.user || client.user || "";
  const { rows } = await client.query(
    `select pg_has_role($1, '${appRole}', case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) as admitted`,
    [user],
  );
  if (rows[0].admitted) return;
  await client.query(`grant ${appRole} to ${client.escapeIdentifier(user)}`).catch((error) => {
    throw noRights(`grant ${appRole} to ${user}`, error);
  });
}

function noRights(where: string, cause: unknown): LifeboatError {
  return new LifeboatError(
    {
      code: "store-migrate",
      where,
      what: "The schema needs a change that this database user may not make",
      allowed: "The owner of the database, with the right to create roles",
      next: "Give the owner's URL as well; it is used for migrations only",
    },
    { cause },
  );
}
