import { isAnswered } from "./authority.ts";
import type { RunState, Span, StepState } from "./state.ts";
import { needsPerson } from "./status.ts";

/**
 * Whose turn it is on a run. Machines work while they look (each preflight, whichever gate or repeat it is for), while a step
 * or a planned wait is in progress, between a failed attempt and its automatic repeat, and from a sufficient approval to the
 * start of what it covers. Otherwise the run waits for people. Nothing of it is recorded: it follows from the events, so
 * older logs tell it as exactly.
 */
export function isMachinesTurn(run: RunState): boolean {
  if (run.ending !== null) return false;
  const steps = [...run.steps.values()];
  if (steps.some(isUnderWay)) return true;
  if (run.stuck !== null || run.paused || steps.some(needsPerson)) return false;
  return !steps.some((step) => isPersonsTurn(run, step));
}

/** The run after something happened to it at `at`: a span begins, goes on, or ends. */
export function moveWork(run: RunState, at: Date): RunState {
  const { worked, workingSince } = run;
  if (isMachinesTurn(run)) return workingSince === null ? { ...run, workingSince: at } : run;
  if (workingSince === null) return run;
  return { ...run, worked: [...worked, { from: workingSince, to: at }], workingSince: null };
}

/** When machines worked on a run, oldest first and without overlap, up to `now` while they do. */
export function workedUntil(run: RunState, now: Date): readonly Span[] {
  return run.workingSince === null ? run.worked : [...run.worked, { from: run.workingSince, to: now }];
}

function isUnderWay({ status, step }: StepState): boolean {
  return status === "running" || (status === "open" && step.kind === "wait");
}

function isPersonsTurn(run: RunState, step: StepState): boolean {
  if (step.status === "open") return true;
  return step.status === "gate" && step.gate.outcome === "open" && !isAnswered(run, step.gate);
}
