import { branchesOf } from "../../../src/catalog/branches.ts";
import type { Plan, PlanStep } from "../../../src/catalog/types.ts";
import { incidentName } from "../../../src/incident/numbers.ts";
import type { Declared, IncidentState, RunState } from "../../../src/incident/state.ts";
import { raiseButton } from "../incident/maintenance.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, fields, header, lines, section } from "../kit/blocks.ts";
import { cut, plain, safe } from "../kit/escape.ts";
import { drillWords, kindPrefix, kindSentence, modeWords, runTitle } from "../kit/kind.ts";
import type { Block, Message } from "../kit/message.ts";
import { approvalWords } from "../kit/people.ts";
import { runMark, runStatusWords } from "../kit/status.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, between, clock, lasting } from "../kit/when.ts";
import { clockAt, givenWords } from "./clocks.ts";
import { directionWords } from "./direction.ts";
import { breakLines } from "./fault.ts";
import { inputWords } from "./inputs.ts";
import { changes, expectedSeconds, gatesOf, stepsOf } from "./plan.ts";
import { probationLines } from "./probation.ts";
import { counted, isMoving, progressLines, progressWords } from "./progress.ts";
import { noReturnWords } from "./undo.ts";

/** The root of a run's thread, edited in place: the plan before it begins, how far it is while it goes on, and its end. */
export function runCard(state: IncidentState, declared: Declared, run: RunState, around: Surroundings): Message {
  const { plan } = run;
  const prefix = kindPrefix(plan.kind, around.practice);
  const title = runTitle(plan, run.dryRun);
  const note = kindSentence(plan.kind, around.practice);
  const held = drillWords(plan);
  const by = around.names(run.requester);
  const inputs = inputWords(plan);
  const moves = isMoving(run) ? ` ${progressWords(run, around.now)}` : "";
  return {
    text: `${prefix}${safe(title)}: ${runStatusWords(run)}.${moves} ${safe(plan.target)}.${inputs ? ` Inputs: ${inputs}.` : ""} Requested by ${by} at ${clock(run.requestedAt)}.`,
    blocks: [
      header(`${prefix}${plain(title)}`),
      section(
        [
          `${runMark(run)} *${upper(runStatusWords(run))}*${countWords(run)}`,
          ...(held ? [`*${held}*`] : []),
          `*${safe(plan.target)}*`,
          ...(hasBegun(run) ? [] : [safe(plan.summary)]),
          ...(run.endedAt === null && !run.dryRun ? breakLines(plan) : []),
        ].join("\n"),
      ),
      ...(isMoving(run) ? [section(progressLines(state, run, around).join("\n"))] : []),
      ...lines([...probationLines(run, around)]),
      ...pairs(run, around),
      // What is tried in a dry run is not listed step by step in its thread.
      ...(run.dryRun ? lines(["*Steps*", ...plan.stages.flatMap((stage, n) => stageLines(plan, stage, n + 1))]) : []),
      ...(run.dryRun ? [section("*Dry run:* checks every target, changes nothing.")] : []),
      ...controls(state, run),
      context(
        [
          `Requested by ${by} ${at(run.requestedAt)}`,
          `${safe(declared.title)} (${safe(incidentName(state))})`,
          `${safe(run.id)}, plan ${run.planHash.slice(0, 8)}`,
          ...(note ? [note] : []),
        ].join(" · "),
      ),
    ],
  };
}

/** A step that changes something was started. */
function hasBegun(run: RunState): boolean {
  return [...run.steps.values()].some(({ step, attempts }) => changes(step) && attempts > 0);
}

function countWords(run: RunState): string {
  if (run.endedAt === null || run.dryRun || run.preflight?.ready !== true) return "";
  const { done, total } = counted(run);
  return ` · ${done} of ${total} steps · ${between(run.requestedAt, run.endedAt)}`;
}

/** What is decided upon; once it has begun, only what tells this run from another. */
function pairs(run: RunState, around: Surroundings): Block[] {
  const { plan } = run;
  const inputs = inputWords(plan);
  const direction = directionWords(plan);
  const named = [
    ...(inputs ? ([["Inputs", inputs]] as const) : []),
    ...(direction ? ([["Direction", direction]] as const) : []),
    ...modePair(plan),
  ];
  const decided = [
    ["Needs", needs(plan, around)],
    ...(isMoving(run) ? [] : ([["Typical run time", lasting(expectedSeconds(plan))]] as const)),
    ["Point of no return", noReturnWords(stepsOf(plan), "every step")],
    ...(plan.undoes === undefined ? ([["Objective", objectives(plan)]] as const) : []),
  ] as const;
  const shown = hasBegun(run) || run.endedAt !== null ? named : [...named, ...decided];
  return shown.length === 0 ? [] : [fields(shown)];
}

/** Buttons of a run that is under way; a run that is over has none. */
function controls(state: IncidentState, run: RunState): Block[] {
  if (run.endedAt !== null) return [];
  const pause: Button =
    run.paused || run.stuck !== null
      ? { label: "Resume run", verb: "run.resume", actionValue: actionValue(run.id), style: "primary" }
      : { label: "Pause run", verb: "run.pause", actionValue: actionValue(run.id) };
  const abort: Button = { label: "Abort run…", verb: "run.abort", actionValue: actionValue(run.id), style: "danger" };
  return [actions(pause, abort, ...raiseButton(state))];
}

function needs(plan: Plan, around: Surroundings): string {
  const gates = gatesOf(plan);
  if (gates.length === 0) return "no approval";
  return gates
    .map((gate) => approvalWords(around.system, gate, lasting))
    .map((words, n) => (gates.length > 1 ? `${n + 1}. ${words}` : words))
    .join("\n");
}

/** An undo waits for nothing; only that it goes on without an answer is worth a word. */
function modePair({ mode, undoes }: Plan): (readonly [string, string])[] {
  if (undoes === undefined) return [["Mode", modeWords(mode)]];
  return mode === "unplanned" ? [["Mode", "continues if a server doesn't answer"]] : [];
}

function objectives({ rtoSeconds, rpoSeconds }: Plan): string {
  const rto = rtoSeconds === null ? "RTO not set" : `RTO ${lasting(rtoSeconds)}`;
  const rpo = rpoSeconds === null ? "RPO not set" : `RPO ${rpoSeconds === 0 ? "nothing lost" : lasting(rpoSeconds)}`;
  return `${rto}, ${rpo}`;
}

function stageLines(plan: Plan, stage: Plan["stages"][number], n: number): string[] {
  const together = stage.parallel && stage.steps.length > 1 ? " (in parallel)" : "";
  const clock = clockAt(plan, stage.id);
  const given = clock === null ? "" : ` ${givenWords(plan, clock)}`;
  return [`${n}. *${safe(stage.title)}*${together}${given}`, ...branchesOf(stage).flatMap(branchLines)];
}

function branchLines({ branch, steps }: ReturnType<typeof branchesOf<PlanStep>>[number]): string[] {
  if (branch === null) return steps.map((step) => `      • ${stepWords(step)}`);
  const inOrder = steps.map((step, n) => `            ${n + 1}. ${stepWords(step)}`);
  return [`      • *${safe(branch.title)}*, in sequence`, ...inOrder];
}

function stepWords(step: PlanStep): string {
  const title = safe(cut(step.title, 150));
  const when = step.when ? " (if needed)" : "";
  switch (step.kind) {
    case "action":
      return `${title}${changes(step) ? "" : " (read-only)"}${when}`;
    case "gate":
      return `✋ ${title} (approval)${when}`;
    case "manual":
      return `👤 ${title} (manual step)${when}`;
    case "wait":
      return `${title}: waits ${lasting(step.seconds)}${when}`;
    default:
      return step satisfies never;
  }
}

function upper(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
