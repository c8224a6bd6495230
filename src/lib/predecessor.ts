import { readFile, readlink } from "node:fs/promises";

/**
 * One process of one running kernel, told from every other process that has had or will have its number. Plain JSON: it is
 * written beside a lease, so that a successor on the same host can prove that the holder is dead instead of waiting for it.
 */
export interface HolderProcess {
  readonly pid: number;
  /** Field 22 of `/proc/<pid>/stat`: clock ticks between boot and its start. */
  readonly startTicks: string;
  /** `/proc/sys/kernel/random/boot_id`: another boot and another host have another one. */
  readonly bootId: string;
  /** `pid:[4026531836]`: containers of one host count their processes separately. */
  readonly pidNamespace: string;
  /** `time:[4026531834]`: start times are shown shifted in another one. Null: a kernel without them. */
  readonly timeNamespace: string | null;
}

/** What one process can see of another by its number. */
export interface ProcessSnapshot {
  /** Whether the number is in use, as `kill(pid, 0)` says: true also where the process may not be signalled. Null: not known. */
  readonly exists: boolean | null;
  /** `/proc/<pid>/stat`; null: not readable. */
  readonly stat: string | null;
}

/**
 * Whether `holder` is proven to be dead, by what a process that is `self` sees of its number. Only what is certain counts: the same
 * kernel, PID namespace and time namespace, and a number that is free, was given to another process, or belongs to one of which
 * nothing runs any more. A process that is stopped, frozen or only can't be seen is not dead. Two copies of one running machine (a
 * memory snapshot that was resumed twice) can't be told apart by this: there the holder's session lock stands against it.
 */
export function isProvenDead(holder: HolderProcess, self: HolderProcess | null, seen: ProcessSnapshot): boolean {
  if (self === null || !sameProcessTable(holder, self)) return false;
  if (seen.exists === false) return true;
  const found = seen.exists && seen.stat !== null ? parseStat(seen.stat) : null;
  if (found === null) return false;
  // The first thread may be a zombie while others still run.
  const over = (found.state === "Z" || found.state === "X") && found.threads <= 1;
  return over || found.startTicks !== holder.startTicks;
}

/** Whether both count processes the same way: numbers and start times of one mean the same to the other. */
export function sameProcessTable(one: HolderProcess, other: HolderProcess): boolean {
  return (
    one.bootId === other.bootId && one.pidNamespace === other.pidNamespace && one.timeNamespace === other.timeNamespace
  );
}

/** Looks, and says whether `holder` is proven to be dead. Anything that can't be read means no. */
export async function lookWhetherDead(holder: HolderProcess): Promise<boolean> {
  const self = await thisProcess();
  if (self === null || !sameProcessTable(holder, self)) return false;
  return isProvenDead(holder, self, await snapshotOf(holder.pid));
}

let own: Promise<HolderProcess | null> | undefined;

/** This process; null where it can't be told for certain (no `/proc`, or the `/proc` of another PID namespace). */
export function thisProcess(): Promise<HolderProcess | null> {
  own ??= identifySelf().catch(() => null);
  return own;
}

async function identifySelf(): Promise<HolderProcess | null> {
  const [bootId, pidNamespace, timeNamespace, self, stat] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "latin1"),
    readlink("/proc/self/ns/pid"),
    readlink("/proc/self/ns/time").catch(() => null),
    readlink("/proc/self"),
    readFile(`/proc/${process.pid}/stat`, "latin1"),
  ]);
  // A /proc that was mounted in another PID namespace counts otherwise than `kill` and `process.pid` do.
  if (self !== String(process.pid)) return null;
  const startTicks = parseStat(stat)?.startTicks;
  if (startTicks === undefined || !/^[0-9a-f-]{36}$/.test(bootId.trim())) return null;
  return { pid: process.pid, startTicks, bootId: bootId.trim(), pidNamespace, timeNamespace };
}

async function snapshotOf(pid: number): Promise<ProcessSnapshot> {
  const exists = isThere(pid);
  const stat = exists ? await readFile(`/proc/${pid}/stat`, "latin1").catch(() => null) : null;
  return { exists, stat };
}

/** Asked of the kernel and not of `/proc`, which may hide the processes of other users. */
function isThere(pid: number): boolean | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ESRCH" ? false : code === "EPERM" ? true : null;
  }
}

interface Stat {
  readonly state: string;
  readonly threads: number;
  readonly startTicks: string;
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html fields 3, 20 and 22 */
function parseStat(text: string): Stat | null {
  // The second field is the program's name in parentheses, which may hold anything.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .trim()
    .split(" ");
  const [state, threads, startTicks] = [fields[0], Number(fields[17]), fields[19]];
  if (state === undefined || !Number.isInteger(threads) || startTicks === undefined || !/^\d+$/.test(startTicks))
    return null;
  return { state, threads, startTicks };
}
