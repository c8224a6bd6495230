import { setTimeout as pause } from "node:timers/promises";
import type { Check, Done, Evidence, Handle } from "../actions/contract.ts";
import type { ActionStep } from "../catalog/types.ts";
import { adviceOf } from "../incident/findings.ts";
import { withDeadline } from "../lib/deadline.ts";
import { LifeboatError, messageOf, type Problem } from "../lib/errors.ts";
import { type Attempt, openAttempt, Superseded } from "./attempt.ts";
import { runUndone } from "./evidence.ts";
import { blocking, type Job, problemOf, sayState } from "./look.ts";
import type { Reached } from "./next.ts";
import { outlived, problemOfRunning, stillRunning } from "./outlived.ts";
import { type Recovery, recovery } from "./recover.ts";
import type { RunContext } from "./run-context.ts";
import { LeaseLost } from "./run-event-writer.ts";
import { stillUnchanged } from "./unchanged.ts";

/** How far an attempt got before, as its timeline tells: where to go on. */
export interface From {
  /** The epoch it is recorded under. */
  readonly epoch: string;
  readonly reached: Reached;
  readonly before: unknown;
  /** When the effect was last asked for, by this attempt or one before; null: never. */
  readonly askedAt: Date | null;
  readonly handle: unknown;
  /** The run has ended: look and record, and cause nothing. */
  readonly onlySettle: boolean;
}

/** An answer that never came is looked for this often, this far apart, before it counts as not there. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 500;

const UNTOUCHED = "Nothing was changed by this attempt.";

/**
 * Carries one claimed attempt to an outcome on the timeline: verified, failed, or stopped for a person.
 *
 * The log says how far it got, the world says the rest. Whatever is unclear (a crash after the intent, a refusal, an answer
 * that never came) goes the same way: look, and let `recovery` say. Rejects only with `LeaseLost` or when the engine
 * itself is wrong.
 */
export async function perform(runContext: RunContext, step: ActionStep, number: number, from: From): Promise<void> {
  const attempt = openAttempt(runContext, step, number, from.epoch);
  try {
    const job = await bind(attempt);
    if (!job) return;
    if (from.reached === "started") await begin(attempt, job, from);
    else if (from.reached === "intended") await recover(attempt, job, from);
    else await prove(attempt, job, from.before, from.handle as Handle | null);
  } catch (error) {
    if (runContext.lost.aborted) throw new LeaseLost(runContext.writer.lease.run);
    if (!(error instanceof Superseded)) throw error;
  } finally {
    attempt.reporter.end();
  }
}

async function bind(attempt: Attempt): Promise<Job | null> {
  try {
    return attempt.job();
  } catch (error) {
    await attempt.fail(problemOf(error, { code: "step-failed", where: attempt.step.title }, UNTOUCHED), false);
    return null;
  }
}

/** Nothing of this attempt was caused yet. An earlier attempt may have caused something: `from.before` remembers. */
async function begin(attempt: Attempt, job: Job, from: From): Promise<void> {
  const running = await outlived(attempt, from.onlySettle);
  if (running) return attempt.stop(problemOfRunning(attempt.step.title, running));
  if (from.onlySettle || attempt.runContext.halt.aborted) return attempt.fail(haltedBefore(attempt), false);
  let seen: unknown;
  let done: Done;
  try {
    ({ seen, done } = await lookUntilShown(attempt, job, from));
  } catch (error) {
    if (attempt.runContext.lost.aborted) throw error;
    if (attempt.runContext.halt.aborted) return attempt.fail(haltedBefore(attempt), false);
    return attempt.fail(failedTo(attempt, error, UNTOUCHED), true);
  }
  const { action } = job;
  if (action.apply) {
    if (done === "yes") return prove(attempt, job, from.before ?? seen, null);
    // No one's word makes a toggle safe to repeat while it is not known that the first did nothing.
    if (isToggledBefore(job, from) && done !== "no") return attempt.stop(question(attempt, job, seen, done));
    const repeats = from.before !== null && !attempt.askedByPerson;
    if (repeats && recovery(done, action.repeat) === "ask") return attempt.stop(question(attempt, job, seen, done));
  }
  const refusal = refusalOf(attempt, job, seen) ?? (from.before === null ? await movedSince(attempt, job, seen) : null);
  if (refusal) return attempt.fail(refusal, true);
  return action.apply ? cause(attempt, job, seen) : prove(attempt, job, seen, null);
}

function isToggledBefore({ action }: Job, { before }: From): boolean {
  return action.repeat === "toggle" && before !== null;
}

/**
 * What was requested may take a while to show, and one who asks again too early may move back what has moved. So while that time is not
 * over since it was last asked for, "not there" is not believed, and it is looked again.
 */
async function lookUntilShown(attempt: Attempt, job: Job, from: From): Promise<{ seen: unknown; done: Done }> {
  const { runContext, reporter } = attempt;
  const since = from.before === null ? 0 : (from.askedAt?.getTime() ?? 0);
  const shownBy = since + unseenSeconds(job, attempt.step) * 1000;
  for (let looks = 1; ; looks++) {
    const seen = await attempt.look(job);
    const done = job.action.apply ? job.action.done(seen, job.input, from.before) : "no";
    const left = shownBy - runContext.now().getTime();
    if (done !== "no" || left <= 0) return { seen, done };
    if (looks === 1)
      reporter.say(
        `It was requested at ${new Date(since).toISOString().slice(11, 19)} UTC and may take until ${new Date(shownBy).toISOString().slice(11, 19)} to show: until then it's only checked`,
      );
    const signal = AbortSignal.any([runContext.lost, runContext.halt]);
    await pause(Math.min(LOOK_AGAIN_MS, Math.max(1, left)), undefined, { signal });
  }
}

/** A toggle is given the time it usually takes: the target refuses no second one. */
function unseenSeconds({ action, input }: Job, { budget }: ActionStep): number {
  return action.repeat === "toggle" ? budget.typicalSeconds : (action.showsWithinSeconds?.(input) ?? 0);
}

/** A process died, or was robbed, after the intent: the effect may or may not be there. */
async function recover(attempt: Attempt, job: Job, from: From): Promise<void> {
  const running = await outlived(attempt, from.onlySettle);
  if (running) return attempt.stop(problemOfRunning(attempt.step.title, running));
  if (unseenSeconds(job, attempt.step) > 0 && !from.onlySettle && !attempt.runContext.halt.aborted)
    await lookUntilShown(attempt, job, from).catch((error) => {
      if (attempt.runContext.lost.aborted) throw error;
    });
  const found = await find(attempt, job, from.before, LOOKS);
  switch (found.recovery) {
    case "verify":
      return prove(attempt, job, from.before, null);
    case "ask":
      return attempt.stop(questionAfter(attempt, job, found));
    case "again": {
      if (from.onlySettle || attempt.runContext.halt.aborted)
        return attempt.fail(haltedBefore(attempt, job, found), false);
      const refusal = refusalOf(attempt, job, found.seen);
      return refusal ? attempt.fail(refusal, true) : cause(attempt, job, found.seen);
    }
    default:
      return found.recovery satisfies never;
  }
}

/** Writes the intent, causes exactly one effect, and goes on to prove it. */
async function cause(attempt: Attempt, job: Job, seen: unknown): Promise<void> {
  const { runContext, step } = attempt;
  try {
    await attempt.record("step.intended", { before: seen }, (run) => run.ending === null);
  } catch (error) {
    if (!(error instanceof Superseded)) throw error;
    return attempt.fail(haltedBefore(attempt), false);
  }
  runContext.killPoint(step.id, "intended");
  await runContext.confirm();
  runContext.killPoint(step.id, "before-apply");
  let handle: Handle;
  try {
    handle = await apply(attempt, job, seen);
  } catch (error) {
    if (runContext.lost.aborted) throw error;
    return unclear(attempt, job, seen, error);
  }
  runContext.killPoint(step.id, "after-apply");
  // Looking does not wait for the note: without it, a successor looks whether it happened, as after the intent.
  const noted = attempt.note("step.applied", { handle: handle ?? null });
  await Promise.all([
    noted.then(() => runContext.killPoint(step.id, "applied")),
    prove(attempt, job, seen, handle ?? null),
  ]);
}

/** A halt is only passed on: the action may stop where it is safe, and is waited for. Losing the run ends the waiting. */
function apply(attempt: Attempt, job: Job, seen: unknown): Promise<Handle> {
  const { runContext, step } = attempt;
  const { action, input } = job;
  if (!action.apply) throw new TypeError(`${action.id} has nothing to apply`);
  const call = action.apply.bind(action);
  return withDeadline(
    `"${step.title}"`,
    step.budget.failSeconds,
    (signal) => call(attempt.applyContext(job, AbortSignal.any([signal, runContext.halt])), input, seen),
    runContext.lost,
  );
}

/** The request was refused, or its answer never came: only the world can say what became of it. */
async function unclear(attempt: Attempt, job: Job, before: unknown, error: unknown): Promise<void> {
  const running = await stillRunning(attempt);
  if (running) return attempt.stop(problemOfRunning(attempt.step.title, running));
  const found = await find(attempt, job, before, mayHaveArrived(error) ? LOOKS : 1);
  switch (found.recovery) {
    case "verify":
      return prove(attempt, job, before, null);
    case "ask":
      return attempt.stop(questionAfter(attempt, job, found, error));
    case "again":
      return attempt.fail(failedTo(attempt, error, sayState(job, found.seen)), !attempt.runContext.halt.aborted);
    default:
      return found.recovery satisfies never;
  }
}

/** Done is what was seen to be so. */
async function prove(attempt: Attempt, job: Job, before: unknown, handle: Handle | null): Promise<void> {
  const { runContext, step } = attempt;
  runContext.killPoint(step.id, "before-verify");
  let evidence: Evidence;
  try {
    evidence = await withDeadline(
      `Verifying "${step.title}"`,
      step.budget.failSeconds,
      (signal) => job.action.verify(attempt.applyContext(job, signal), job.input, before, handle),
      AbortSignal.any([runContext.lost, runContext.halt]),
    );
  } catch (error) {
    if (runContext.lost.aborted) throw error;
    return unproven(attempt, job, before, error);
  }
  attempt.reporter.end();
  await attempt.verified({
    says: evidence.says,
    facts: evidence.facts.map((fact) => ({ step: step.id, ...fact })),
    rpo: evidence.rpo ?? null,
  });
  runContext.killPoint(step.id, "verified");
}

/** It was not shown in time. A next attempt begins by looking, so it repeats the effect only where it is not there. */
async function unproven(attempt: Attempt, job: Job, before: unknown, error: unknown): Promise<void> {
  const halted = attempt.runContext.halt.aborted;
  if (!job.action.apply)
    return attempt.fail(failedTo(attempt, error, "Nothing was changed: this step is read-only."), !halted);
  const found = await find(attempt, job, before, 1);
  if (found.recovery === "ask" || halted) return attempt.stop(questionAfter(attempt, job, found, error));
  return attempt.fail(failedTo(attempt, error, sayState(job, found.seen)), true);
}

interface Found {
  readonly recovery: Recovery;
  readonly done: Done;
  readonly seen: unknown;
  /** Why it could not be looked at, or null. */
  readonly blind: unknown;
}

/** Looks until it is there, at most so often; what was seen last counts. */
async function find(attempt: Attempt, job: Job, before: unknown, looks: number): Promise<Found> {
  let found: Found = { recovery: "ask", done: "unknown", seen: null, blind: null };
  for (let look = 1; look <= looks; look++) {
    if (look > 1) await pause(LOOK_AGAIN_MS, undefined, { signal: attempt.runContext.lost });
    try {
      const seen = await attempt.look(job);
      const done = job.action.done(seen, job.input, before);
      found = { recovery: recovery(done, job.action.repeat), done, seen, blind: null };
    } catch (error) {
      if (attempt.runContext.lost.aborted) throw error;
      found = { recovery: "ask", done: "unknown", seen: null, blind: error };
    }
    if (found.done === "yes") return found;
  }
  return found;
}

function refusalOf(attempt: Attempt, job: Job, seen: unknown): Problem | null {
  return refusedBy(attempt, job, seen, job.action.ready(seen, job.input, contextOf(attempt, job)));
}

/** What an undo takes back is no longer as it was left. */
async function movedSince(attempt: Attempt, job: Job, seen: unknown): Promise<Problem | null> {
  const { around, writer, lost } = attempt.runContext;
  const check = await stillUnchanged(
    writer.run().plan,
    attempt.step,
    around,
    runUndone(writer.state(), writer.run()),
    lost,
  );
  return check && refusedBy(attempt, job, seen, [check]);
}

function contextOf(attempt: Attempt, job: Job) {
  return attempt.applyContext(job, attempt.runContext.lost);
}

function refusedBy(attempt: Attempt, job: Job, seen: unknown, checks: readonly Check[]): Problem | null {
  const blocks = blocking(checks);
  if (blocks.length === 0) return null;
  return {
    code: "not-ready",
    where: attempt.step.title,
    what: blocks.map((check) => check.says).join(" "),
    stateNow: `${UNTOUCHED} ${sayState(job, seen)}`,
    next: `${adviceOf(blocks)} retry, skip it with a reason, or abort the run.`,
  };
}

function failedTo(attempt: Attempt, error: unknown, stateNow: string): Problem {
  const problem = problemOf(error, { code: "step-failed", where: attempt.step.title }, stateNow);
  return { next: "Retry, skip it with a reason, or abort the run.", ...problem };
}

function haltedBefore(attempt: Attempt, job?: Job, found?: Found): Problem {
  return {
    code: "halted",
    where: attempt.step.title,
    what: "The run ended before this step changed anything",
    stateNow: job && found ? sayState(job, found.seen) : UNTOUCHED,
  };
}

function questionAfter(attempt: Attempt, job: Job, found: Found, error?: unknown): Problem {
  const problem = question(attempt, job, found.seen, found.done, found.blind);
  return error === undefined ? problem : { ...problem, what: `${problem.what} ${messageOf(error)}` };
}

/** What a person is asked when no one can know: what is known, what each answer would do, how things are. */
function question(attempt: Attempt, job: Job, seen: unknown, done: Done, blind: unknown = null): Problem {
  return {
    code: done === "partial" ? "outcome-partial" : "outcome-unknown",
    where: attempt.step.title,
    what: WHAT[done],
    allowed: "Retry checks first and repeats it if needed; skip continues without it; abort ends the run",
    next: "Check the target yourself, then retry, skip it with a reason, or abort.",
    stateNow: blind
      ? `The target couldn't be checked: ${messageOf(blind)}. The change may have happened.`
      : sayState(job, seen),
  };
}

const WHAT: Record<Done, string> = {
  yes: "It seems to have happened, but isn't verified.",
  no: "It was requested and hasn't happened; a person must decide before it's repeated.",
  partial: "It happened in part.",
  unknown: "Whether it happened is unknown.",
};

/** Errors that leave open whether the request arrived. A refusal by the target itself is not one. */
function mayHaveArrived(error: unknown): boolean {
  if (error instanceof LifeboatError) return ["deadline", "aborted"].includes(error.problem.code);
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (name === "AbortError" || name === "TimeoutError") return true;
  if (typeof code === "string" && /^(E[A-Z]{4,}|UND_ERR|08|57P)/.test(code)) return true;
  return /terminat|timed? ?out|socket|connection|network/i.test(messageOf(error));
}
