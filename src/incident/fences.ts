import type { PlanStep } from "../catalog/types.ts";

/** True for a step that keeps a server from taking writes. Plans of 0.1 do not say it; there the action's name does. */
export function isFence(step: PlanStep): boolean {
  return step.kind === "action" && (step.fences === true || /\.fence$/.test(step.action));
}
