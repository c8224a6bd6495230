import type { Recorded, StepEvent } from "../events.ts";
import type { RunState, StepPhase, StepProcess, StepState } from "../state.ts";
import { withStep } from "./run.ts";

type RecordedStep = Recorded<StepEvent>;

export function evolveStep(run: RunState, event: RecordedStep): RunState {
  return withStep(run, event.data.step, (step) => {
    const attempts = "attempt" in event.data ? Math.max(step.attempts, event.data.attempt) : step.attempts;
    const forgiven = event.type === "step.retried" ? attempts : step.forgiven;
    const origin = step.origin ?? (event.type === "step.intended" ? { before: event.data.before } : undefined);
    const process = processOf(event) ?? step.process;
    const more = { ...(origin && { origin }), ...(process && { process }) };
    const kept = { step: step.step, stage: step.stage, attempts, forgiven, ...more };
    return { ...kept, ...phaseAfter(step, event) };
  });
}

function processOf(event: RecordedStep): StepProcess | undefined {
  const process = event.type === "step.progressed" ? event.data.process : undefined;
  return process && { ...process, since: event.at };
}

function phaseAfter(step: StepState, event: RecordedStep): StepPhase {
  const { at } = event;
  switch (event.type) {
    case "step.started":
      return started(step, event);
    case "step.intended":
      return { ...asRunning(step, at), reached: "intended", before: event.data.before, askedAt: at };
    case "step.applied":
      return { ...asRunning(step, at), reached: "applied", handle: event.data.handle };
    case "step.progressed":
      return { ...asRunning(step, at), progress: event.data.says };
    case "step.verified": {
      const { says, facts, rpo, seconds } = event.data;
      return { status: "done", at, seconds, says, facts, rpo, startedAt: sinceOf(step, at) };
    }
    case "step.failed": {
      const { problem, retryable } = event.data;
      const { reached, before, askedAt } = asRunning(step, at);
      return { status: "failed", at, problem, retryable, before, askedAt, reached };
    }
    case "step.stopped": {
      const { before, askedAt, handle } = asRunning(step, at);
      return { status: "stopped", at, problem: event.data.problem, before, askedAt, handle };
    }
    case "step.opened":
      return { status: "open", since: at, until: event.data.until === null ? null : new Date(event.data.until) };
    case "step.confirmed":
      return {
        status: "done",
        at,
        seconds: (at.getTime() - sinceOf(step, at).getTime()) / 1000,
        says: event.data.note ?? "Done",
        facts: [],
        rpo: null,
        startedAt: sinceOf(step, at),
      };
    case "step.retried":
      return step.status === "gate"
        ? askedAgain(step)
        : { status: "waiting", before: beforeOf(step), askedAt: askedAtOf(step) };
    case "step.skipped":
      return { status: "skipped", at, reason: event.data.reason };
    default:
      return event satisfies never;
  }
}

/** The same attempt taken over by another replica keeps how far it got; a new attempt keeps only where it started from. */
function started(step: StepState, event: Extract<RecordedStep, { type: "step.started" }>): StepPhase {
  const { attempt, epoch } = event.data;
  if (step.status === "running" && attempt <= step.attempts) return { ...asRunning(step, event.at), epoch };
  return {
    status: "running",
    since: event.at,
    epoch,
    reached: "started",
    before: beforeOf(step),
    askedAt: askedAtOf(step),
    handle: null,
    progress: null,
  };
}

type Running = Extract<StepPhase, { status: "running" }>;

/** A step's running phase, or a blank one where the log skipped its start. */
function asRunning(step: StepState, at: Date): Running {
  if (step.status !== "running")
    return {
      status: "running",
      since: at,
      epoch: "",
      reached: "started",
      before: beforeOf(step),
      askedAt: askedAtOf(step),
      handle: null,
      progress: null,
    };
  const { status, since, epoch, reached, before, askedAt, handle, progress } = step;
  return { status, since, epoch, reached, before, askedAt, handle, progress };
}

function beforeOf(step: StepState): unknown {
  return "before" in step ? step.before : null;
}

function askedAtOf(step: StepState): Date | null {
  return "askedAt" in step ? step.askedAt : null;
}

function sinceOf(step: StepState, otherwise: Date): Date {
  return step.status === "running" || step.status === "open" ? step.since : otherwise;
}

/** Asking again makes a refused or expired ask void; the engine opens the next one. What has passed stays passed. */
function askedAgain({ gate }: Extract<StepState, { status: "gate" }>): StepPhase {
  const closed = gate.outcome === "denied" || gate.outcome === "expired";
  return { status: "gate", gate: closed ? { ...gate, outcome: "voided" } : gate };
}
