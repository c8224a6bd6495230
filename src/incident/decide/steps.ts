import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { changers, coveringNow, isGiven, mayChange, outlived, voidedByChange, voids } from "../covered.ts";
import { delegationsNow } from "../delegation.ts";
import { isFence } from "../fences.ts";
import { changesThings, stepsInOrder } from "../order.ts";
import { holdersOf, holds, personOf, reachableNames, roleTitle } from "../people.ts";
import { isRefusal, type Refusal } from "../refusal.ts";
import { ASKED_MAX, openedBefore } from "../repeated.ts";
import { isSettled } from "../settled.ts";
import type { IncidentState, RunState, StepState } from "../state.ts";
import { triesAgain } from "../status.ts";
import { liveRun, mayNotSteer, notOnRoster, strangerTo } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { clock, LIMITS, line } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Also asks a gate again that was denied or that no one answered; that is for those who steer the run. */
export function retryStep(command: Of<"retryStep">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "retry", refusal, state.runs.has(command.run) ? command.run : null);
  const found = stepOf(command, state);
  if (isRefusal(found)) return no(found);
  const { run, step } = found;
  const again = step.status === "gate" && (step.gate.outcome === "denied" || step.gate.outcome === "expired");
  const refusal = notOnRoster(context) ?? (again ? mayNotSteer(state, run, context) : null);
  if (refusal !== null) return no(refusal);
  const { title } = step.step;
  if (again && openedBefore(step.gate, context.now) + 1 >= ASKED_MAX)
    return no({ code: "asked-too-often", where: title, what: "approval", times: ASKED_MAX });
  if (!again && step.status !== "failed" && step.status !== "stopped")
    return no({ code: "step-not-failed", step: title, status: statusIn(step) });
  if (triesAgain(step)) return no({ code: "step-tries-again", step: title });
  const tried = accept(context, [{ type: "step.retried", data: { step: command.step } }], run.id);
  if (step.status !== "failed" && step.status !== "stopped") return tried;
  const covering = new Set(coveringNow(run, command.step));
  const old = outlived(run, step.at, context.now).filter((gate) => covering.has(gate));
  const why = `“${step.step.title}” was held since ${clock(step.at)}, longer than the approval is valid`;
  return { ...tried, events: [...tried.events, ...voids(run, old, why)] };
}

/**
 * A step that is skipped leaves no evidence. Gates are never skipped, nor is a fence while something that can't be
 * undone is still to come: that is how two primaries are made. Nor is the look that the active side is the one the plan was made for.
 *
 * A skip changes what the approvals before it cover: they become void and are asked again. After one was given, only someone
 * who may decide it skips, and never the requester of the run.
 */
export function skipStep(command: Of<"skipStep">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "skip", refusal, state.runs.has(command.run) ? command.run : null);
  const found = stepOf(command, state);
  if (isRefusal(found)) return no(found);
  const { run, step } = found;
  const refusal = mayNotSteer(state, run, context) ?? unskippable(run, step) ?? mayNotChange(state, run, step, context);
  if (refusal !== null) return no(refusal);
  const reason = line(command.reason, LIMITS.reason);
  if (reason === null)
    return no({ code: "reason-missing", reason: { for: "skip", where: step.step.title, step: step.step.id } });
  const skipped = accept(context, [{ type: "step.skipped", data: { step: command.step, reason } }], run.id);
  const person = personOf(context.actor, context.system);
  if (person === null) return no(strangerTo(context));
  const void_ = voidedByChange(person, run, command.step, context.system, delegationsNow(state, context.now));
  const why = `${person.name} skipped “${step.step.title}” (${reason})`;
  return { ...skipped, events: [...skipped.events, ...voids(run, void_, why)] };
}

/** "Done" on a step that people do by hand. */
export function confirmStep(command: Of<"confirmStep">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "done", refusal, state.runs.has(command.run) ? command.run : null);
  const found = stepOf(command, state);
  if (isRefusal(found)) return no(found);
  const { run, step } = found;
  const person = personOf(context.actor, context.system);
  if (person === null) return no(strangerTo(context));
  const { title } = step.step;
  if (step.step.kind !== "manual") return no({ code: "step-not-manual", step: title });
  if (step.status !== "open") return no({ code: "step-not-open", step: title, status: statusIn(step) });
  const { role } = step.step;
  const { system } = context;
  if (role !== null && !holds(person, role, state)) {
    const able = reachableNames(holdersOf(role, system), context.unreachable);
    return no({ code: "step-role", step: title, role: roleTitle(role, system), able });
  }
  return accept(
    context,
    [{ type: "step.confirmed", data: { step: command.step, note: line(command.note, LIMITS.reason) } }],
    run.id,
  );
}

function stepOf(
  command: { run: string; step: string },
  state: IncidentState,
): { run: RunState; step: StepState } | Refusal {
  const run = liveRun(state, command.run);
  if (isRefusal(run)) return run;
  const step = run.steps.get(command.step);
  if (step === undefined)
    return { code: "step-unknown", run: run.title, stepId: command.step, known: [...run.steps.keys()] };
  return { run, step };
}

/** Why this person may not change what a given approval covers, or null. */
function mayNotChange(state: IncidentState, run: RunState, step: StepState, context: DecideContext): Refusal | null {
  const person = personOf(context.actor, context.system);
  const { system, now } = context;
  const delegated = delegationsNow(state, now);
  const gate = coveringNow(run, step.step.id).find(
    (one) => isGiven(one) && (person === null || !mayChange(person, run, one, system, delegated)),
  );
  if (gate === undefined) return null;
  const able = reachableNames(changers(run, gate, system, delegated), context.unreachable);
  const approved = run.steps.get(gate.step)?.step.title ?? gate.step;
  return { code: "skip-approved", step: step.step.title, gate: approved, able };
}

function unskippable(run: RunState, step: StepState): Refusal | null {
  const { title } = step.step;
  if (step.step.kind === "gate") return { code: "gate-not-skippable", step: title };
  if (isSettled(step) || step.status === "running")
    return { code: "step-not-skippable", step: title, status: statusIn(step) };
  if (step.step.kind === "action" && step.step.action === ROLES_CHECK && changeAfter(run, step))
    return { code: "look-not-skippable", step: title };
  const after = irreversibleAfter(run, step);
  if (isFence(step.step) && after !== null)
    return { code: "fence-not-skippable", step: title, after: after.step.title };
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

function statusIn(step: StepState): string {
  return step.status === "gate" ? step.gate.outcome : step.status;
}
