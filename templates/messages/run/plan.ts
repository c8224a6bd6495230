import { branchesOf } from "../../../src/catalog/branches.ts";
import type { GateStep, Plan, PlanStage, PlanStep } from "../../../src/catalog/types.ts";
import { askedTogether } from "../../../src/incident/order.ts";

/** Questions about a plan that several messages ask. */

export function stepsOf(plan: Plan): readonly PlanStep[] {
  return plan.stages.flatMap((stage) => stage.steps);
}

export function stepOf(plan: Plan, id: string): PlanStep | null {
  return stepsOf(plan).find((step) => step.id === id) ?? null;
}

export function gatesOf(plan: Plan): readonly GateStep[] {
  return stepsOf(plan).filter((step): step is GateStep => step.kind === "gate");
}

/** What an approval of this gate lets happen: the steps after it, up to the next gate. */
export function coveredBy(plan: Plan, gate: string): readonly PlanStep[] {
  const together = new Set(askedTogether(plan, gate).map(({ id }) => id));
  const steps = stepsOf(plan).filter(({ id }) => !together.has(id));
  const after = steps.slice(steps.findIndex(({ id }) => id === gate) + 1);
  const next = after.findIndex(({ kind }) => kind === "gate");
  return next === -1 ? after : after.slice(0, next);
}

/** What the machines need when all goes as usual; people are not in it. */
export function expectedSeconds(plan: Plan): number {
  return plan.stages.reduce((sum, stage) => sum + stageSeconds(stage), 0);
}

/** Does anything in this plan change the world? */
export function changes(step: PlanStep): boolean {
  return step.kind === "action" && step.risk !== "read";
}

function stageSeconds(stage: PlanStage): number {
  const lanes = branchesOf(stage).map(({ steps }) => steps.reduce((sum, step) => sum + stepSeconds(step), 0));
  return Math.max(0, ...lanes);
}

function stepSeconds(step: PlanStep): number {
  if (step.kind === "action") return step.budget.typicalSeconds;
  return step.kind === "wait" ? step.seconds : 0;
}
