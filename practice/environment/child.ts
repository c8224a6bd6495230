import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { LifeboatError } from "../../src/lib/errors.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { PATIENCE_SECONDS } from "./patience.ts";

/**
 * Starts one of the environment's own programs, from the sources as from the build. Its standard input is a pipe from us: when
 * we die, however, it closes, and the program ends by itself.
 *
 * @param entry path in the practice package, without its ending: `environment/server-supervisor`
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

/** Resolves when the program says "ready"; rejects when it ends or stays silent. */
export function ready(child: ChildProcess, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => fail(`said nothing for ${PATIENCE_SECONDS} s`), PATIENCE_SECONDS * 1000);
    const fail = (how: string) => {
      clearTimeout(late);
      reject(new LifeboatError({ code: "program-start", where: what, what: `It ${how}` }));
    };
    child.once("error", (error) => fail(`could not be started: ${error.message}`));
    child.once("exit", (code) => fail(`ended at once (${code})`));
    child.stdout?.once("data", () => {
      clearTimeout(late);
      resolve();
    });
  });
}

/** Ends a program of ours and waits until it is gone. */
export async function ended(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
