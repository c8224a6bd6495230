import { join } from "node:path";
import { createLog } from "../../src/lib/log.ts";
import { openStore } from "../../src/timeline/index.ts";
import { BotProcess } from "./bot-process.ts";
import type { Command } from "./evidence.ts";
import { monitorInvariant } from "./invariant.ts";
import { chaptersOf } from "./year-chapters.ts";
import { auditYear, type EvidenceParts, exportPart, type Part, type YearEvidence } from "./year-evidence.ts";
import {
  checkpointsShown,
  countsOf,
  notAnchored,
  repeated,
  shownTwice,
  stillAsked,
  type YearCounts,
} from "./year-record.ts";
import { DAY_MS, HOUR_SECONDS, type Length, type Practised, YearScenario } from "./year-scenario.ts";

export interface YearOptions {
  readonly length: Length;
  /** A folder for packs and logs. */
  readonly folder: string;
  /** How `lifeboat` is started: program and first arguments. */
  readonly lifeboat: Pick<Command, "program" | "arguments">;
  /** Told of each chapter when it is over. */
  readonly onChapter?: (chapter: Chapter) => void;
  /** Given what ends its own processes, should it be interrupted. */
  readonly atEnd?: (end: () => Promise<void>) => void;
}

/** Something that happened in the year. */
export interface Chapter {
  /** Day of the year, counted from 0. */
  readonly day: number;
  readonly title: string;
  /** What was seen of it, a clause. */
  readonly saw: string;
  /** Real time since the year began when it was over. */
  readonly seconds: number;
}

export interface Year {
  /** `whole`: nothing below is a problem. */
  readonly outcome: "whole" | "broken";
  readonly days: number;
  /** Real time it took. */
  readonly seconds: number;
  readonly chapters: readonly Chapter[];
  /** In what state both bots were killed and started again. */
  readonly killed: readonly string[];
  readonly counts: YearCounts;
  readonly evidence: YearEvidence;
  /** What isn't as it has to be, a sentence each. */
  readonly problems: readonly string[];
}

/** Of its bots: Slack shows at once what happened, checkpoints are posted, and proofs are made by themselves. */
export const YEAR_SETTINGS: Readonly<Record<string, string>> = {
  SLACK_RATE: "50",
  LIFEBOAT_READINESS_MINUTES: "30",
  LIFEBOAT_ANCHOR_CHANNEL: "general",
};

/** Chapters happen at this hour, UTC: the calendar of practice has nothing then. */
const AFTERNOON = 14;
const YEAR_DAYS = 365;
/** After so many chapters the year so far is exported. */
const PART = 2;

/**
 * Plays a year of the practice system in practice time, with two bots on one store, and lets an auditor look at it. What happens
 * is what people and the world do; what comes of it is read from the record.
 */
export async function playYear(practice: Practised, options: YearOptions): Promise<Year> {
  const { folder, length, atEnd } = options;
  const store = await openStore({ dataFolder: practice.dataFolder, log: createLog("error"), openSeconds: 30 });
  const command = await practice.botCommand();
  const other = new BotProcess({ ...command, logFile: join(folder, "other-bot.log") });
  const monitor = await monitorInvariant(practice.environment);
  const problems: string[] = [];
  const problem = (says: string) => void problems.push(says);
  atEnd?.(() => other.stop());
  try {
    await other.start();
    const scenario = new YearScenario({ practice, length, store, other, monitor, problem });
    const lifeboat = { ...options.lifeboat, environment: command.environment };
    const played = await play(scenario, options, (from) => ({ store, lifeboat, folder, from, problem }));
    for (const { saw } of monitor.violations) problem(saw);
    return { ...played, outcome: problems.length === 0 ? "whole" : "broken", problems };
  } finally {
    await monitor.stop();
    await other.stop();
    other.close();
    await store.close();
  }
}

async function play(
  scenario: YearScenario,
  { onChapter }: YearOptions,
  evidenceFrom: (from: Date) => EvidenceParts,
): Promise<Omit<Year, "outcome" | "problems">> {
  const { time, practice } = scenario;
  const began = performance.now();
  const elapsed = () => Math.round((performance.now() - began) / 1000);
  const promotedBefore = await scenario.promotions();
  await time.settled();
  const begins = await time.now();
  const parts = evidenceFrom(begins);
  const chapters: Chapter[] = [];
  let part: Part | null = null;
  for (const { day, title, happens } of chaptersOf(scenario)) {
    await scenario.passTo(afternoonOf(begins, day));
    const chapter = { day, title, saw: await happens(), seconds: elapsed() };
    chapters.push(chapter);
    onChapter?.(chapter);
    if (chapters.length === PART) part = await exportPart(parts, await time.now());
  }
  if (scenario.length === "year") await scenario.passTo(afternoonOf(begins, YEAR_DAYS));
  await scenario.anchored();
  const checkpoints = checkpointsShown(practice.workspace.snapshot().messages);
  const now = await time.now();
  const promoted = (await scenario.promotions()) - promotedBefore;
  if (promoted !== scenario.moves)
    scenario.problem(`The database was promoted ${promoted} times by ${scenario.moves} runs that promote it`);
  const killed = () => scenario.killBoth("evidence is being exported");
  const evidence = await auditYear(parts, { now, part: part ?? (await exportPart(parts, now)), checkpoints, killed });
  const events = await scenario.everything();
  for (const says of [...repeated(events), ...notAnchored(events, now)]) scenario.problem(says);
  if (scenario.left !== null)
    for (const says of stillAsked(events, scenario.left.person, scenario.left.at)) scenario.problem(says);
  for (const says of shownTwice(practice.workspace.snapshot().messages)) scenario.problem(says);
  const days = Math.round((now.getTime() - begins.getTime()) / DAY_MS);
  const counts = countsOf(events);
  return { days, chapters, evidence, killed: scenario.killed, seconds: elapsed(), counts };
}

function afternoonOf(begins: Date, day: number): Date {
  const at = Math.floor(begins.getTime() / DAY_MS) * DAY_MS + day * DAY_MS;
  return new Date(at + AFTERNOON * HOUR_SECONDS * 1000);
}
