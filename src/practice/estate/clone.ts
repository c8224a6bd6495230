import { constants } from "node:fs";
import { chmod, copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { giveToServer } from "../../lib/pgserver.ts";

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
  // The backup belongs to this one session.
  const client = new pg.Client({
    connectionString: options.source,
    connectionTimeoutMillis: 3000,
    query_timeout: 30_000,
  });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(
      `select pg_create_physical_replication_slot($1, true)
        where not exists (select from pg_replication_slots where slot_name = $1)`,
      [slot],
    );
    await client.query("select pg_backup_start('practice', fast => true)");
    await copyFolder(options.sourceFolder, folder, true);
    const { rows } = await client.query("select labelfile, spcmapfile from pg_backup_stop(wait_for_archive => false)");
    await writeFile(join(folder, "backup_label"), rows[0].labelfile, { mode: 0o600 });
  } finally {
    await client.end().catch(() => {});
  }
  await mkdir(join(folder, "pg_wal", "archive_status"), { recursive: true, mode: 0o700 });
  await mkdir(join(folder, "pg_wal", "summaries"), { recursive: true, mode: 0o700 });
  await writeFile(join(folder, "standby.signal"), "", { mode: 0o600 });
  await writeFile(join(folder, "postgresql.auto.conf"), followSettings(options, name), { mode: 0o600 });
  await chmod(folder, 0o700);
  await giveToServer(folder);
}

function followSettings({ connection, slot }: CloneOptions, name: string): string {
  const { port, user, password } = connection;
  const parts = [`host=127.0.0.1`, `port=${port}`, `user=${user}`, `password=${password}`, `application_name=${name}`];
  return `primary_conninfo = '${parts.join(" ")} connect_timeout=3'\nprimary_slot_name = '${slot}'\n`;
}

async function copyFolder(from: string, to: string, top: boolean): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      await mkdir(target, { mode: 0o700 });
      if (!(top && EMPTY_FOLDERS.has(entry.name))) await copyFolder(join(from, entry.name), target, false);
    } else if (!LEFT_OUT.has(entry.name) && !entry.name.startsWith("pgsql_tmp")) {
      await copyFile(join(from, entry.name), target, constants.COPYFILE_FICLONE).catch(ignoreVanished);
    }
  }
}

/** A file that goes while it is being copied is put right by replaying the log. */
function ignoreVanished(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
