import type { ShownFact } from "../../../src/incident/events.ts";
import { changesThings, stepsInOrder } from "../../../src/incident/order.ts";
import type { IncidentState, RunState, StepState } from "../../../src/incident/state.ts";
import { stateNow } from "../../../src/incident/state-now.ts";
import { needsPerson } from "../../../src/incident/status.ts";
import { UNFENCED } from "../../../src/incident/unfenced.ts";
import type { Problem } from "../../../src/lib/errors.ts";
import { actionValue } from "../kit/action-value.ts";
import { type Button, context, lines } from "../kit/blocks.ts";
import { cut, safe, withCommands } from "../kit/escape.ts";
import { checksCount, distinct, factLine, findingLines } from "../kit/facts.ts";
import { runTitle } from "../kit/kind.ts";
import type { Form } from "../kit/message.ts";
import { runStatusWords } from "../kit/status.ts";
import { clock } from "../kit/when.ts";
import { waysBack } from "./undo.ts";

/** What three lines leave out of a failure: all that was recorded about it, and the end of the timeline. */

/** `step`: null: the run itself. */
export function detailsButton(run: RunState, step: string | null): Button {
  const about = step === null ? [] : [step];
  const key = actionValue(run.id, ...about);
  return {
    label: "Details",
    verb: "run.details",
    detail: step ?? "run",
    actionValue: key,
    aloud: "Details of what was seen and what went wrong",
  };
}

/** Lines for mrkdwn. `entries`: the newest of the timeline about it, oldest first, not escaped. */
export function detailLines(
  state: IncidentState,
  run: RunState,
  wanted: string | null,
  entries: readonly string[],
): readonly string[] {
  const step = stepOf(run, wanted);
  const ways = run.endedAt === null ? [] : waysBack(state, run);
  const problem = step === null ? run.problem : problemOf(step);
  return [
    `*${safe(runTitle(run.plan, run.dryRun))}*: ${runStatusWords(run)}`,
    ...(step === null ? [] : [stepLine(step)]),
    ...(problem === null ? [] : problemLines(problem)),
    ...(problem?.stateNow === stateNow(run) ? [] : [`*State of the run:* ${safe(stateNow(run))}`]),
    ...(step === null ? findings(run) : []),
    ...(ways.length > 0 ? ["*Undo, in this order*", ...ways] : []),
    ...(entries.length > 0 ? ["*Timeline*", ...entries.map((entry) => withCommands(cut(entry, ENTRY_LENGTH)))] : []),
    ...(step === null ? factsSeen(run) : []),
  ];
}

const ENTRY_LENGTH = 600;

export function detailsForm(run: RunState, shown: readonly string[]): Form {
  return {
    callback: "run.details",
    title: "Details",
    submit: "",
    actionValue: actionValue(run.id),
    blocks: [
      ...lines(shown),
      context(`${safe(run.id)}, plan ${run.planHash.slice(0, 8)} · all of it: \`/dr timeline --file\``),
    ],
  };
}

/** The step that was asked about; else the one that stops the run. */
function stepOf(run: RunState, wanted: string | null): StepState | null {
  if (wanted !== null) return run.steps.get(wanted) ?? null;
  const failed = [...run.steps.values()].filter((step) => problemOf(step) !== null);
  return failed.find(needsPerson) ?? failed.at(-1) ?? null;
}

function problemOf(step: StepState): Problem | null {
  return step.status === "failed" || step.status === "stopped" ? step.problem : null;
}

function stepLine(step: StepState): string {
  const when = step.status === "failed" || step.status === "stopped" ? ` at ${clock(step.at)}` : "";
  const tries = step.attempts > 0 ? `, attempt ${step.attempts}` : "";
  return `*${safe(step.step.title)}* (${safe(step.step.id)}): ${step.status}${when}${tries}`;
}

/** All its parts, whole; output of programs keeps its lines. */
function problemLines({ what, allowed, stateNow: state, next }: Problem): readonly string[] {
  return [
    ...what
      .split(/\n| \| /)
      .map((line, n) => (n === 0 ? `*Cause:* ${withCommands(line)}` : `> ${safe(cut(line, 300))}`)),
    ...(state ? [`*State now:* ${withCommands(state)}`] : []),
    ...(allowed ? [withCommands(allowed)] : []),
    ...(next ? [`*Next:* ${withCommands(next)}`] : []),
  ];
}

function findings({ preflight }: RunState): readonly string[] {
  return preflight === null ? [] : [`*Preflight:* ${checksCount(preflight.checks)}`, ...findingLines(preflight.checks)];
}

function factsSeen(run: RunState): readonly string[] {
  const facts = factsNow(run, run.preflight?.facts ?? []);
  return facts.length === 0 ? [] : ["*Seen by the preflight*", ...facts.map((fact) => `• ${factLine(fact)}`)];
}

const FACTS_MAX = 30;

/**
 * What says how things stand now. A step that looks at the outcome of a change before it sees what is not there yet: shown here,
 * it would contradict the checks that passed. The loss stands above, once.
 */
function factsNow(run: RunState, facts: readonly ShownFact[]): readonly ShownFact[] {
  const order = stepsInOrder(run.plan).map(({ step }) => step);
  const first = order.findIndex(changesThings);
  const outcomes = new Set(
    order.filter((step, n) => first !== -1 && n > first && !changesThings(step)).map(({ id }) => id),
  );
  return distinct(facts.filter(({ step, id }) => !outcomes.has(step) && id !== "loss" && id !== UNFENCED)).slice(
    0,
    FACTS_MAX,
  );
}
