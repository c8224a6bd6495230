import type { Problem } from "../../lib/errors.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { changers, coveringNow, isGiven, mayChange, outlived, voidedByChange, voids } from "../covered.ts";
import { delegationsNow } from "../delegation.ts";
import { isFence } from "../fences.ts";
import { changesThings, stepsInOrder } from "../order.ts";
import { holds, oneOf, personOf, reachableNames, roleTitle } from "../people.ts";
import { ASKED_MAX, openedBefore } from "../repeated.ts";
import { isSettled } from "../settled.ts";
import type { IncidentState, RunState, StepState } from "../state.ts";
import { triesAgain } from "../status.ts";
import { isProblem, liveRun, mayNotSteer, notOnRoster, whoHolds } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { clock, LIMITS, line } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Also asks a gate again that was denied or that nobody answered; that is for those who steer the run. */
export function retryStep(command: Of<"retryStep">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "retry", problem, state.runs.has(command.run) ? command.run : null);
  const found = stepOf(command, state);
  if (isProblem(found)) return no(found);
  const { run, step } = found;
  const again = step.status === "gate" && (step.gate.outcome === "denied" || step.gate.outcome === "expired");
  const problem = notOnRoster(context) ?? (again ? mayNotSteer(state, run, context) : null);
  if (problem !== null) return no(problem);
  if (again && openedBefore(step.gate, context.now) + 1 >= ASKED_MAX)
    return no({
      code: "asked-too-often",
      where: step.step.title,
      what: `This was requested ${ASKED_MAX} times within an hour`,
      stateNow: "No more requests for now",
      next: "Ask the approvers, or abort: `/dr abort <why>`",
    });
  if (!again && step.status !== "failed" && step.status !== "stopped")
    return no({
      code: "step-not-failed",
      where: step.step.title,
      what: `The step is ${says(step)}`,
      allowed: "Retry works on failed or stopped steps, and on denied or expired approvals",
    });
  if (triesAgain(step))
    return no({
      code: "step-tries-again",
      where: step.step.title,
      what: "The step is about to be retried automatically",
    });
  const tried = accept(context, [{ type: "step.retried", data: { step: command.step } }], run.id);
  if (step.status !== "failed" && step.status !== "stopped") return tried;
  const covering = new Set(coveringNow(run, command.step));
  const old = outlived(run, step.at, context.now).filter((gate) => covering.has(gate));
  const why = `“${step.step.title}” was held since ${clock(step.at)}, longer than the approval is valid`;
  return { ...tried, events: [...tried.events, ...voids(run, old, why)] };
}

/**
 * A step that is skipped leaves no evidence. Gates are never skipped, nor is a fence while something that can not be
 * undone is still to come: that is how two primaries are made. Nor is the look that the active side is the one the plan was made for.
 *
 * A skip changes what the approvals before it cover: they become void and are asked again. After one was given, only somebody
 * who may decide it skips, and never who asked for the run.
 */
export function skipStep(command: Of<"skipStep">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "skip", problem, state.runs.has(command.run) ? command.run : null);
  const found = stepOf(command, state);
  if (isProblem(found)) return no(found);
  const { run, step } = found;
  const problem = mayNotSteer(state, run, context) ?? unskippable(run, step) ?? mayNotChange(state, run, step, context);
  if (problem !== null) return no(problem);
  const reason = line(command.reason, LIMITS.reason);
  if (reason === null)
    return no({
      code: "reason-missing",
      where: step.step.title,
      what: "Skipping needs a reason",
      next: `\`/dr skip ${step.step.id} <why>\``,
    });
  const skipped = accept(context, [{ type: "step.skipped", data: { step: command.step, reason } }], run.id);
  const person = personOf(context.actor, context.system);
  if (person === null) return no(NOBODY);
  const void_ = voidedByChange(person, run, command.step, context.system, delegationsNow(state, context.now));
  const why = `${person.name} skipped “${step.step.title}” (${reason})`;
  return { ...skipped, events: [...skipped.events, ...voids(run, void_, why)] };
}

/** "Done" on a step that people do by hand. */
export function confirmStep(command: Of<"confirmStep">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "done", problem, state.runs.has(command.run) ? command.run : null);
  const found = stepOf(command, state);
  if (isProblem(found)) return no(found);
  const { run, step } = found;
  const person = personOf(context.actor, context.system);
  if (person === null) return no(notOnRoster(context) ?? NOBODY);
  if (step.step.kind !== "manual")
    return no({
      code: "step-not-manual",
      where: step.step.title,
      what: "This isn't a manual step",
      allowed: "Only manual steps are confirmed",
    });
  if (step.status !== "open")
    return no({
      code: "step-not-open",
      where: step.step.title,
      what: `The step is ${says(step)} and can't be done now`,
    });
  const { role } = step.step;
  if (role !== null && !holds(person, role, state))
    return no({
      code: "step-role",
      where: step.step.title,
      what: `This step is for the role ${roleTitle(role, context.system)}, which you don't hold`,
      allowed: `${whoHolds(role, context)} may confirm it`,
    });
  return accept(
    context,
    [{ type: "step.confirmed", data: { step: command.step, note: line(command.note, LIMITS.reason) } }],
    run.id,
  );
}

function stepOf(
  command: { run: string; step: string },
  state: IncidentState,
): { run: RunState; step: StepState } | Problem {
  const run = liveRun(state, command.run);
  if (isProblem(run)) return run;
  const step = run.steps.get(command.step);
  if (step === undefined)
    return {
      code: "step-unknown",
      where: run.title,
      what: `This run has no step ${command.step}`,
      allowed: `Its steps are ${[...run.steps.keys()].join(", ")}`,
    };
  return { run, step };
}

/** Why this person may not change what a given approval covers, or null. */
function mayNotChange(state: IncidentState, run: RunState, step: StepState, context: DecideContext): Problem | null {
  const person = personOf(context.actor, context.system);
  const { system, now } = context;
  const lent = delegationsNow(state, now);
  const gate = coveringNow(run, step.step.id).find(
    (one) => isGiven(one) && (person === null || !mayChange(person, run, one, system, lent)),
  );
  if (gate === undefined) return null;
  const able = reachableNames(changers(run, gate, system, lent), context.unreachable);
  return {
    code: "skip-approved",
    where: step.step.title,
    what: `“${run.steps.get(gate.step)?.step.title ?? gate.step}” was approved with this step in it`,
    allowed: able.length === 0 ? "No one on the roster may skip it now" : `${oneOf(able)} may skip it`,
    next: "Ask them, retry the step, or abort the run",
  };
}

function unskippable(run: RunState, step: StepState): Problem | null {
  const where = step.step.title;
  if (step.step.kind === "gate")
    return {
      code: "gate-not-skippable",
      where,
      what: "An approval can't be skipped",
      allowed: "Approve it, deny it, or abort the run",
    };
  if (isSettled(step) || step.status === "running")
    return {
      code: "step-not-skippable",
      where,
      what: `The step is ${says(step)}`,
      allowed: "Only steps that haven't started can be skipped",
    };
  if (step.step.kind === "action" && step.step.action === ROLES_CHECK && changeAfter(run, step))
    return {
      code: "look-not-skippable",
      where,
      what: "Without this look the steps after it could change the wrong side",
      allowed: "It can be retried, or the run aborted and requested again",
    };
  const after = irreversibleAfter(run, step);
  if (isFence(step.step) && after !== null)
    return {
      code: "fence-not-skippable",
      where,
      what: `Without this fence "${after.step.title}" could leave two primaries that both take writes`,
      allowed: "The fence can be retried, or the run aborted",
    };
  return null;
}

/** The planner puts it right before the first change (`src/catalog/plan.ts`). */
const ROLES_CHECK = "roles.check";

function changeAfter(run: RunState, step: StepState): boolean {
  return behind(run, step).some((one) => changesThings(one.step) && !isSettled(one));
}

function behind(run: RunState, step: StepState): readonly StepState[] {
  const order = stepsInOrder(run.plan).map((one) => one.step.id);
  return order.slice(order.indexOf(step.step.id) + 1).flatMap((id) => run.steps.get(id) ?? []);
}

function irreversibleAfter(run: RunState, step: StepState): StepState | null {
  return (
    behind(run, step).find(
      (one) => one.step.kind === "action" && one.step.risk === "irreversible" && !isSettled(one),
    ) ?? null
  );
}

function says(step: StepState): string {
  return step.status === "gate" ? step.gate.outcome : step.status;
}

const NOBODY: Problem = { code: "not-on-roster", what: "You are not on the roster" };
