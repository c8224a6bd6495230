import type { Mode } from "../../src/catalog/types.ts";
import { messageOf } from "../../src/lib/errors.ts";
import type { Part, SystemEnvironment } from "../environment/system-environment.ts";
import { type Offered, offered } from "../session/offer.ts";
import { type Play, playRunbook } from "../session/play.ts";
import type { Practice } from "../session/practice.ts";
import type { RunReport } from "../session/run-report.ts";
import { mistakesOf, runbooksOf, titleOf, type WrittenRunbook } from "../session/written.ts";
import { during, unknown } from "./open.ts";
import { headOf, partsOf, rowOf } from "./table.ts";

export interface All {
  readonly system?: string | undefined;
  readonly json: boolean;
  /** True: a system whose programs are not on this machine does not count against the outcome. */
  readonly presentOnly: boolean;
}

/** How one runbook went in one mode. `absent`: what its system needs is not on this machine, so it was not played. */
export interface Result {
  readonly system: string;
  readonly runbook: string;
  readonly mode: Mode;
  readonly outcome: RunReport["outcome"] | "absent";
  readonly rto: RunReport["rto"] | null;
  readonly rpo: RunReport["rpo"] | null;
  readonly parts: readonly Part[];
  readonly seconds: number | null;
  readonly problem: string | null;
  /** What was not true of the world that has to be. */
  readonly violations: Play["violations"];
}

const SECONDS = 300;

/** Every runbook of every system in each of its modes. Exit code 0: all of them ended verified. */
export async function all({ system, json, presentOnly }: All): Promise<number> {
  const list = await offered();
  const asked = system === undefined ? list : list.filter((one) => one.system === system);
  if (asked.length === 0) unknown(system ?? "", list);
  const plays = asked.map((one) => ({ ...one, runbooks: runbooksOf(one.system) }));
  const mistakes = asked.map((one) => mistakesOf(one.system)).join("");
  if (mistakes !== "") process.stderr.write(`Not every runbook can be read:\n${mistakes}`);
  const width = Math.max(
    ...plays.flatMap(({ system: name, runbooks }) => runbooks.map(({ id }) => `${name}/${id}`.length)),
  );
  process.stdout.write(headOf(width));
  const results: Result[] = [];
  for (const one of plays) results.push(...(await playSystem(one, width)));
  const isWell = ({ outcome, violations }: Result) => outcome === "verified" && violations.length === 0;
  const bad = results.filter((one) => !isWell(one) && !(presentOnly && one.outcome === "absent"));
  const verified = results.filter(isWell).length;
  process.stdout.write(`\n${verified} of ${results.length} ended verified.\n`);
  if (json) process.stdout.write(`${JSON.stringify({ runbooks: results })}\n`);
  return bad.length === 0 && mistakes === "" ? 0 : 1;
}

/** One practice for all runbooks of a system. */
async function playSystem(
  one: Offered & { readonly runbooks: readonly WrittenRunbook[] },
  width: number,
): Promise<readonly Result[]> {
  const plays = one.runbooks.flatMap(({ id, modes }) => modes.map((mode) => ({ runbook: id, mode })));
  const tell = (result: Result) => {
    process.stdout.write(rowOf(result, width));
    return result;
  };
  if (one.install !== null) {
    process.stdout.write(`\n${titleOf(one.system)}: absent. As root: ${one.install}\n`);
    return plays.map((play) => tell({ system: one.system, ...play, outcome: "absent", parts: [], ...NOT_PLAYED }));
  }
  try {
    return await during({ system: one.system }, async (practice) => {
      const { parts } = practice.environment;
      process.stdout.write(`\n${titleOf(one.system)}: ${partsOf(parts)}\n`);
      const results: Result[] = [];
      for (const play of plays)
        results.push(tell({ system: one.system, ...play, parts, ...(await played(practice, play)) }));
      return results;
    });
  } catch (error) {
    const problem = `The system could not be practised: ${messageOf(error)}`;
    return plays.map((play) =>
      tell({ system: one.system, ...play, outcome: "stopped", parts: [], ...NOT_PLAYED, problem }),
    );
  }
}

const NOT_PLAYED = { rto: null, rpo: null, seconds: null, problem: null, violations: [] } as const;

async function played(
  practice: Practice<SystemEnvironment>,
  play: { runbook: string; mode: Mode },
): Promise<Pick<Result, "outcome" | "rto" | "rpo" | "seconds" | "problem" | "violations">> {
  try {
    if (!practice.bot.running) await practice.bot.start();
    const played: Play = await playRunbook(practice, { ...play, seconds: SECONDS });
    const { outcome, report, seconds, problem, violations } = played;
    return { outcome, rto: report?.rto ?? null, rpo: report?.rpo ?? null, seconds, problem, violations };
  } catch (error) {
    return { outcome: "stopped", ...NOT_PLAYED, problem: messageOf(error) };
  }
}
