import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cycle, Mode } from "../../src/catalog/types.ts";
import { LifeboatError, messageOf } from "../../src/lib/errors.ts";
import { type Offered, offered } from "../session/offer.ts";
import { playSequence, type Sequence, type SequenceRun } from "../session/sequence.ts";
import { cyclesOf } from "../session/written.ts";
import { FIRST_CHANGE, killed } from "./killed.ts";
import { during, unknown } from "./open.ts";
import { say } from "./sequence.ts";

export interface Cycles {
  readonly system?: string | undefined;
  /** How often each is played, one round after the other in one world. A whole number from 1. */
  readonly rounds: string;
  /** True: the bot is killed once in each run, right after its first change was requested, and started again. */
  readonly kill: boolean;
  readonly json: boolean;
  /** True: a system whose programs are not on this machine does not count against the outcome. */
  readonly presentOnly: boolean;
}

/** How one cycle went in one mode. `absent`: what its system needs is not on this machine. */
export interface PlayedCycle {
  readonly system: string;
  readonly name: string;
  readonly mode: Mode;
  readonly outcome: Sequence["outcome"] | "absent";
  readonly runs: readonly SequenceRun[];
  readonly violations: Sequence["violations"];
}

const SECONDS = 300;
const MODES = ["planned", "unplanned"] as const;

/** Every cycle that systems declare, in each mode it has lines for. Exit code 0: all of them ended verified. */
export async function cycles({ system, rounds: said, kill, json, presentOnly }: Cycles): Promise<number> {
  const rounds = roundsIn(said);
  const list = await offered();
  const asked = system === undefined ? list : list.filter((one) => one.system === system);
  if (asked.length === 0) unknown(system ?? "", list);
  const played: PlayedCycle[] = [];
  for (const one of asked) {
    const declared = cyclesOf(one.system);
    if (declared.length === 0) process.stderr.write(`${one.system} declares no cycles.\n`);
    else played.push(...(await playAll(one, declared, rounds, kill)));
  }
  const isWell = ({ outcome }: PlayedCycle) => outcome === "verified" || (presentOnly && outcome === "absent");
  const verified = played.filter(({ outcome }) => outcome === "verified").length;
  process.stdout.write(`\n${verified} of ${played.length} cycles ended verified.\n`);
  if (json) process.stdout.write(`${JSON.stringify({ cycles: played })}\n`);
  return played.length > 0 && played.every(isWell) ? 0 : 1;
}

function roundsIn(said: string): number {
  const rounds = Number(said);
  if (Number.isInteger(rounds) && rounds > 0) return rounds;
  throw new LifeboatError({ code: "rounds-unreadable", what: `--rounds takes a whole number from 1, not "${said}"` });
}

/** One practice for all cycles of a system; each begins in a world that is well. */
async function playAll(
  { system, install }: Offered,
  declared: readonly Cycle[],
  rounds: number,
  kill: boolean,
): Promise<readonly PlayedCycle[]> {
  const plays = declared.flatMap((cycle) =>
    MODES.flatMap((mode) => {
      const lines = cycle[mode];
      return lines === undefined ? [] : [{ name: cycle.id, mode, lines }];
    }),
  );
  if (install !== null) {
    process.stdout.write(`\n${system}: absent. As root: ${install}\n`);
    return plays.map(({ name, mode }) => ({ system, name, mode, outcome: "absent", runs: [], violations: [] }));
  }
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-"));
  const death = killed(kill ? FIRST_CHANGE : undefined, folder);
  return during({ system, folder, environment: death.environment }, async (practice) => {
    const played: PlayedCycle[] = [];
    for (const { name, mode, lines } of plays) {
      process.stdout.write(`\n${system}, ${name}, ${mode}\n`);
      try {
        if (!practice.bot.running) await practice.bot.start();
        const all = Array.from({ length: rounds }, () => lines).flat();
        const { outcome, runs, violations } = await death.supervised(practice.bot, () =>
          playSequence(practice, { lines: all, seconds: SECONDS, onRun: death.again, onLine: say }),
        );
        for (const { at, rule, saw } of violations) process.stdout.write(`${at} ${rule}: ${saw}\n`);
        process.stdout.write(`${outcome}\n`);
        played.push({ system, name, mode, outcome, runs, violations });
      } catch (error) {
        process.stderr.write(`It could not be played: ${messageOf(error)}\n`);
        played.push({ system, name, mode, outcome: "stopped", runs: [], violations: [] });
      }
    }
    return played;
  });
}
