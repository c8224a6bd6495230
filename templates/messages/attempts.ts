import type { IncidentState, RunState, StepState } from "../../src/incident/state.ts";
import { needsPerson } from "../../src/incident/status.ts";
import { wayBackOf } from "../../src/incident/undo.ts";
import { type Problem, sayProblem } from "../../src/lib/errors.ts";
import { actionValue } from "./action-value.ts";
import { actions, type Button, context, section } from "./blocks.ts";
import { cut, plain, safe, withCommands } from "./escape.ts";
import { kindPrefix } from "./kind.ts";
import type { Message } from "./message.ts";
import { changes } from "./plan.ts";
import { offerUnplanned } from "./preflight.ts";
import { inItsThread, sentences } from "./refusal.ts";
import type { Surroundings } from "./view.ts";
import { clock } from "./when.ts";

/** What the thread says of an attempt that did not succeed. */
export interface AttemptMessage {
  readonly attempt: number;
  readonly message: Message;
  /** Somebody has to decide. */
  readonly asks: boolean;
}

/**
 * Every attempt of a step that has to be told, oldest first. Only the newest can carry buttons, and only while a person
 * has to decide; when that is over its message stays and says so.
 */
export function attemptsOf(run: RunState, step: StepState, around: Surroundings): readonly AttemptMessage[] {
  const messages: AttemptMessage[] = [];
  for (let attempt = 1; attempt < step.attempts; attempt++)
    messages.push({ attempt, asks: false, message: overtaken(run, step, attempt, around) });
  const newest = newestAttempt(run, step, around);
  if (newest !== null) messages.push({ attempt: Math.max(1, step.attempts), ...newest });
  return messages;
}

/** The engine itself could not go on. */
export function stuck(state: IncidentState, run: RunState, problem: Problem, around: Surroundings): Message {
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const text = `${prefix}${safe(run.plan.title)} is blocked: nothing runs until it's resumed. ${sentences(inItsThread(run, problem))} Resume or abort it at the top of its thread.`;
  return { text, blocks: [section(`⚠️ ${text}`), ...offerUnplanned(state, run, run.stuckOn ?? [])] };
}

function newestAttempt(
  run: RunState,
  step: StepState,
  around: Surroundings,
): { message: Message; asks: boolean } | null {
  if (step.status === "failed" || step.status === "stopped") {
    if (run.endedAt !== null) return { asks: false, message: closed(run, step, "the run ended", around) };
    if (!needsPerson(step)) return { asks: false, message: tryingAgain(run, step, around) };
    return { asks: true, message: asking(run, step, around) };
  }
  if (step.status === "skipped" && step.attempts > 0)
    return { asks: false, message: closed(run, step, `skipped: ${safe(cut(step.reason, 500))}`, around) };
  if (step.attempts > 0 && step.forgiven >= step.attempts)
    return { asks: false, message: closed(run, step, "retried by a person", around) };
  return null;
}

/** What an abort leaves changed can be undone after it. */
function afterAbort(run: RunState): string {
  const changed = [...run.steps.values()].some(
    ({ origin, step }) => origin !== undefined && wayBackOf(step)?.kind === "step",
  );
  return changed ? " · after an abort, `/dr undo` takes changes back, the last first" : "";
}

function asking(run: RunState, step: StepState & { status: "failed" | "stopped" }, around: Surroundings): Message {
  const outcome = step.status === "failed" ? "failed" : "stopped, outcome unknown";
  const head = `${kindPrefix(run.plan.kind, around.practice)}${safe(step.step.title)} ${outcome} at ${clock(step.at)} (attempt ${step.attempts})`;
  const { problem } = step;
  return {
    text: `${head}: ${sentences(problem)} ${safe(run.plan.title)} is paused: retry, skip or abort.`,
    blocks: [
      section(`${step.status === "failed" ? "❌" : "⚠️"} *${head}*\n${safe(problem.what)}`),
      section(
        [
          `*State now:* ${safe(problem.stateNow ?? stateNow(step))}`,
          problem.allowed ? `*Allowed:* ${safe(problem.allowed)}` : null,
          `*Next:* ${problem.next ? withCommands(problem.next) : nextMove(step)}`,
        ]
          .filter((line) => line !== null)
          .join("\n"),
      ),
      actions(retry(run, step), skip(run, step), abort(run, step)),
      context(`${safe(run.plan.title)} · paused: nothing else starts${afterAbort(run)}`),
    ],
  };
}

function stateNow(step: StepState & { status: "failed" | "stopped" }): string {
  if (step.status === "stopped") return "Unknown: check the target before you decide.";
  if (!changes(step.step) || step.reached === "started") return "This step changed nothing.";
  return step.reached === "applied"
    ? "The target accepted the change, but verification failed."
    : "The change was about to be sent: check the target before you decide.";
}

function nextMove(step: StepState): string {
  const careful = step.step.kind === "action" && (step.step.repeat === "toggle" || step.step.repeat === "destructive");
  if (careful) return "A retry could apply it twice. Check the target first.";
  return "Retry once the cause is fixed, skip if it was done by hand, or abort.";
}

function retry(run: RunState, { step, attempts }: StepState): Button {
  return {
    label: `Retry: ${cut(step.title, 22)}`,
    verb: "step.retry",
    detail: `${step.id}.${attempts}`,
    actionValue: actionValue(run.id, step.id),
    style: "primary",
    aloud: `Retry ${plain(step.title)}`,
  };
}

function skip(run: RunState, { step, attempts }: StepState): Button {
  return {
    label: "Skip this step…",
    verb: "step.skip",
    detail: `${step.id}.${attempts}`,
    actionValue: actionValue(run.id, step.id),
    style: "danger",
    aloud: `Skip ${plain(step.title)}`,
  };
}

function abort(run: RunState, { step, attempts }: StepState): Button {
  return {
    label: "Abort run…",
    verb: "run.abort",
    detail: `${step.id}.${attempts}`,
    actionValue: actionValue(run.id),
    style: "danger",
    aloud: `Abort ${plain(run.plan.title)}`,
  };
}

function overtaken(run: RunState, step: StepState, attempt: number, around: Surroundings): Message {
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(step.step.title)}: attempt ${attempt} failed and was retried.`;
  return { text, blocks: [section(`🔁 ${text}`)] };
}

function tryingAgain(run: RunState, step: StepState & { status: "failed" | "stopped" }, around: Surroundings): Message {
  const left = step.step.kind === "action" ? step.step.retries - (step.attempts - step.forgiven) + 1 : 0;
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(step.step.title)}: attempt ${step.attempts} failed at ${clock(step.at)}. ${outcome(step.problem)} Retrying automatically, ${left} ${left === 1 ? "attempt" : "attempts"} left.`;
  return { text, blocks: [section(`🔁 ${text}`)] };
}

function closed(run: RunState, step: StepState, what: string, around: Surroundings): Message {
  const why = step.status === "failed" || step.status === "stopped" ? ` ${outcome(step.problem)}` : "";
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(step.step.title)}: attempt ${step.attempts} did not succeed.${why} Since then: ${what}.`;
  return { text, blocks: [section(`⏹️ ${text}`)] };
}

/** What happened and how things stood then; what to do next is no longer asked. */
function outcome({ next: _, ...problem }: Problem): string {
  return safe(sayProblem(problem));
}
