import { changesThings } from "./order.ts";
import { allOf } from "./people.ts";
import type { RunState, StepState } from "./state.ts";

/** The steps of a run that change something, in the order of the plan. */
export interface Changes {
  /** Performed and verified. */
  readonly done: readonly StepState[];
  /** An effect may have been caused, and its outcome was not seen. */
  readonly unsure: readonly StepState[];
  readonly untouched: readonly StepState[];
}

export function changesOf(run: Pick<RunState, "steps">): Changes {
  const changing = [...run.steps.values()].filter((step) => changesThings(step.step));
  const done: readonly StepState[] = changing.filter((step) => step.status === "done");
  const unsure: readonly StepState[] = changing.filter(maybe);
  return { done, unsure, untouched: changing.filter((step) => !done.includes(step) && !unsure.includes(step)) };
}

/**
 * What a run has changed by now and what not, in full sentences: how every failure and every abort ends. Only steps
 * that change something are named; nothing is said about what no one saw.
 */
export function stateNow(run: Pick<RunState, "steps">): string {
  const { done, unsure, untouched } = changesOf(run);
  if (done.length === 0 && unsure.length === 0) return "Nothing was changed.";
  return [
    done.length > 0 ? `Changed: ${titles(done)}.` : "No change is confirmed.",
    unsure.length > 0 ? `Unknown, check first: ${titles(unsure)}.` : "",
    untouched.length > 0 ? `Not changed: ${titles(untouched)}.` : "",
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** An effect may have been caused: its intent was written and no one has seen the outcome. */
function maybe(step: StepState): boolean {
  switch (step.status) {
    case "running":
    case "failed":
      return step.reached !== "started" || step.before !== null;
    case "stopped":
      return true;
    case "waiting":
    case "skipped":
      return step.attempts > 0;
    case "done":
    case "passedOver":
    case "open":
    case "gate":
      return false;
    default:
      return step satisfies never;
  }
}

function titles(steps: readonly StepState[]): string {
  return allOf(steps.map((step) => `"${step.step.title}"`));
}
