import type { StepState } from "./state.ts";

/** Nothing about it is outstanding: what comes after it in the plan may go on. */
export function isSettled(step: StepState): boolean {
  switch (step.status) {
    case "done":
    case "skipped":
    case "passedOver":
      return true;
    case "gate":
      return step.gate.outcome === "passed";
    case "waiting":
    case "running":
    case "open":
    case "failed":
    case "stopped":
      return false;
    default:
      return step satisfies never;
  }
}
