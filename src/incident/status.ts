import type { Problem } from "../lib/errors.ts";
import { failedOf, findingsOf } from "./findings.ts";
import type { RunState, RunStatus, StepState } from "./state.ts";
import { stateNow } from "./state-now.ts";

type Unjudged = Omit<RunState, "status" | "problem">;

/**
 * What a run is, from its steps: the only place that says so, for live writes and for recovery alike.
 * A step in progress outranks a step that needs a person, which outranks a pause: the word shown is the one to act on.
 */
export function statusOf(run: Unjudged): RunStatus {
  if (run.ending !== null) return run.ending.as;
  if (run.stuck !== null) return "stopped";
  if (run.preflight === null) return run.paused ? "paused" : "preflight";
  if (!run.preflight.ready) return "stopped";
  const steps = [...run.steps.values()];
  if (steps.some((step) => step.status === "running")) return run.paused ? "paused" : "running";
  if (steps.some(needsPerson)) return "stopped";
  if (run.paused) return "paused";
  return steps.some(isAwaited) ? "waiting" : "running";
}

/** Why it is stopped or how it ended, or null while nothing is wrong. */
export function problemOf(run: Unjudged): Problem | null {
  if (run.ending !== null) return run.ending.as === "verified" ? null : run.ending.problem;
  if (run.stuck !== null) return run.stuck;
  if (run.preflight !== null && !run.preflight.ready) return blockedBy(run);
  for (const step of run.steps.values()) if (needsPerson(step)) return problemOfStep(step);
  return null;
}

/** Nothing will happen to this step until someone decides. */
export function needsPerson(step: StepState): boolean {
  switch (step.status) {
    case "stopped":
      return true;
    case "failed":
      return !triesAgain(step);
    case "gate":
      return step.gate.outcome === "denied" || step.gate.outcome === "expired";
    case "waiting":
    case "passedOver":
    case "running":
    case "open":
    case "done":
    case "skipped":
      return false;
    default:
      return step satisfies never;
  }
}

/** A failed step with automatic attempts left, counted from the last time a person said "retry". */
export function triesAgain(step: StepState): boolean {
  if (step.status !== "failed" || !step.retryable || step.step.kind !== "action") return false;
  return step.attempts - step.forgiven <= step.step.retries;
}

/** It has not ended: it may still change something, and its resources are held. */
export function isLive(run: RunState): boolean {
  return run.ending === null;
}

function isAwaited(step: StepState): boolean {
  return step.status === "open" || (step.status === "gate" && step.gate.outcome === "open");
}

function problemOfStep(step: StepState): Problem | null {
  switch (step.status) {
    case "failed":
    case "stopped":
      return step.problem;
    case "gate":
      return {
        code: `gate-${step.gate.outcome}`,
        where: step.step.title,
        what: step.gate.says ?? `The approval is ${step.gate.outcome}`,
        next: "Ask again, or abort the run",
      };
    case "waiting":
    case "passedOver":
    case "running":
    case "open":
    case "done":
    case "skipped":
      return null;
    default:
      return step satisfies never;
  }
}

function blockedBy(run: Unjudged): Problem {
  const found = findingsOf(run.preflight === null ? [] : failedOf(run.preflight.checks, "block"));
  return {
    code: "preflight-blocked",
    what: found.length > 0 ? found.map(({ says }) => says).join(" ") : "The preflight found that this can't start",
    stateNow: stateNow(run),
  };
}
