#!/usr/bin/env node
import { LifeboatError, messageOf, sayProblem } from "./lib/errors.ts";
import { LateDatabase } from "./lib/late-database.ts";

/** The command line: lint a catalogue, verify the timeline, practise. Each loads only what it needs. */
const verbs: Record<string, (rest: string[]) => Promise<number>> = {
  lint: async (rest) => (await import("./cli/lint.ts")).lint(rest),
  init: async (rest) => (await import("./cli/init.ts")).init(rest),
  permissions: async (rest) => (await import("./cli/permissions.ts")).permissions(rest),
  verify: async (rest) => (await import("./cli/verify.ts")).verify(rest),
  evidence: async (rest) => (await import("./cli/evidence.ts")).evidence(rest),
  doctor: async (rest) => (await import("./cli/doctor.ts")).doctor(rest),
  readiness: async (rest) => (await import("./cli/readiness.ts")).readiness(rest),
  keys: async () => (await import("./cli/keys.ts")).keys(),
  manifest: async (rest) => (await import("./cli/manifest.ts")).manifest(rest),
  migrate: async () => (await import("./cli/migrate.ts")).migrate(),
  erase: async (rest) => (await import("./cli/erase.ts")).erase(rest),
  "accept-store": async (rest) => (await import("./cli/accept-store.ts")).acceptStoreCommand(rest),
  bot: async (rest) => (await import("./cli/bot.ts")).bot(rest),
  dr: async (rest) => (await import("./cli/dr.ts")).dr(rest),
  mcp: async (rest) => (await import("./cli/dr/mcp.ts")).mcp(rest),
  unenroll: async (rest) => (await import("./cli/unenroll.ts")).unenroll(rest),
  practice: async (rest) => (await import("./cli/practice.ts")).practice(rest),
};

/** What starts with a dash is no folder, system or person of theirs. */
const OPTIONLESS: ReadonlySet<string> = new Set(["init", "keys", "migrate", "unenroll"]);

// `| head` has read enough: what is under way goes on to its end, and nothing is said of it.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

process.exitCode = await main(process.argv.slice(2));

/** @returns 0: done; 1: refused or failed; 2: it was typed wrong */
async function main([verb = "", ...rest]: string[]): Promise<number> {
  const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (["--version", "-V", "version"].includes(verb)) {
    process.stdout.write(`${(await import("./cli/version.ts")).versionOf()}\n`);
    return 0;
  }
  const { usage, usageOf } = await import("./cli/usage.ts");
  if (run === undefined) {
    const asked = ["help", "--help", "-h"].includes(verb);
    const topic = usageOf(rest[0] ?? "") ?? usage();
    if (asked) process.stdout.write(topic);
    else process.stderr.write(verb === "" ? usage() : `There is no "${verb}".\n${usage()}`);
    return asked ? 0 : 2;
  }
  // What follows `dr` is the bot's to read; its own help needs no bot.
  if (verb !== "dr" && rest.some((word) => word === "--help" || word === "-h")) {
    process.stdout.write(usageOf(verb) ?? usage());
    return 0;
  }
  try {
    const unknown = OPTIONLESS.has(verb) && rest.find((word) => word.startsWith("-"));
    if (unknown)
      throw Object.assign(new Error(`Unknown option '${unknown}'`), { code: "ERR_PARSE_ARGS_UNKNOWN_OPTION" });
    return await run(rest);
  } catch (error) {
    process.stderr.write(`${sayError(error)}\n${isUsage(error) ? (usageOf(verb) ?? "") : ""}`);
    return isUsage(error) ? 2 : 1;
  }
}

/** A screen at most: what is wrong. Where it was, only those who debug want to know. */
function sayError(error: unknown): string {
  if (error instanceof LifeboatError || error instanceof LateDatabase) return sayProblem(error.problem);
  if (isUsage(error)) return messageOf(error).split(". ")[0] as string;
  if (process.env.LOG_LEVEL === "debug" && error instanceof Error && error.stack) return error.stack;
  return `${messageOf(error)}\nLOG_LEVEL=debug shows where it happened.`;
}

function isUsage(error: unknown): boolean {
  return String((error as { code?: unknown }).code ?? "").startsWith("ERR_PARSE_ARGS") && messageOf(error) !== "";
}
