import type { ActionStep } from "../catalog/types.ts";
import { clocksDue } from "../incident/clocks.ts";
import type { NewEvent } from "../incident/events.ts";
import { adviceOf, failedOf, findingsOf } from "../incident/findings.ts";
import { unplannedInstead } from "../incident/offers.ts";
import type { RunState, StepState } from "../incident/state.ts";
import { stateNow } from "../incident/state-now.ts";
import type { Problem } from "../lib/errors.ts";
import { type Admission, admit, catalogueAgainst, passLastGates, started } from "./admit.ts";
import { runUndone } from "./evidence.ts";
import { askAtGate, moveGate } from "./gate.ts";
import { type Intent, next } from "./next.ts";
import { perform } from "./perform.ts";
import { lookAhead } from "./preflight.ts";
import { botEvent, type RunContext } from "./run-context.ts";

/** What the driver carries out: an intent, or a step that this process claimed and does not carry. */
export type Work = Exclude<Intent, { do: "halt" }> | { readonly do: "carryOn"; readonly step: string };

/**
 * Carries out one intent to its end.
 *
 * @returns what came of asking whether it may begin; null: that was not asked, or it began
 */
export async function carryOut(runContext: RunContext, work: Work): Promise<Admission | null> {
  const against = trusts(work) ? null : catalogueAgainst(runContext, work.do === "takeOver" ? work.step : null);
  if (against !== null) return against;
  switch (work.do) {
    case "passGates":
      return passLastGates(runContext);
    case "open":
      return admit(runContext, work, (_run, now) => opened(runContext, work, now));
    case "start":
    case "takeOver":
      return attempt(runContext, work);
    default:
      await unasked(runContext, work);
      return null;
  }
}

type Unasked = Exclude<Work, { readonly do: "passGates" | "open" | "start" | "takeOver" }>;

/** No decision comes before these: they look, ask people, or end what began. */
async function unasked(runContext: RunContext, work: Unasked): Promise<void> {
  switch (work.do) {
    case "preflight":
      return preflight(runContext);
    case "openGate":
      return askAtGate(runContext, work.step);
    case "moveGate":
      return moveGate(runContext, work.step);
    case "settle":
      return performClaimed(runContext, work.step, true);
    case "carryOn":
      return performClaimed(runContext, work.step, runContext.halt.aborted);
    case "closeWait":
      return closeWait(runContext, work.step);
    case "tellLate":
      return tellLate(runContext);
    case "finish":
    case "fail":
    case "free":
      return end(runContext, work.do);
    default:
      return work satisfies never;
  }
}

async function attempt(
  runContext: RunContext,
  intent: Extract<Intent, { do: "start" | "takeOver" }>,
): Promise<Admission | null> {
  const admission = await claim(runContext, intent);
  if (admission.kind !== "admitted") return admission;
  runContext.killPoint(intent.step, "started");
  await performClaimed(runContext, intent.step, false);
  return null;
}

/** What neither looks at a target nor begins anything: it needs no one's catalogue. */
function trusts(work: Work): boolean {
  return !["preflight", "openGate", "passGates", "open", "start", "takeOver"].includes(work.do);
}

/** Looks at everything once, before anything. */
async function preflight(runContext: RunContext): Promise<void> {
  const { writer, around, lost } = runContext;
  const looked = await lookAhead({ ...writer.run(), undone: runUndone(writer.state(), writer.run()) }, around, lost);
  await runContext.writer.write((run, now) => {
    if (!isDue(runContext, run, now, (intent) => intent.do === "preflight")) return null;
    return { events: [botEvent(runContext, "preflight", { type: "run.preflighted", data: looked })] };
  });
}

async function claim(
  runContext: RunContext,
  intent: Extract<Intent, { do: "start" | "takeOver" }>,
): Promise<Admission> {
  const claimed = () => started(runContext, intent.step, intent.attempt);
  if (intent.do === "start" || intent.reached === "started") return admit(runContext, intent, claimed);
  const taken = await runContext.writer.write((run, now) =>
    isDue(runContext, run, now, (one) => one.do === "takeOver" && one.step === intent.step)
      ? { events: [claimed()] }
      : null,
  );
  return { kind: taken ? "admitted" : "moved" };
}

/** `onlySettle`: what is left of a run that has ended is looked at and recorded, and nothing is caused. */
async function performClaimed(runContext: RunContext, id: string, onlySettle: boolean): Promise<void> {
  const state = runContext.writer.run().steps.get(id);
  if (state?.status !== "running") return;
  const { reached, before, askedAt, handle, epoch } = state as Extract<StepState, { status: "running" }>;
  const from = { reached, before, askedAt, handle, epoch, onlySettle };
  await perform(runContext, state.step as ActionStep, state.attempts, from);
}

function opened(runContext: RunContext, intent: Extract<Intent, { do: "open" }>, now: Date): NewEvent {
  const until = intent.seconds === null ? null : new Date(now.getTime() + intent.seconds * 1000).toISOString();
  const times = runContext.writer.state().version;
  return botEvent(runContext, `open/${intent.step}/${times}`, {
    type: "step.opened",
    data: { step: intent.step, until },
  });
}

async function closeWait(runContext: RunContext, step: string): Promise<void> {
  await runContext.writer.write((run, now) => {
    if (!isDue(runContext, run, now, (intent) => intent.do === "closeWait" && intent.step === step)) return null;
    const planned = run.steps.get(step)?.step;
    const note = planned?.kind === "wait" ? `Waited ${planned.seconds} s` : "Not confirmed in time; continuing without";
    return { events: [botEvent(runContext, `waited/${step}`, { type: "step.confirmed", data: { step, note } })] };
  });
}

/** Decided once more where it is written: the one who notices first records it. */
async function tellLate(runContext: RunContext): Promise<void> {
  await runContext.writer.write((run, now) => {
    const { events } = clocksDue(run, now);
    return run.ending === null && events.length > 0 ? { events } : null;
  });
}

async function end(runContext: RunContext, how: "finish" | "fail" | "free"): Promise<void> {
  await runContext.writer.write((run, now) => {
    if (!isDue(runContext, run, now, (intent) => intent.do === how)) return null;
    return { events: endingOf(runContext, run, how), ends: true };
  });
}

function endingOf(runContext: RunContext, run: RunState, how: "finish" | "fail" | "free"): readonly NewEvent[] {
  switch (how) {
    case "finish":
      return [botEvent(runContext, "verified", { type: "run.verified", data: { dryRun: run.dryRun } })];
    case "fail":
      return [botEvent(runContext, "failed", { type: "run.failed", data: { problem: preflightProblem(run) } })];
    case "free":
      return [];
    default:
      return how satisfies never;
  }
}

function preflightProblem(run: RunState): Problem {
  return {
    code: "preflight-blocked",
    where: run.title,
    what: "The preflight found that this can't start",
    next: nextAfterPreflight(run),
    ...run.problem,
    stateNow: stateNow(run),
  };
}

/**
 * What was found says best what to do about it; what the runbook asks for beforehand is said where it does not. The plan of an undo says what
 * to type to accept that a server is silent, which no check knows.
 */
function nextAfterPreflight(run: RunState): string {
  if (unplannedInstead(run, run.preflight?.facts ?? [])) return `Run it unplanned: \`/dr unplanned ${run.id}\``;
  const { undoes, beforehand = [] } = run.plan;
  const saysItself = undoes !== undefined && beforehand.length > 0;
  const found = saysItself ? [] : findingsOf(failedOf(run.preflight?.checks ?? [], "block"));
  const advised = found.some(({ next }) => next !== null);
  return [...(advised ? [] : beforehand), `${adviceOf(found)} request the run again.`].join(" ");
}

/** The run can't go on though nothing happened to it: a person is told why, and resumes or aborts. */
export async function tellStuck(
  runContext: RunContext,
  refusal: Extract<Admission, { kind: "refused" }>,
): Promise<void> {
  await runContext.writer.write((run) => {
    if (run.ending !== null || run.stuck !== null) return null;
    const problem: Problem = {
      code: refusal.code,
      where: run.title,
      what: refusal.why,
      stateNow: stateNow(run),
      next: "Fix it and resume, or abort the run.",
    };
    const key = `stuck/${runContext.writer.state().version}`;
    return { events: [botEvent(runContext, key, { type: "run.stuck", data: { problem } })] };
  });
}

function isDue(runContext: RunContext, run: RunState, now: Date, wanted: (intent: Intent) => boolean): boolean {
  return next(run, { epoch: runContext.writer.lease.epoch, now }).intents.some(wanted);
}
