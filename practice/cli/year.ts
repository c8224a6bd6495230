import { cp, mkdir, mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LifeboatError } from "../../src/lib/errors.ts";
import { type Chapter, playYear, YEAR_SETTINGS, type Year } from "../session/year.ts";
import { orders } from "../systems/index.ts";
import type { PracticeEnvironment } from "../systems/practice/index.ts";
import { chosen, during, program } from "./open.ts";

export interface YearGiven {
  readonly system?: string | undefined;
  readonly short: boolean;
  /** Where the evidence pack of the year is left; nowhere if left out. */
  readonly pack?: string | undefined;
  readonly json: boolean;
}

/** A year of the practice system by itself, with its evidence; with --json its figures are the last line. */
export async function year({ system: name, short, pack, json }: YearGiven): Promise<number> {
  const { system } = await chosen(name ?? orders.system);
  if (system !== orders.system)
    throw new LifeboatError({
      code: "year-not-written",
      where: `The system ${system}`,
      what: "What happens in its year isn't written: a year needs people's roles, an incident and drills of its own",
      allowed: orders.system,
    });
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-"));
  return during({ system, folder, environment: YEAR_SETTINGS }, async (practice, atEnd) => {
    const packs = join(folder, "year");
    await mkdir(packs);
    const environment = practice.environment as PracticeEnvironment;
    const played = await playYear(
      { ...practice, environment, bot: practice.bot, clock: practice.clock },
      { length: short ? "short" : "year", folder: packs, lifeboat: program("cli"), onChapter: say, atEnd },
    ).catch(async (error: unknown) => {
      // The folder is removed.
      for (const file of [join(folder, "bot.log"), join(packs, "other-bot.log")])
        process.stderr.write(`The end of ${file}:\n${await endOf(file)}\n`);
      throw error;
    });
    if (pack !== undefined)
      await cp(played.evidence.folder, pack, { recursive: true, errorOnExist: true, force: false });
    process.stdout.write(summary(played));
    const evidence = { ...played.evidence, folder: pack ?? null };
    if (pack !== undefined)
      process.stdout.write(`The pack: ${pack}\nThe operator's public key: ${evidence.publicKey}\n\n`);
    if (json) process.stdout.write(`${JSON.stringify({ ...played, evidence })}\n`);
    return played.outcome === "whole" ? 0 : 1;
  });
}

async function endOf(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-LINES).join("\n");
}

/** Of a log that are shown when a year came to no end. */
const LINES = 40;

function say({ day, title, saw, seconds }: Chapter): void {
  process.stdout.write(`${String(seconds).padStart(4)} s  Day ${String(day).padStart(3)}  ${title}: ${saw}\n`);
}

function summary({ outcome, days, seconds, counts, killed, evidence, problems }: Year): string {
  const { announced, started, done, missed, expired, events, checkpoints, anchored } = counts;
  const named = Object.entries(evidence.harmed).map(([harm, codes]) => `  ${harm}: ${codes.join(", ")}`);
  return [
    "",
    `${days} days in ${seconds} s: ${outcome}.`,
    `Calendar: ${announced} announced, ${started} started, ${done} done, ${missed} missed. Proofs expired: ${expired}.`,
    `Both bots were killed while ${killed.join("; ")}.`,
    `Checkpoints: ${checkpoints} made, ${anchored} of them in Slack.`,
    `Evidence: ${events} events, ${evidence.whole ? "whole" : "NOT whole"} by lifeboat-verify; exported again: ${evidence.sameAgain ? "the same bytes" : "OTHER bytes"}.`,
    "Copies that were changed are named:",
    ...named,
    ...problems.map((problem) => `Problem: ${problem}`),
    "",
  ].join("\n");
}
