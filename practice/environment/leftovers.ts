import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Ends the PostgreSQL server that a data folder's `postmaster.pid` names, with all its processes, frozen ones too. A
 * process that is not a server of this very folder is left alone: process ids are used again.
 */
export async function endServerOf(dataFolder: string): Promise<void> {
  const pid = await serverOf(dataFolder);
  if (pid === null) return;
  const family = [pid, ...(await childrenOf(pid))];
  for (const member of family) kill(member, "SIGKILL");
  const end = Date.now() + 5000;
  while (Date.now() < end && (await argumentsOf(pid)) !== null) await sleep(20);
}

/** The process id of the server running on a data folder, or null. */
export async function serverOf(dataFolder: string): Promise<number | null> {
  const noted = Number((await readFile(`${dataFolder}/postmaster.pid`, "utf8").catch(() => "")).split("\n")[0]);
  if (!(noted > 1)) return null;
  const said = await argumentsOf(noted);
  return said?.includes(dataFolder) ? noted : null;
}

export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid="]);
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return rows.filter(([, parent]) => parent === pid).map(([child]) => child as number);
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

async function argumentsOf(pid: number): Promise<string | null> {
  const said = await run("ps", ["-o", "args=", "-p", String(pid)]).catch(() => null);
  const text = said?.stdout.trim() ?? "";
  return text === "" || text.includes("<defunct>") ? null : text;
}
