import type { IncidentState, RunState, StepState } from "../../../src/incident/state.ts";
import { needsPerson } from "../../../src/incident/status.ts";
import { wayBackOf } from "../../../src/incident/undo.ts";
import type { Problem } from "../../../src/lib/errors.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, section } from "../kit/blocks.ts";
import { briefLines, briefOf, briefWords } from "../kit/brief.ts";
import { cut, plain, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { inItsThread } from "../kit/refusal.ts";
import type { Surroundings } from "../kit/view.ts";
import { clock } from "../kit/when.ts";
import { detailsButton } from "./details.ts";
import { changes } from "./plan.ts";
import { offerUnplanned } from "./preflight.ts";

/** What the thread says of an attempt that did not succeed. */
export interface AttemptMessage {
  readonly attempt: number;
  readonly message: Message;
  /** Someone has to decide. */
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
  const head = `⚠️ *${prefix}${safe(cut(run.plan.title, 60))} is blocked:*`;
  const offer = offerUnplanned(state, run, run.stuckOn ?? []);
  const next = problem.next ?? "Resume or abort it at the top of its thread";
  const { where, ...said } = inItsThread(run, problem);
  const what = where === undefined ? said.what : `${where}: ${said.what}`;
  const brief = briefOf({ ...said, what, ...(offer.length === 0 && { next }) }, head);
  return {
    text: `${prefix}${safe(run.plan.title)} is blocked: nothing runs until it's resumed. ${briefWords(brief)}`,
    blocks: [section(briefLines(head, brief).join("\n")), ...offer, actions(detailsButton(run, null))],
  };
}

/** It went on since, or ended. */
export function stuckOver(run: RunState, problem: Problem, since: string, around: Surroundings): Message {
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(run.plan.title)} was blocked. ${outcome(problem)} Since then: ${since}.`;
  return { text, blocks: [section(`⏹️ ${text}`)] };
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
  const outcome = step.status === "failed" ? "failed" : "stopped";
  const title = `${kindPrefix(run.plan.kind, around.practice)}${safe(cut(step.step.title, 60))} ${outcome}:`;
  const head = `${step.status === "failed" ? "❌" : "⚠️"} *${title}*`;
  const { problem } = step;
  const brief = briefOf(
    { ...problem, stateNow: problem.stateNow ?? stateNow(step), next: problem.next ?? nextMove(step) },
    head,
  );
  return {
    text: `${title} ${briefWords(brief)} ${safe(run.plan.title)} is paused: retry, skip or abort.`,
    blocks: [
      section(briefLines(head, brief).join("\n")),
      actions(retry(run, step), skip(run, step), abort(run, step), detailsButton(run, step.step.id)),
      context(
        `${safe(run.plan.title)} · paused: nothing else starts · attempt ${step.attempts} at ${clock(step.at)}${afterAbort(run)}`,
      ),
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
  return briefWords(briefOf(problem));
}
