import { mkdir, rm } from "node:fs/promises";
import pg from "pg";
import { giveToServer } from "../../../src/embedded-postgres/cluster.ts";
import { soon } from "../../environment/patience.ts";
import type { ArchivedHost } from "./index.ts";

/** As superuser, one statement. */
async function ask<Row extends object>(host: ArchivedHost, statement: string): Promise<readonly Row[]> {
  const client = new pg.Client({
    connectionString: host.url(),
    connectionTimeoutMillis: 5000,
    query_timeout: 10_000,
  });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

interface Timeline {
  readonly standby: boolean;
  readonly timeline: number;
}

async function timelineOf(host: ArchivedHost): Promise<Timeline | null> {
  const rows = await ask<Timeline>(
    host,
    `select standby, case when standby then 0 else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end as timeline
       from pg_is_in_recovery() standby`,
  ).catch(() => []);
  return rows[0] ?? null;
}

/**
 * Makes `primary` take writes on the newest timeline of the two, whatever was before. Both archive into one repository, and a restore to a
 * moment follows the newest timeline there: a pair that went on with an older one would be restored to what no one wrote.
 * @returns false where neither server can be brought back: then the pair has to be made again
 */
export async function healPair(primary: ArchivedHost, other: ArchivedHost): Promise<boolean> {
  await Promise.all([primary, other].map((host) => host.thaw()));
  await Promise.all([primary, other].map((host) => host.start().catch(() => {})));
  const [mine, theirs] = await Promise.all([timelineOf(primary), timelineOf(other)]);
  const behind =
    theirs !== null && !theirs.standby && (mine === null || mine.standby || mine.timeline <= theirs.timeline);
  if (mine === null && !behind) return false;
  if (behind) {
    await primary.follow(other);
    await other.kill();
  }
  if ((await timelineOf(primary))?.standby) await ask(primary, "select pg_promote(true, 30)");
  await soon(`${primary.name} taking writes`, async () => (await timelineOf(primary))?.standby === false);
  return true;
}

/** Has the running segment archived, and waits until it is: what was written before can be restored then. */
export async function archiveReaches(host: ArchivedHost): Promise<void> {
  const [row] = await ask<{ file: string }>(host, "select pg_walfile_name(pg_switch_wal()) as file");
  await soon("the log being archived", async () => {
    const [seen] = await ask<{ last: string | null }>(host, "select last_archived_wal as last from pg_stat_archiver");
    return (seen?.last ?? "") >= (row?.file ?? "");
  });
}

/** A stopped server with an empty data folder, as a machine is before anything is restored to it. */
export async function forgetRestored(host: ArchivedHost): Promise<void> {
  await host.stop();
  for (const folder of [host.folder, host.copies]) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await giveToServer(folder);
  }
}
