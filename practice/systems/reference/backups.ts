import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../../src/lib/errors.ts";
import { soon } from "../../environment/patience.ts";
import type { PatroniCluster } from "../../targets/patroni/index.ts";
import type { Server } from "./server.ts";
import { type Login, sql } from "./sql.ts";

/** What the backup host knows of its copies; every figure is looked up when it is requested. */
export interface Inventory {
  readonly copies: number;
  readonly media: number;
  readonly offsite: number;
  /** Every base backup's checksums hold, by `pg_verifybackup`. */
  readonly verified: boolean;
  readonly newestWithinDay: boolean;
  readonly log: { readonly unbroken: boolean; readonly ageSeconds: number | null; readonly withinRpo: boolean };
  readonly target?: { readonly reachable: boolean; readonly from: string | null };
}

/** Base backups and the archived log, on the backup host and once more off site; and a server to restore them to. */
export interface Backups {
  make(): Promise<string>;
  inventory(target: string | null): Promise<Inventory>;
  restore(target: string): Promise<void>;
  readonly restored: {
    readonly state: "none" | "restoring" | "ready" | "failed";
    readonly target: string | null;
    /** When the newest restore ended: another after every one. */
    readonly restoredAt?: string;
  };
  /** Forgets the restored server. */
  clear(): Promise<void>;
}

/** Below the fleet's folder: disks of the backup host, and the bucket off site. */
export const PLACES = {
  base: "backup/base",
  log: "backup/wal",
  offsiteBase: "offsite/base",
  offsiteLog: "offsite/wal",
};
const RPO_SECONDS = 15 * 60;
const DAYS_BACK = 7;

export function archiveCommand(): string {
  return `cp %p %folder/${PLACES.log}/%f && cp %p %folder/${PLACES.offsiteLog}/%f`;
}

export async function createBackups(
  patroni: PatroniCluster,
  scratch: Server,
  source: { /** Of the one who leads now. */ readonly port: () => number; readonly replication: Login },
): Promise<Backups> {
  const { fleet, programs, superuser } = patroni;
  const at = (place: keyof typeof PLACES, ...rest: string[]) => join(fleet.folder, PLACES[place], ...rest);
  for (const place of Object.values(PLACES)) await fleet.run("mkdir", ["-p", join(fleet.folder, place)]);
  let restored: Backups["restored"] = { state: "none", target: null };
  let made = 0;

  const backupsIn = async (place: "base" | "offsiteBase") => {
    const names = await readdir(at(place));
    return await Promise.all(
      names.sort().map(async (name) => ({
        name,
        folder: at(place, name),
        endedAt: Date.parse(await readFile(at(place, name, "ended"), "utf8").catch(() => "")),
      })),
    );
  };
  const finished = async (place: "base" | "offsiteBase") =>
    (await backupsIn(place)).filter(({ endedAt }) => Number.isFinite(endedAt));

  return {
    get restored() {
      return restored;
    },
    async make() {
      const name = `base-${++made}`;
      const folder = at("base", name);
      await fleet.run(
        join(programs, "pg_basebackup"),
        [
          ...["-d", `host=127.0.0.1 port=${source.port()} user=${source.replication.user}`, "-D", folder],
          ...["-X", "stream", "-c", "fast", "--no-sync"],
        ],
        { PGPASSWORD: source.replication.password },
      );
      await fleet.run("cp", ["-r", folder, at("offsiteBase", name)]);
      const endedAt = new Date().toISOString();
      for (const place of ["base", "offsiteBase"] as const) await writeFile(at(place, name, "ended"), endedAt);
      return name;
    },
    async inventory(target) {
      const [own, away] = await Promise.all([finished("base"), finished("offsiteBase")]);
      const checked = await Promise.all(
        [...own, ...away].map(({ folder }) => checkOne(folder).catch((error) => messageOf(error))),
      );
      const live = await sql(source.port(), superuser, "postgres", ["select 1"]).then(
        () => 1,
        () => 0,
      );
      const copies = live + (own.length > 0 ? 1 : 0) + (away.length > 0 ? 1 : 0);
      const newest = Math.max(0, ...own.map(({ endedAt }) => endedAt));
      const logs = await Promise.all([logIn(at("log")), logIn(at("offsiteLog"))]);
      const ageSeconds = logs.some(({ newestAt }) => newestAt === null)
        ? null
        : Math.round((Date.now() - Math.min(...logs.map(({ newestAt }) => newestAt ?? 0))) / 1000);
      return {
        copies,
        // The cluster's and the backup host's disks are one kind, the bucket off site another.
        media: (live + own.length > 0 ? 1 : 0) + (away.length > 0 ? 1 : 0),
        offsite: away.length > 0 ? 1 : 0,
        verified: checked.length > 0 && checked.every((one) => one === true),
        newestWithinDay: Date.now() - newest < 86_400_000,
        log: {
          unbroken: logs.every(({ unbroken }) => unbroken),
          ageSeconds,
          withinRpo: ageSeconds !== null && ageSeconds <= RPO_SECONDS,
        },
        ...(target === null ? {} : { target: reach(own, target) }),
      };
    },
    async restore(target) {
      restored = { state: "restoring", target };
      try {
        const from = reach(await finished("base"), target).from;
        if (from === null) throw new Error(`No base backup reaches ${target}`);
        await archived().catch(() => {});
        await scratch.clear();
        await fleet.run("cp", ["-r", at("base", from), scratch.folder]);
        await fleet.run("touch", [join(scratch.folder, "recovery.signal")]);
        await scratch.start({
          restore_command: `cp ${at("log")}/%f %p`,
          // PostgreSQL takes no name of a zone here, not even Z.
          recovery_target_time: new Date(target).toISOString().replace("Z", "+00"),
          recovery_target_action: "promote",
        });
        await soon("the restored server leaving recovery", async () => {
          const [row] = await sql<{ on: boolean }>(scratch.port, superuser, "postgres", [
            "select pg_is_in_recovery() as on",
          ]);
          return row?.on === false;
        });
        restored = { state: "ready", target, restoredAt: new Date().toISOString() };
      } catch (error) {
        restored = { state: "failed", target };
        throw error;
      }
    },
    async clear() {
      restored = { state: "none", target: null };
      await scratch.clear();
    },
  };

  /**
   * What was written since the last segment is in no archive yet, and a server that finds the log's end before its moment
   * gives up.
   */
  async function archived(): Promise<void> {
    const ask = <T>(words: string) => sql<T>(source.port(), superuser, "postgres", [words]);
    const [last] = await ask<{ file: string }>("select pg_walfile_name(pg_switch_wal()) as file");
    await soon("the last segment being archived", async () => {
      const [row] = await ask<{ file: string | null }>("select last_archived_wal as file from pg_stat_archiver");
      return last !== undefined && (row?.file ?? "") >= last.file;
    });
  }

  /** "ended" is a note of ours, and no part of what was backed up. */
  async function checkOne(folder: string): Promise<true> {
    await fleet.run(join(programs, "pg_verifybackup"), ["-q", "--ignore=ended", folder]);
    return true;
  }
}

function reach(backups: readonly { readonly name: string; readonly endedAt: number }[], target: string) {
  const moment = Date.parse(target);
  const before = backups.filter(({ endedAt }) => endedAt <= moment);
  const from = before.at(-1)?.name ?? null;
  const inWindow = moment <= Date.now() && Date.now() - moment <= DAYS_BACK * 86_400_000;
  return { reachable: from !== null && inWindow, from };
}

/** Segments of the log follow one another without a gap, whatever timelines they are of. */
async function logIn(folder: string): Promise<{ readonly unbroken: boolean; readonly newestAt: number | null }> {
  await mkdir(folder, { recursive: true });
  const names = (await readdir(folder)).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const numbers = [...new Set(names.map(numberOf))].sort((a, b) => a - b);
  const times = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mtimeMs));
  const unbroken = numbers.every((number, i) => i === 0 || number === (numbers[i - 1] as number) + 1);
  return { unbroken: names.length > 0 && unbroken, newestAt: times.length === 0 ? null : Math.max(...times) };
}

/** Of 16 MiB: 256 to each of the second eight digits. */
function numberOf(name: string): number {
  return Number.parseInt(name.slice(8, 16), 16) * 256 + Number.parseInt(name.slice(16), 16);
}
