import { parseArgs } from "node:util";
import { absent } from "../../src/practice/estate/fleet.ts";
import { hold, isGiven } from "./hold.ts";
import type { Target } from "./target.ts";
import { targetNamed, targets } from "./targets.ts";

/**
 * Holds a target's contract: `npm run test:live -- kubernetes [--may-change deployment/contract]`. Over the stand-in, unless
 * the environment says where the real one is; then nothing is changed but what `--may-change` names.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { "may-change": { type: "string" } } });
const print = (line: string) => process.stdout.write(`${line}\n`);

try {
  process.exitCode = await main();
} catch (error) {
  print(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

async function main(): Promise<number> {
  if (positionals.length !== 1) {
    print("npm run test:live -- <target> [--may-change <name>]\n");
    for (const target of targets) for (const line of linesAbout(target)) print(line);
    return 2;
  }
  const target = targetNamed(positionals[0]);
  if (isGiven(target, process.env)) {
    print(`The contract of ${target.title}, over the one the environment names.`);
    return count(await hold(target, process.env, values["may-change"] ?? null, print));
  }
  const missing = await absent(target.needs?.programs ?? []);
  if (missing.length > 0)
    throw new Error(`Its stand-in needs ${target.needs?.packages.join(" ")}, and ${missing} is absent`);
  print(`The contract of ${target.title}, over its stand-in: ${target.settings[0]?.name} is not set.`);
  const standIn = await target.standIn();
  try {
    Object.assign(process.env, standIn.environment);
    const environment = { ...process.env, LIVE_PRACTICE: "1" };
    return count(await hold(target, environment, standIn.mayChange, print));
  } finally {
    await standIn.stop();
  }
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
  return of(false) === 0 ? 0 : 1;
}
