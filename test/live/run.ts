import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import ms from "ms";
import { absent } from "../../practice/environment/fleet.ts";
import { openChanges } from "./changes.ts";
import { dealsOf, hold, isGiven } from "./hold.ts";
import type { Target } from "./target.ts";
import { targetNamed, targets } from "./targets.ts";

/**
 * Holds a target's contract: `npm run test:live -- kubernetes [--may-change deployment/contract]`. Over the stand-in, unless
 * the environment says where the real one is; then nothing is changed but what `--may-change` names, it is requested
 * before, and it is put back, also after a failure or Ctrl-C.
 */
const USAGE = `npm run test:live -- <target> [options]
  --may-change <name>  what may be changed; without it nothing is
  --read-only          change nothing, whatever is named
  --yes                don't ask before changing (for CI)
  --within <time>      end and put back after this time: 10m (default 30m)
  --list [target]      what each suite proves
`;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "may-change": { type: "string" },
    "read-only": { type: "boolean", default: false },
    yes: { type: "boolean", default: false },
    within: { type: "string", default: "30m" },
    list: { type: "boolean", default: false },
  },
});
const print = (line: string) => process.stdout.write(`${line}\n`);
const changes = openChanges();
const ended = new AbortController();

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (ended.signal.aborted) {
      for (const { left, by } of changes.left()) print(`LEFT CHANGED: ${left}. To put it back: ${by}.`);
      process.exit(130);
    }
    print(`\n${signal}: ending. What is changed is being put back; once more ends at once.`);
    ended.abort(new Error(signal));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  print(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

async function main(): Promise<number> {
  if (values.list) {
    const shown = positionals.length === 0 ? targets : positionals.map(targetNamed);
    for (const line of shown.flatMap(proofsOf)) print(line);
    return 0;
  }
  if (positionals.length !== 1) {
    print(USAGE);
    for (const target of targets) for (const line of linesAbout(target)) print(line);
    return 2;
  }
  const limit = ms(values.within as ms.StringValue) as number | undefined;
  if (limit === undefined || limit <= 0) throw new Error(`--within ${values.within} is no time: 90s, 10m`);
  setTimeout(() => ended.abort(new Error(`${values.within} are over`)), limit).unref();
  const holding = { readOnly: values["read-only"], signal: ended.signal, changes };
  const target = targetNamed(positionals[0]);
  if (isGiven(target, process.env)) {
    print(`The contract of ${target.title}, over the one the environment names.`);
    const asking = values.yes ? holding : { ...holding, confirm };
    return count(await hold(target, process.env, values["may-change"] ?? null, print, asking));
  }
  const missing = await absent(target.needs?.programs ?? []);
  if (missing.length > 0)
    throw new Error(`Its stand-in needs ${target.needs?.packages.join(" ")}, and ${missing} is absent`);
  print(`The contract of ${target.title}, over its stand-in: ${target.settings[0]?.name} is not set.`);
  const standIn = await target.standIn();
  try {
    Object.assign(process.env, standIn.environment);
    const environment = { ...process.env, LIVE_PRACTICE: "1" };
    return count(await hold(target, environment, standIn.mayChange, print, holding));
  } finally {
    await standIn.stop();
  }
}

async function confirm(): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new Error("Nothing was changed: nobody can be asked here. Say --yes where that is meant.");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question("Change it? [y/N] ", { signal: ended.signal })).trim());
  } catch (error) {
    // Ctrl-C, or the end of the time, is an answer too.
    if ((error as Error).name !== "AbortError") throw error;
    print("");
    return false;
  } finally {
    terminal.close();
  }
}

/** What a suite shows, and what it changes for that. */
function proofsOf(target: Target): readonly string[] {
  return [
    `${target.id}: ${target.title}`,
    ...dealsOf(target).flatMap(({ says, changes: does }) => [
      `  - ${says}`,
      ...(does === undefined ? [] : [`      changes ${does}`]),
    ]),
    "",
  ];
}

/** What it is, what has to be said to hold it against the real one, and what may be changed. */
function linesAbout({ id, title, settings, mayChange }: Target): readonly string[] {
  const width = Math.max(...settings.map(({ name }) => name.length));
  return [
    `${id}: ${title}`,
    ...settings.map(({ name, says, otherwise }) => {
      const instead = otherwise === undefined ? "" : otherwise === "" ? " (may be left out)" : ` (else ${otherwise})`;
      return `  ${name.padEnd(width)}  ${says}${instead}`;
    }),
    `  ${"--may-change".padEnd(width)}  ${mayChange.is}; it ${mayChange.does}`,
    "",
  ];
}

function count(held: Awaited<ReturnType<typeof hold>>): number {
  const of = (ok: boolean | null) => held.filter((one) => one.ok === ok).length;
  print(`\n${of(true)} hold, ${of(false)} do not, ${of(null)} were not tried.`);
  if (ended.signal.aborted) return 130;
  return of(false) === 0 && changes.left().length === 0 ? 0 : 1;
}
