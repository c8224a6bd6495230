import { branchesOf } from "../../../src/catalog/branches.ts";
import type { PlanStage } from "../../../src/catalog/types.ts";
import { isAnswered } from "../../../src/incident/authority.ts";
import { isSettled } from "../../../src/incident/settled.ts";
import type { RunState, StepState } from "../../../src/incident/state.ts";
import { endOfPlace } from "../../../src/lib/errors.ts";
import { brokeWords } from "../approval/break-glass.ts";
import { header, lines } from "../kit/blocks.ts";
import { cut, plain, safe } from "../kit/escape.ts";
import { runTitle } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { approverWords, roleWords } from "../kit/people.ts";
import { runStatusWords } from "../kit/status.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, clock, lasting } from "../kit/when.ts";
import { clockAt, clockWords, runningClocks } from "./clocks.ts";
import { counted } from "./progress.ts";

/** Every step and how it stands: one message of the thread, updated in place. */
export function stepList(run: RunState, around: Surroundings): Message {
  const { done, total } = counted(run);
  const doing = [...run.steps.values()]
    .filter((step) => !isSettled(step) && step.status !== "waiting")
    .map((step) => `${safe(endOfPlace(step.step.title))} ${words(run, step, around)}`);
  return {
    text: `Steps of ${safe(runTitle(run.plan, run.dryRun))}: ${done} of ${total} done, ${runStatusWords(run)}.${[...runningClocks(run, around.now), ...doing].map((one) => ` ${one}.`).join("")}`,
    blocks: [
      header(`Steps: ${done} of ${total} done`),
      ...lines(
        run.plan.stages.flatMap((stage) => [
          ...heading(run, stage, around.now),
          ...branchesOf(stage).flatMap(({ branch, steps }) => [
            ...(branch === null ? [] : [`_${safe(plain(branch.title))}_`]),
            ...steps.flatMap(({ id }) => run.steps.get(id) ?? []).map((step) => line(run, step, around)),
          ]),
        ]),
      ),
    ],
  };
}

/** A clock stands beside its stage, or before the first of the stages it is for. */
function heading(run: RunState, stage: PlanStage, now: Date): readonly string[] {
  const title = `*${safe(plain(stage.title))}*`;
  const clock = clockAt(run.plan, stage.id);
  if (clock === null) return [title];
  const words = clockWords(run, clock, now);
  return clock.stages.length === 1 ? [`${title} ${words}`] : [`${words} for ${safe(plain(clock.title))}`, title];
}

function isPassedGate(step: StepState): boolean {
  return step.status === "gate" && step.gate.outcome === "passed";
}

function line(run: RunState, step: StepState, around: Surroundings): string {
  return `${mark(step)} ${safe(endOfPlace(cut(step.step.title, 150)))} ${words(run, step, around)}`;
}

function mark(step: StepState): string {
  if (isPassedGate(step)) return MARKS.done;
  return MARKS[step.status];
}

const MARKS: Readonly<Record<StepState["status"], string>> = {
  waiting: "⚪",
  passedOver: "➖",
  running: "▶️",
  open: "✋",
  gate: "✋",
  done: "✅",
  failed: "❌",
  stopped: "⚠️",
  skipped: "⏭️",
};

/** In a run that has ended nothing is pending and no one is waited for. What was in progress may still finish. */
function words(run: RunState, step: StepState, around: Surroundings): string {
  const isOver = run.endedAt !== null;
  switch (step.status) {
    case "waiting":
      return isOver ? "not started" : "pending";
    case "passedOver":
      return "not needed";
    case "running":
      return `running since ${at(step.since)}${step.attempts > 1 ? `, attempt ${step.attempts}` : ""}${step.progress ? `. ${safe(cut(step.progress, 200))}` : ""}`;
    case "open":
      return isOver ? "not confirmed before the run ended" : openWords(step, around);
    case "gate":
      return isOver && step.gate.outcome === "open" ? "not decided before the run ended" : gateWords(run, step, around);
    case "done":
      return `done in ${lasting(step.seconds)}. ${safe(cut(step.says, 250))}`;
    case "failed":
      return `failed at ${clock(step.at)}. ${safe(cut(step.problem.what, 250))}`;
    case "stopped":
      return `stopped at ${clock(step.at)}, outcome not known. ${safe(cut(step.problem.what, 250))}`;
    case "skipped":
      return `skipped: ${safe(cut(step.reason, 250))}`;
    default:
      return step satisfies never;
  }
}

function openWords(step: StepState & { status: "open" }, around: Surroundings): string {
  if (step.step.kind === "wait" && step.until) return `waits until ${at(step.until)}`;
  const role = step.step.kind === "manual" && step.step.role ? roleWords(around.system, step.step.role) : "somebody";
  return `waiting for ${role} to do it by hand, since ${at(step.since)}`;
}

function gateWords(run: RunState, step: StepState & { status: "gate" }, around: Surroundings): string {
  const { gate } = step;
  const people = approverWords(gate, around);
  if (gate.outcome === "passed" || (gate.outcome === "open" && isAnswered(run, gate)))
    return gate.broken ? `passed by break-glass, ${brokeWords(gate.broken, around)}` : `approved by ${people}`;
  if (gate.outcome === "open")
    return `waiting for approval by ${roleWords(around.system, gate.role)}, ${gate.approvals.length} of ${gate.quorum} given`;
  return gate.outcome;
}
