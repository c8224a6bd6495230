import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { kill } from "./leftovers.ts";

/**
 * A process that outlives the practice host for a moment, for programs from the system's packages. It is told the process
 * ids of one fleet, a line each; when the pipe from the host closes, those and every process that names the fleet's folder
 * are ended, and the folder is removed.
 *
 * Argument: the fleet's folder.
 */
const folder = process.argv[2] as string;
const told = new Set<number>();
const run = promisify(execFile);

async function living(): Promise<number[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,stat=,args="], { maxBuffer: 16 * 1024 * 1024 });
  const rows = stdout.split("\n").map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line));
  return rows
    .filter((row) => row !== null && !row[2]?.startsWith("Z"))
    .map((row) => ({ pid: Number(row?.[1]), args: String(row?.[3]) }))
    .filter(({ pid, args }) => pid !== process.pid && (told.has(pid) || args.includes(`${folder}/`)))
    .map(({ pid }) => pid);
}

async function clear(): Promise<void> {
  const end = Date.now() + 5000;
  for (let left = await living(); left.length > 0 && Date.now() < end; left = await living()) {
    for (const pid of left) kill(pid, "SIGKILL");
    await sleep(30);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(0);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const pid = Number(line);
  if (pid > 1) told.add(pid);
});
lines.on("close", () => void clear());
process.stdout.write("ready\n");
