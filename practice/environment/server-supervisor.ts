import { rmSync } from "node:fs";
import { endServerOf } from "./leftovers.ts";

/**
 * A process that outlives the practice host for a moment: PostgreSQL does not notice that its parent died. When the pipe
 * from the host closes, the servers of the data folders named are ended and the environment's folder is removed.
 *
 * Arguments: the environment's folder, then each data folder.
 */
const [folder, ...dataFolders] = process.argv.slice(2) as [string, ...string[]];

async function clear(): Promise<void> {
  await Promise.all(dataFolders.map((data) => endServerOf(data)));
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.stdin.resume();
process.stdin.on("close", () => void clear());
process.stdout.write("ready\n");
