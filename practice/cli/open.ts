import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nearest } from "../../src/catalog/suggest.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { SystemEnvironment } from "../environment/system-environment.ts";
import { type Offered, offered } from "../session/offer.ts";
import { type Practice, startPractice } from "../session/practice.ts";

export interface Opening {
  readonly system: string;
  readonly folder: string;
  readonly port?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly progress?: (says: string) => void;
}

export function open({
  system,
  folder,
  port = 0,
  environment = {},
  progress,
}: Opening): Promise<Practice<SystemEnvironment>> {
  return startPractice({
    system,
    folder,
    port,
    log: createLog(process.env.LOG_LEVEL ?? "warn", "practice"),
    bot: program("main"),
    manifestFile: join(projectRoot(), "manifest.yml"),
    environment,
    ...(progress && { progress }),
  });
}

/** How one of our two ways in is started: as it is built, or from its sources. */
export function program(name: "main" | "cli"): { readonly program: string; readonly arguments: readonly string[] } {
  const built = import.meta.filename.endsWith(".js");
  const file = join(import.meta.dirname, "..", "..", "src", `${name}.${built ? "js" : "ts"}`);
  return { program: process.execPath, arguments: built ? [file] : ["--import", "tsx", file] };
}

/**
 * Opens practice in a folder of its own for as long as `work` takes, and leaves nothing behind, also when interrupted. What `work` starts
 * beside it is ended before it is, by what `work` hands to `atEnd`.
 */
export async function during<T>(
  opening: Omit<Opening, "folder"> & { readonly folder?: string },
  work: (practice: Practice<SystemEnvironment>, atEnd: (end: () => Promise<void>) => void) => Promise<T>,
): Promise<T> {
  const folder = opening.folder ?? (await mkdtemp(join(tmpdir(), "lifeboat-")));
  let opened: Promise<Practice<SystemEnvironment>> | null = null;
  const ends: (() => Promise<void>)[] = [];
  const close = async () => {
    // What is still being opened has processes already.
    const practice = await opened?.catch(() => null);
    for (const end of ends.splice(0)) await end();
    await practice?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  let closing: Promise<void> | null = null;
  const closed = () => {
    closing ??= close();
    return closing;
  };
  const leave = () => void closed().finally(() => process.exit(130));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, leave);
  try {
    // What is played is a runbook: what the bot would look at beside it, in the interactive practice, is left out.
    const environment = { LIFEBOAT_READINESS_MINUTES: "0", ...opening.environment };
    opened = open({ ...opening, folder, environment });
    const practice = await opened;
    if (closing !== null) throw new LifeboatError({ code: "interrupted", what: "Practice was interrupted" });
    return await work(practice, (end) => ends.unshift(end));
  } finally {
    await closed();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, leave);
  }
}

/** The system of this name, if this machine can practise it. @throws LifeboatError with what can be chosen, or what to install */
export async function chosen(system: string): Promise<Offered> {
  const list = await offered();
  const found = list.find((one) => one.system === system) ?? unknown(system, list);
  if (found.install === null) return found;
  throw new LifeboatError({
    code: "programs-absent",
    where: `The system ${system}`,
    what: `It needs ${found.missing.join(", ")}, and this machine does not have ${found.missing.length === 1 ? "it" : "them"}`,
    next: `As root: ${found.install}`,
  });
}

export function unknown(system: string, list: readonly Offered[]): never {
  const names = list.map((one) => one.system);
  const meant = nearest(system, names);
  throw new LifeboatError({
    code: "system-unknown",
    what: `There is no system "${system}" to practise`,
    allowed: `Systems: ${names.join(", ")}`,
    ...(meant && { next: `Did you mean --system ${meant}?` }),
  });
}
