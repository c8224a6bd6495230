import { isAnswered } from "../../../src/incident/authority.ts";
import { isSettled } from "../../../src/incident/settled.ts";
import type { IncidentState, RunState, StepState } from "../../../src/incident/state.ts";
import { needsPerson } from "../../../src/incident/status.ts";
import { workedUntil } from "../../../src/incident/work.ts";
import { awaitedNow, waitedFor } from "../approval/gate.ts";
import { cut, safe } from "../kit/escape.ts";
import { roleWithHolders } from "../kit/people.ts";
import type { Surroundings } from "../kit/view.ts";
import { lasting, local } from "../kit/when.ts";
import { expectedSeconds } from "./plan.ts";

/** How far a run is, what it does now, what comes next and who is waited for: a few lines, the same in every place. */

/** Its steps are in progress or waited for: there is something to measure. */
export function isMoving({ preflight, dryRun, endedAt }: RunState): boolean {
  return preflight?.ready === true && !dryRun && endedAt === null;
}

/** Steps that are settled, of those that are part of this run. */
export function counted(run: RunState): { readonly done: number; readonly total: number } {
  const steps = [...run.steps.values()].filter(({ status }) => status !== "passedOver");
  return { done: steps.filter(isSettled).length, total: steps.length };
}

/** Lines for the card of a run that is in progress. For mrkdwn. */
export function progressLines(state: IncidentState, run: RunState, around: Surroundings): readonly string[] {
  const now = atWork(run).map((step) => nowWords(run, step, around.now));
  const next = nextStep(run);
  const waits = waitedForIn(state, run, around);
  return [
    barLine(run, around.now),
    ...(now.length > 0 ? [`*Now:* ${some(now)}`] : []),
    ...(waits.length > 0 ? [`*Waiting for:* ${some(waits)}`] : []),
    ...(next === null ? [] : [`*Next:* ${NEXT[next.step.kind]}${titled(next)}`]),
  ];
}

const NEXT: Readonly<Record<StepState["step"]["kind"], string>> = {
  action: "",
  wait: "wait: ",
  gate: "approval: ",
  manual: "manual step: ",
};

/** The same for those who do not see the card: "9 of 19 steps done, 14 s of about 11 min. Now: Promote orders-b." */
export function progressWords(run: RunState, now: Date): string {
  const { done, total } = counted(run);
  const doing = atWork(run).map(titled);
  return `${done} of ${total} steps done, ${elapsedWords(run, now)}.${doing.length > 0 ? ` Now: ${some(doing)}.` : ""}`;
}

const SQUARES = 10;

function barLine(run: RunState, now: Date): string {
  const { done, total } = counted(run);
  const filled = total === 0 ? 0 : Math.floor((done / total) * SQUARES);
  return `${"▓".repeat(filled)}${"░".repeat(SQUARES - filled)} *${done} of ${total}* · ${elapsedWords(run, now)}`;
}

/** The time machines took, beside what they usually take: minutes that people need to decide are in neither. */
function elapsedWords(run: RunState, now: Date): string {
  const whole = elapsed(run, now);
  const usual = lasting(Math.max(1, expectedSeconds(run.plan)));
  return whole < GRAIN ? `usually ${usual}` : `${lasting(whole)} of about ${usual}`;
}

function nowWords(run: RunState, { step, attempts, ...phase }: StepState, now: Date): string {
  if (phase.status !== "running") return safe(cut(step.title, 80));
  const took = elapsed(run, now) - workedSeconds(run, phase.since);
  const usual = step.kind === "action" ? [`usually ${lasting(step.budget.typicalSeconds)}`] : [];
  const parts = [
    ...(took >= 1 ? [lasting(Math.floor(took))] : []),
    ...usual,
    ...(attempts > 1 ? [`attempt ${attempts}`] : []),
  ];
  return `${safe(cut(step.title, 80))}${parts.length > 0 ? ` (${parts.join(", ")})` : ""}`;
}

function atWork(run: RunState): readonly StepState[] {
  return [...run.steps.values()].filter(({ status }) => status === "running");
}

function nextStep(run: RunState): StepState | null {
  return [...run.steps.values()].find(({ status }) => status === "waiting") ?? null;
}

/** People, planned waits, and what stands still until someone decides. */
function waitedForIn(state: IncidentState, run: RunState, around: Surroundings): readonly string[] {
  const held = run.paused ? ["Resume: the run is paused"] : [];
  return [...held, ...[...run.steps.values()].flatMap((step) => waitedForAt(state, run, step, around) ?? [])];
}

function waitedForAt(state: IncidentState, run: RunState, step: StepState, around: Surroundings): string | null {
  // Enough people have approved: what it covers starts, and no one is waited for.
  if (step.status === "gate" && step.gate.outcome === "open" && isAnswered(run, step.gate)) return null;
  if (step.status === "gate" && step.step.kind === "gate" && step.gate.outcome === "open") {
    const ask = { state, run, step: step.step, gate: step.gate };
    return waitedFor(awaitedNow(ask, around), around);
  }
  if (step.status === "open")
    return step.step.kind === "wait"
      ? `${titled(step)}${step.until ? `, until ${local(step.until)}` : ""}`
      : `${step.step.kind === "manual" && step.step.role ? roleWithHolders(state, around, step.step.role) : "anyone on the roster"}: ${titled(step)}`;
  return needsPerson(step) ? `a decision about ${titled(step)}` : null;
}

function titled({ step }: StepState): string {
  return safe(cut(step.title, 80));
}

const NAMED = 2;

function some(words: readonly string[]): string {
  const more = words.length - NAMED;
  return `${words.slice(0, NAMED).join("; ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Seconds between two desired states of a card on which nothing but time moves: an edit each, of those Slack allows a workspace. */
const GRAIN = 10;

function grainAt(seconds: number): number {
  if (seconds < 60) return GRAIN;
  return seconds < 600 ? 3 * GRAIN : 6 * GRAIN;
}

function workedSeconds(run: RunState, now: Date): number {
  const spans = workedUntil(run, now).filter(({ from }) => from < now);
  return spans.reduce((sum, { from, to }) => sum + Math.min(to.getTime(), now.getTime()) - from.getTime(), 0) / 1000;
}

function elapsed(run: RunState, now: Date): number {
  const seconds = workedSeconds(run, now);
  return Math.floor(seconds / grainAt(seconds)) * grainAt(seconds);
}

/** When the time shown is no longer true, while machines work; none where they don't. */
export function progressMoments(run: RunState, now: Date): readonly Date[] {
  if (!isMoving(run) || run.workingSince === null) return [];
  const seconds = workedSeconds(run, now);
  const left = (Math.floor(seconds / grainAt(seconds)) + 1) * grainAt(seconds) - seconds;
  return [new Date(now.getTime() + Math.ceil(left * 1000))];
}
