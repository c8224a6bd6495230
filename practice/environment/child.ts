import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { projectRoot } from "../../src/lib/root.ts";

/**
 * Starts one of the estate's own programs, from the sources as from the build. Its standard input is a pipe from us: when
 * we die, however, it closes, and the program ends by itself.
 *
 * @param entry path in the practice package, without its ending: `environment/keeper`
 */
export function startOwn(entry: string, given: readonly string[], environment: Record<string, string>): ChildProcess {
  const source = import.meta.url.endsWith(".ts");
  const file = fileURLToPath(new URL(`../${entry}${source ? ".ts" : ".js"}`, import.meta.url));
  const child = spawn(process.execPath, [...(source ? ["--import", "tsx"] : []), file, ...given], {
    cwd: projectRoot(),
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["pipe", "pipe", "ignore"],
    // Ctrl-C is for the parent; it decides when its programs end.
    detached: process.platform !== "win32",
  });
  child.stdin?.on("error", () => {});
  return child;
}
