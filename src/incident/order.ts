import { inOneBranch } from "../catalog/branches.ts";
import type { ActionStep, GateStep, Plan, PlanStage, PlanStep } from "../catalog/types.ts";
import { isSettled } from "./settled.ts";
import type { RunState, StepState } from "./state.ts";

/** Every step of a plan in plan order, with its stage. */
export function stepsInOrder(plan: Plan): readonly { readonly step: PlanStep; readonly stage: PlanStage }[] {
  return plan.stages.flatMap((stage) => stage.steps.map((step) => ({ step, stage })));
}

/** True for steps that change something by themselves: these need approvals. */
export function changesThings(step: PlanStep): step is ActionStep {
  return step.kind === "action" && step.risk !== "read";
}

/** The gates that cover a step: every one before it in plan order, back to the start. */
export function gatesBefore(plan: Plan, step: string): readonly GateStep[] {
  const gates: GateStep[] = [];
  for (const { step: candidate } of stepsInOrder(plan)) {
    if (candidate.id === step) return gates;
    if (candidate.kind === "gate") gates.push(candidate);
  }
  return [];
}

/** Steps that change something although no gate stands before them: such a plan never starts them. */
export function uncoveredSteps(plan: Plan): readonly ActionStep[] {
  return stepsInOrder(plan)
    .map(({ step }) => step)
    .filter(changesThings)
    .filter((step) => gatesBefore(plan, step.id).length === 0);
}

/** Gates that are asked at the same moment: all there is in a parallel stage. Each person counts in one of them. */
export function askedTogether(plan: Plan, gate: string): readonly GateStep[] {
  const stage = plan.stages.find(({ steps }) => steps.some(({ id }) => id === gate));
  const gates = stage?.parallel ? stage.steps.filter((step): step is GateStep => step.kind === "gate") : [];
  return gates.length === stage?.steps.length ? gates.filter(({ id }) => id !== gate) : [];
}

/**
 * Steps that must be settled before this one may start: all of the stages before, and in its own stage all before it,
 * or, where the stage is parallel, only those of its own branch and the gates before it.
 */
export function unsettledBefore(run: RunState, step: string): readonly StepState[] {
  return stepsBefore(run.plan, step)
    .flatMap(({ id }) => run.steps.get(id) ?? [])
    .filter((state) => !isSettled(state));
}

/** The same by the plan alone: what this step was built on. */
export function stepsBefore(plan: Plan, step: string): readonly PlanStep[] {
  const order = stepsInOrder(plan);
  const at = order.findIndex((one) => one.step.id === step);
  const own = order[at]?.stage;
  const together = new Set(askedTogether(plan, step).map(({ id }) => id));
  return order
    .slice(0, Math.max(at, 0))
    .filter(({ step: before }) => !together.has(before.id))
    .filter(({ stage, step: before }) => stage !== own || before.kind === "gate" || inOneBranch(stage, before.id, step))
    .map(({ step: before }) => before);
}
