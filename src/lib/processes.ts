import { readdir, readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";

/** One process of one machine, told from every other process that has had or will have its number. Plain JSON. */
export interface ProcessIdentity {
  /** Also the number of its process group. */
  readonly pid: number;
  /** For people. */
  readonly host: string;
  /** `/proc/sys/kernel/random/boot_id`; null where there is no /proc. */
  readonly bootId: string | null;
  readonly machineId: string | null;
  /** `pid:[4026531836]`: containers on one machine count their processes separately. */
  readonly pidNamespace: string | null;
  /** Field 22 of `/proc/<pid>/stat`: clock ticks between boot and its start. */
  readonly startTicks: string | null;
  /** The value of `MARKER` in its environment and in that of everything it starts. */
  readonly marker: string;
  /** It is ended after so many seconds, also when the process that started it is gone. */
  readonly seconds: number;
}

/** `unknown`: it runs, or ran, where this process can't look. */
export type Life = "alive" | "gone" | "unknown";

export const MARKER = "LIFEBOAT_CHILD";

/** Seconds a child may take to end after its time is over. */
export const END_GRACE_SECONDS = 5;

/** Why a signal is aborted when the work is left to another process of Lifeboat: children that are on record run on. */
export class LetGo extends Error {
  constructor() {
    super("Left to another process of Lifeboat");
  }
}

export async function identify(pid: number, marker: string, seconds: number): Promise<ProcessIdentity> {
  const { bootId, machineId, pidNamespace } = await thisMachine();
  return { pid, host: hostname(), bootId, machineId, pidNamespace, startTicks: await startTicks(pid), marker, seconds };
}

/** Whether it, or anything it has started, still runs. */
export async function lookAtProcess(one: ProcessIdentity): Promise<Life> {
  const here = await thisMachine();
  if (one.bootId === null || here.bootId === null || one.startTicks === null) return "unknown";
  if (one.bootId !== here.bootId) return isSameMachine(one, here) ? "gone" : "unknown";
  if (one.pidNamespace === null || one.pidNamespace !== here.pidNamespace) return "unknown";
  if ((await startTicks(one.pid)) === one.startTicks) return "alive";
  return (await marked(one.marker)).length > 0 ? "alive" : "gone";
}

/**
 * Ends it and everything it has started, wherever that went: the process group first, then whatever carries its marker.
 * @returns what is true then; `alive` where something can't be ended
 */
export async function endProcess(one: ProcessIdentity): Promise<Life> {
  for (const signal of ["SIGTERM", "SIGKILL", "SIGKILL", "SIGKILL"] as const) {
    const life = await lookAtProcess(one);
    if (life !== "alive") return life;
    if ((await startTicks(one.pid)) === one.startTicks) signalTo(-one.pid, signal);
    for (const pid of await marked(one.marker)) signalTo(pid, signal);
    await untilGone(one, 1);
  }
  return lookAtProcess(one);
}

/** Ends what carries this marker, again until nothing does: a process may start another while it is looked for. */
export async function endMarked(marker: string): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    const left = await marked(marker);
    if (left.length === 0) return;
    for (const pid of left) signalTo(pid, "SIGKILL");
    await pause(10);
  }
}

async function untilGone(one: ProcessIdentity, seconds: number): Promise<void> {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await pause(20))
    if ((await lookAtProcess(one)) !== "alive") return;
}

/** Processes of this machine whose environment carries the marker, as far as this user may read it. */
async function marked(marker: string): Promise<readonly number[]> {
  const entry = `${MARKER}=${marker}\0`;
  const names = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
      return `\0${environment}`.includes(`\0${entry}`) && Number(name) !== process.pid ? Number(name) : null;
    }),
  );
  return found.filter((pid) => pid !== null);
}

/** Null: there is no such process, or it has ended and only waits to be collected. */
async function startTicks(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => null);
  // The second field is the program's name in parentheses, which may hold anything.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields === undefined || fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
}

interface Machine {
  readonly bootId: string | null;
  readonly machineId: string | null;
  readonly pidNamespace: string | null;
}

async function thisMachine(): Promise<Machine> {
  const text = (path: string) =>
    readFile(path, "utf8").then(
      (found) => found.trim() || null,
      () => null,
    );
  const [bootId, machineId, pidNamespace] = await Promise.all([
    text("/proc/sys/kernel/random/boot_id"),
    text("/etc/machine-id"),
    readlink("/proc/self/ns/pid").catch(() => null),
  ]);
  return { bootId, machineId, pidNamespace };
}

/** Then another boot means that it was started again, and nothing of before runs. */
function isSameMachine(one: ProcessIdentity, here: Machine): boolean {
  return one.machineId !== null && one.machineId === here.machineId && one.host === hostname();
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already, or not ours to end: the next look tells.
  }
}
