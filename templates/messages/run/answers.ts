import type { Plan, Runbook } from "../../../src/catalog/types.ts";
import type { SeverityId } from "../../../src/incident/events.ts";
import type { RunState } from "../../../src/incident/state.ts";
import { stateNow } from "../../../src/incident/state-now.ts";
import { actionValue } from "../kit/action-value.ts";
import type { Button } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import { code } from "../kit/help.ts";
import { modeWords } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { said } from "../kit/reply.ts";
import { againLines } from "./again.ts";

/** What a person is told when their command about a run was carried out. `where` and `by` are safe already, what people typed is not. */

export function runName(run: RunState): string {
  return `*${safe(run.dryRun ? `Dry run: ${run.plan.title}` : run.plan.title)}* (${safe(run.id)})`;
}

/** @param undo what can be taken back, in order, safe */
export function runAborted(run: RunState, reason: string, undo: readonly string[]): Message {
  return said([
    `${runName(run)} is aborted: ${safe(reason)}`,
    `*State now:* ${safe(stateNow(run))}`,
    ...(undo.length > 0 ? ["*Undo, in this order*", ...undo] : []),
  ]);
}

/** Above the form that aborts it. Not escaped. */
export function abortSays(run: RunState): string {
  return `${run.plan.title} (${run.id}) ends here and can't be resumed. ${stateNow(run)}`;
}

export function runPaused(run: RunState): Message {
  return said(`${runName(run)} is paused: running steps finish, nothing new starts.`, {
    label: "Resume run",
    verb: "run.resume",
    actionValue: actionValue(run.id),
  });
}

export function runResumed(run: RunState): Message {
  return said(`${runName(run)} is resumed.`);
}

export function stepRetried(run: RunState, step: string): Message {
  const what = stepOf(run, step);
  return said(
    run.steps.get(step)?.status === "gate" ? `Approval requested again: ${what}.` : `${what} is being retried.`,
  );
}

export function stepDone(run: RunState, step: string): Message {
  return said(`${stepOf(run, step)} is done. The run goes on.`);
}

export function stepSkipped(run: RunState, step: string, reason: string): Message {
  return said(`${stepOf(run, step)} is skipped: ${safe(reason)}`);
}

/** Above the form that skips it. Not escaped. */
export function skipSays(run: RunState, step: string): string {
  return `"${run.steps.get(step)?.step.title ?? step}" is skipped without evidence. The next steps continue.`;
}

function stepOf(run: RunState, step: string): string {
  return `*${safe(run.steps.get(step)?.step.title ?? step)}* of ${runName(run)}`;
}

/** @param says what to do about a standby, with its buttons */
export function runCommitted(run: RunState, says: readonly string[], buttons: readonly Button[]): Message {
  const where = run.plan.direction?.to.title ?? "the new site";
  return said([`${runName(run)} is committed: it stays in ${safe(where)}.`, ...says], ...buttons);
}

/** Above the form for the reason to commit while it is watched. Not escaped. */
export function commitSays({ plan }: RunState): string {
  return `${plan.title}: it stays in ${plan.direction?.to.title ?? "the new site"}. The new side is still being watched.`;
}

/** @param lines one a step, safe */
export function planSteps(run: RunState, lines: readonly string[]): Message {
  return said([`${runName(run)}, plan ${run.planHash}`, ...lines]);
}

export function planStepsFile(run: RunState, count: number): Message {
  return { text: `All ${count} steps of ${safe(run.plan.title)}, plan ${run.planHash}.`, blocks: [] };
}

export interface ListedRunbook {
  readonly runbook: Runbook;
  /** What starts it; null: it is started with its name. */
  readonly line: string | null;
}

export function runbookList(listed: readonly ListedRunbook[]): Message {
  if (listed.length === 0) return said("The catalogue has no runbooks for this channel.");
  return said([
    "Runbooks for this channel:",
    ...listed.map(({ runbook: { id, system, title, modes }, line }) => {
      const starts = line === null ? "" : `: ${code(line)}`;
      return `• *${safe(id)}* (${safe(system)}): ${safe(title)} (${modes.join(", ")})${starts}`;
    }),
  ]);
}

/** @param inputs a line for each, safe. @param line what starts it */
export function runbookHelp(
  { id, system, title, summary, modes }: Runbook,
  inputs: readonly string[],
  line: string,
): readonly string[] {
  return [
    `*${safe(title)}* (${safe(id)} of ${safe(system)}), ${modes.join(" or ")}`,
    safe(summary),
    ...(inputs.length === 0 ? [] : ["Inputs:", ...inputs]),
    code(line),
  ];
}

/** @param line what starts the run that was refused, behind `/dr` */
export function typeReason(line: string): Message {
  return said(`Type ${code(reasonLine(line))}`);
}

export function reasonLine(line: string): string {
  return `/dr ${line} --again "<reason>"`;
}

/** On the refusal of another move: opens the form for its reason. */
export function reasonButton(verb: string, line: string): Button {
  return { label: "Give a reason…", verb, actionValue: line, aloud: "Give a reason for another move" };
}

export const MOVED_SAYS = "This target was just moved. Approvers see your reason.";

/** Above the form that changes the plan. Not escaped. */
export function replanSays(run: RunState): string {
  return `${run.plan.title} is aborted and requested again by you, so you can't approve it.`;
}

/** Why a run is aborted for another one, as the timeline keeps it. */
export const UNPLANNED_INSTEAD = "Run unplanned instead: the primary does not answer";

export function requestedAgainFor(reason: string): string {
  return reason === "" ? "" : `Requested again: ${reason}`;
}

export function undoRequested({ plan, id }: RunState, where: string): Message {
  return said([
    `*${safe(plan.title)}* (${safe(id)}) requested: ${safe(plan.target)}.`,
    "Preflight runs now; nothing changes until the people who approved the step agree. You can't approve your own request.",
    `It runs in ${where}.`,
  ]);
}

/** @param recorded from `recordedIn` */
export function runRequested(run: RunState, recorded: string): Message {
  const { plan, dryRun } = run;
  const head = `${dryRun ? "Dry run of " : ""}*${safe(plan.title)}* (${safe(run.id)}) requested: ${modeWords(plan.mode)}.`;
  return said([head, safe(plan.target), ...againLines(run), nextOf(plan, dryRun), recorded]);
}

function nextOf({ stages }: Plan, dryRun: boolean): string {
  if (dryRun) return "Checking every target now; nothing changes.";
  const gates = stages.flatMap(({ steps }) => steps).filter(({ kind }) => kind === "gate").length;
  return gates === 0
    ? "Running preflight checks now; it starts when they pass, without an approval."
    : "Running preflight checks now; nothing changes until it's approved. You can't approve your own request.";
}

export type RecordedAs =
  | { readonly kind: "raised"; readonly severity: SeverityId }
  /** `elsewhere`: where its thread is, safe; null: in this channel. */
  | { readonly kind: "maintenance"; readonly elsewhere: string | null }
  | { readonly kind: "joined" }
  | {
      readonly kind: "declared";
      readonly severity: SeverityId;
      readonly drill: boolean;
      readonly unannounced: boolean;
    };

/** Where a run is recorded, and what was opened for it. `opened`: its channel is being created. */
export function recordedIn(as: RecordedAs, where: string, opened: boolean): string {
  const creating = opened ? ", creating its channel" : "";
  switch (as.kind) {
    case "raised":
      return `The maintenance is an incident now (${as.severity}): ${where}${creating}.`;
    case "maintenance":
      return `Maintenance: no incident, no pages. ${as.elsewhere === null ? "Its thread is in this channel." : `Follow its thread in ${as.elsewhere}.`}`;
    case "joined":
      return `It runs in ${where}.`;
    case "declared": {
      const what = as.drill ? "A drill" : `An incident (${as.severity})`;
      const quiet = as.unannounced ? " It's not announced: only you and the people on the calendar are told." : "";
      return `${what} was declared for it: ${where}${creating}.${quiet}`;
    }
    default:
      return as satisfies never;
  }
}

/** Of a private incident, or of another store: whose run it is isn't said. */
export function heldByUnknown(plan: Plan): Message {
  return said([
    `⛔ *${safe(plan.title)}* was not started: another run is using the same target. Nothing was changed.`,
    "Only one run can change a target at a time. Try again later, or ask an incident commander.",
  ]);
}

/** @param holder the run that has the target; null: it isn't known here. @param where safe */
export function heldBy(plan: Plan, run: string, holder: RunState | null, requester: string, where: string): Message {
  const what = holder ? `${runName(holder)}, requested by ${requester},` : safe(run);
  return said([
    `⛔ *${safe(plan.title)}* was not started: ${what} is using the same target in ${where}. Nothing was changed.`,
    `Follow its thread in ${where}; only one run can change a target at a time. Abort it there, or with \`/dr abort ${safe(run)}\`.`,
  ]);
}

/** The head of what is wrong with a plan. Not escaped. */
export function notPlanned(title: string): string {
  return `"${title}" can't be planned; nothing was started.`;
}
