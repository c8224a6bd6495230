import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Play } from "../session/play.ts";
import { playSequence, type Sequence } from "../session/sequence.ts";
import { killed } from "./killed.ts";
import { chosen, during } from "./open.ts";

export interface SequenceGiven {
  readonly system: string;
  /** Lines with a semicolon between them. */
  readonly sequence: string;
  readonly keepGoing: boolean;
  readonly kill?: string | undefined;
  readonly json: boolean;
}

const SECONDS = 300;

/** Lines as typed after /dr, one after the other in one world; with --json the figures are the last line. */
export async function sequence({
  system: name,
  sequence: text,
  keepGoing,
  kill,
  json,
}: SequenceGiven): Promise<number> {
  const system = await chosen(name);
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-"));
  const death = killed(kill, folder);
  const lines = text
    .split(";")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return during({ system: system.system, folder, environment: death.environment }, async (practice) => {
    const played = await death.supervised(practice.bot, () =>
      playSequence(practice, { lines, keepGoing, seconds: SECONDS, onRun: death.again, onLine: say }),
    );
    for (const { at, rule, saw } of played.violations) process.stderr.write(`${at} ${rule}: ${saw}\n`);
    process.stdout.write(`${endOf(played)}\n`);
    if (json) process.stdout.write(`${JSON.stringify(played)}\n`);
    return played.outcome === "verified" ? 0 : 1;
  });
}

/** One line for people, when a line of the sequence is over. */
export function say(line: string, play: Play | null, answer?: string): void {
  if (play === null)
    return void process.stdout.write(
      answer === undefined ? `${line}: done\n` : `${line}\n    ${answer.replaceAll("\n", "\n    ")}\n`,
    );
  const { outcome, refused, seconds, problem } = play;
  process.stdout.write(`${line}: ${refused ? "refused" : outcome}, ${seconds} s\n`);
  if (problem !== null) process.stdout.write(`    ${problem.replaceAll("\n", "\n    ")}\n`);
}

function endOf({ outcome, writers, healthy, violations }: Sequence): string {
  return [
    `Outcome: ${outcome}`,
    `servers that take writes: ${writers}`,
    `users served: ${healthy ? "yes" : "no"}`,
    `violations: ${violations.length}`,
  ].join(" · ");
}
