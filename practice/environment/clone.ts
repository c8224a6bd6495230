import { constants } from "node:fs";
import { chown, copyFile, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { namedWhenLate } from "../../src/lib/late-database.ts";
import { PATIENCE_SECONDS } from "./patience.ts";

export interface CloneOptions {
  /** Connection URL of a superuser on the running primary. */
  readonly source: string;
  readonly sourceFolder: string;
  /** Replaced if it is there. */
  readonly folder: string;
  readonly slot: string;
  /** What the standby connects with; its own name and the slot are added. */
  readonly connection: { readonly port: number; readonly user: string; readonly password: string };
  readonly name: string;
}

// Rebuilt by the server, or true of one server only.
const EMPTY_FOLDERS = new Set([
  "pg_replslot",
  "pg_dynshmem",
  "pg_notify",
  "pg_serial",
  "pg_snapshots",
  "pg_stat_tmp",
  "pg_subtrans",
  "pg_wal",
]);
const LEFT_OUT = new Set([
  "postmaster.pid",
  "postmaster.opts",
  "pg_internal.init",
  "backup_label",
  "tablespace_map",
  "standby.signal",
  "recovery.signal",
  "postgresql.auto.conf",
  "server.log",
]);

/**
 * Makes a standby's data folder from a running primary with the low-level backup API: files are copied between
 * `pg_backup_start` and `pg_backup_stop`, and the slot keeps the log that makes the copy whole.
 * https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */
export async function cloneStandby(options: CloneOptions): Promise<void> {
  const { folder, slot, name } = options;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const give = await giverLike(options.sourceFolder);
  const write = async (file: string, text: string) => {
    await writeFile(file, text, { mode: 0o600 });
    await give(file);
  };
  await give(folder);
  // The backup belongs to this one session.
  const client = new pg.Client({
    connectionString: options.source,
    connectionTimeoutMillis: PATIENCE_SECONDS * 1000,
    query_timeout: PATIENCE_SECONDS * 1000,
  });
  client.on("error", () => {});
  await namedWhenLate(options.source, () => client.connect());
  try {
    await client.query(
      `select pg_create_physical_replication_slot($1, true)
        where not exists (select from pg_replication_slots where slot_name = $1)`,
      [slot],
    );
    await client.query("select pg_backup_start('practice', fast => true)");
    await copyFolder(options.sourceFolder, folder, give, true);
    const { rows } = await client.query("select labelfile, spcmapfile from pg_backup_stop(wait_for_archive => false)");
    await write(join(folder, "backup_label"), rows[0].labelfile);
  } finally {
    await client.end().catch(() => {});
  }
  for (const name of ["archive_status", "summaries"]) {
    const made = join(folder, "pg_wal", name);
    await mkdir(made, { mode: 0o700 });
    await give(made);
  }
  await write(join(folder, "standby.signal"), "");
  await write(join(folder, "postgresql.auto.conf"), followSettings(options, name));
}

function followSettings({ connection, slot }: CloneOptions, name: string): string {
  const { port, user, password } = connection;
  const parts = [`host=127.0.0.1`, `port=${port}`, `user=${user}`, `password=${password}`, `application_name=${name}`];
  return `primary_conninfo = '${parts.join(" ")} connect_timeout=3'\nprimary_slot_name = '${slot}'\n`;
}

/** All of a folder at once: most of the time goes into a thousand small files. */
async function copyFolder(from: string, to: string, give: Give, top = false): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true });
  await Promise.all(
    entries.map(async (entry) => {
      const target = join(to, entry.name);
      if (entry.isDirectory()) {
        await mkdir(target, { mode: 0o700 });
        await give(target);
        if (!(top && EMPTY_FOLDERS.has(entry.name))) await copyFolder(join(from, entry.name), target, give);
      } else if (!LEFT_OUT.has(entry.name) && !entry.name.startsWith("pgsql_tmp")) {
        await copyFile(join(from, entry.name), target, constants.COPYFILE_FICLONE)
          .then(() => give(target))
          .catch(ignoreVanished);
      }
    }),
  );
}

type Give = (path: string) => Promise<void>;

/** What is made belongs to whom the original belongs to: the server's user, when this process is root. */
async function giverLike(original: string): Promise<Give> {
  if (process.getuid?.() !== 0) return async () => {};
  const { uid, gid } = await stat(original);
  return (path) => chown(path, uid, gid);
}

/** A file that goes while it is being copied is put right by replaying the log. */
function ignoreVanished(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
