import { readdir, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { asSuperuser } from "../support/postgres.ts";
import type { SoakEnvironment } from "./environment.ts";

/** What one bot used at one moment. */
export interface Usage {
  readonly bot: string;
  /** Seconds since the soak began. */
  readonly at: number;
  readonly megabytes: number;
  /** Open files and sockets. */
  readonly handles: number;
  /** Connections that all bots together have to the store. */
  readonly connections: number;
}

export interface Meter {
  readonly samples: readonly Usage[];
  stop(): Promise<void>;
}

const EVERY_MS = 2000;
/** A process that has just started grows to what it needs. */
const MEMORY_FACTOR = 1.3;
const MEMORY_MB = 40;
const HANDLES = 25;
const CONNECTIONS = 10;

/** Looks at both bots until it is stopped. Linux only; elsewhere there are no samples. */
export function measure(world: SoakEnvironment): Meter {
  const samples: Usage[] = [];
  const began = performance.now();
  let stopped = false;
  const looking = (async () => {
    while (!stopped && process.platform === "linux") {
      const connections = await connectionsOf(world);
      for (const { name, pid } of world.bots) {
        const used = pid === null ? null : await usedBy(pid);
        if (used !== null && connections !== null)
          samples.push({ bot: name, at: (performance.now() - began) / 1000, ...used, connections });
      }
      await pause(EVERY_MS);
    }
  })();
  return {
    samples,
    async stop() {
      stopped = true;
      await looking;
    },
  };
}

/** What grew from the first third to the last. */
export function growth(samples: readonly Usage[]): readonly string[] {
  const end = samples.at(-1)?.at ?? 0;
  const first = samples.filter(({ at }) => at < end / 3);
  const last = samples.filter(({ at }) => at > (2 * end) / 3);
  if (first.length === 0 || last.length === 0) return [];
  const found: string[] = [];
  const held = (what: string, of: (usage: Usage) => number, allowed: (before: number) => number) => {
    const before = median(first.map(of));
    const after = median(last.map(of));
    if (after > allowed(before)) found.push(`${what} grew from ${Math.round(before)} to ${Math.round(after)}`);
  };
  held(
    "The memory of a bot in MB",
    ({ megabytes }) => megabytes,
    (before) => before * MEMORY_FACTOR + MEMORY_MB,
  );
  held(
    "The open files of a bot",
    ({ handles }) => handles,
    (before) => before + HANDLES,
  );
  held(
    "Connections to the store",
    ({ connections }) => connections,
    (before) => before + CONNECTIONS,
  );
  return found;
}

export function summary(samples: readonly Usage[]): Readonly<Record<string, number>> {
  const of = (pick: (usage: Usage) => number) => (samples.length === 0 ? 0 : Math.round(median(samples.map(pick))));
  const most = (pick: (usage: Usage) => number) => Math.round(Math.max(0, ...samples.map(pick)));
  return {
    megabytes: of(({ megabytes }) => megabytes),
    megabytesMost: most(({ megabytes }) => megabytes),
    handles: of(({ handles }) => handles),
    handlesMost: most(({ handles }) => handles),
    connections: of(({ connections }) => connections),
    connectionsMost: most(({ connections }) => connections),
  };
}

/** Processes that were started from a folder, by what their command line says; our own is none. */
export async function processesIn(folder: string): Promise<readonly string[]> {
  if (process.platform !== "linux") return [];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commands.filter((command) => command.includes(folder)).map((command) => command.replaceAll("\0", " "));
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

async function usedBy(pid: number): Promise<Pick<Usage, "megabytes" | "handles"> | null> {
  try {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    const handles = (await readdir(`/proc/${pid}/fd`)).length;
    return { megabytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024, handles };
  } catch {
    return null;
  }
}

async function connectionsOf({ postgres }: SoakEnvironment): Promise<number | null> {
  const sql = `select count(*)::int as count from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and usename <> 'owner'`;
  return asSuperuser<{ count: number }>(postgres.url, sql).then(
    ([row]) => row?.count ?? null,
    () => null,
  );
}
