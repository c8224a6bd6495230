import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as after } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Notes a process, for the one who finds it later. Its number is used again some day; with when it was started it names one process. */
export async function noteProcess(file: string, pid: number): Promise<void> {
  await writeFile(file, `${pid}\n${await startOf(pid)}\n`);
}

/** The noted process, if it lives. */
export async function notedIn(file: string): Promise<number | null> {
  const [noted, started] = (await readFile(file, "utf8").catch(() => "")).split("\n");
  const pid = Number(noted);
  return pid > 1 && started && (await startOf(pid)) === started ? pid : null;
}

/** Ends the noted process at once, if it lives. */
export async function endNoted(file: string): Promise<void> {
  const pid = await notedIn(file);
  if (pid === null) return;
  process.kill(pid, "SIGKILL");
  const end = performance.now() + 5000;
  while (performance.now() < end && (await notedIn(file)) !== null) await after(20);
}

/** When a process was started, as `ps` says it; null: there is none, or only what is left of it. */
async function startOf(pid: number): Promise<string | null> {
  const said = (await run("ps", ["-o", "stat=,lstart=", "-p", String(pid)]).catch(() => null))?.stdout.trim();
  if (!said || said.startsWith("Z")) return null;
  return said.replace(/^\S+\s+/, "");
}
