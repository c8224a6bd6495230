import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export async function childrenOf(pid: number): Promise<number[]> {
  const listed =
    process.platform === "linux"
      ? await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "")
      : await run("pgrep", ["-P", String(pid)]).then(
          ({ stdout }) => stdout,
          () => "",
        );
  return listed.split(/\s+/).filter(Boolean).map(Number);
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Dead, but not yet collected by its parent: in a container that can take the first process seconds. */
function isZombie(pid: number): boolean {
  if (process.platform !== "linux") return false;
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/, ""));
  } catch {
    return false;
  }
}

export async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await pause(50, undefined, { ref: false });
}
