import type { PlanStep } from "../catalog/types.ts";
import { isAnswered } from "../incident/authority.ts";
import { clocksDue } from "../incident/clocks.ts";
import { gateDue } from "../incident/gates.ts";
import { changesThings, gatesBefore, unsettledBefore } from "../incident/order.ts";
import { isSettled } from "../incident/settled.ts";
import type { GateState, RunState, StepState } from "../incident/state.ts";
import { needsPerson, triesAgain } from "../incident/status.ts";

/** What is to be done now about a run. Performing it, and recording that it was, is the driver's. */
export type Intent =
  | { readonly do: "preflight" }
  /** The preflight found that the run can't start: it ends, and nothing was changed. */
  | { readonly do: "fail" }
  | { readonly do: "openGate"; readonly step: string }
  /** Time has made something due on an open gate: the next level is asked, or the ask ends. */
  | { readonly do: "moveGate"; readonly step: string; readonly ask: string }
  /** All is done but gates that enough have approved, and nothing is left behind them that would use them up. */
  | { readonly do: "passGates" }
  | { readonly do: "start"; readonly step: string; readonly attempt: number }
  /** Left behind by a replica that is gone: how far it got says what to ask the world. */
  | { readonly do: "takeOver"; readonly step: string; readonly attempt: number; readonly reached: Reached }
  /** The same after the run has ended: look and record, apply nothing. */
  | { readonly do: "settle"; readonly step: string; readonly attempt: number; readonly reached: Reached }
  /** A manual step is put before people, or a wait begins. */
  | { readonly do: "open"; readonly step: string; readonly seconds: number | null }
  /** A wait is over, or no one said within its time that a manual step is done. */
  | { readonly do: "closeWait"; readonly step: string }
  /** Stages have taken longer than they were given: it is written down. */
  | { readonly do: "tellLate" }
  /** Every step is settled. */
  | { readonly do: "finish" }
  /** The run has ended while steps of ours are in progress: ask them to stop. */
  | { readonly do: "halt" }
  /** The run has ended and nothing is in progress: its resources may be free. */
  | { readonly do: "free" };

export interface Next {
  readonly intents: readonly Intent[];
  /** When time alone makes something due, by the database's clock; null: only an event will. */
  readonly wakeAt: Date | null;
}

type Running = Extract<StepState, { status: "running" }>;
export type Reached = Running["reached"];

/**
 * The whole run logic, pure: what is true → what to do. It reads no clock, so stopping anywhere and asking again gives the
 * same answer, and recovery after a crash is the same path as going on.
 *
 * Paused, or with a step that needs a person, nothing new starts; what is in progress may finish. The clocks of stages run on.
 */
export function next(run: RunState, at: { readonly epoch: string; readonly now: Date }): Next {
  const work = workOf(run, at);
  if (run.ending !== null) return work;
  const late = clocksDue(run, at.now);
  return {
    intents: late.events.length > 0 ? [...work.intents, { do: "tellLate" }] : work.intents,
    wakeAt: earliest([work.wakeAt, late.nextAt]),
  };
}

function workOf(run: RunState, at: { readonly epoch: string; readonly now: Date }): Next {
  const steps = [...run.steps.values()];
  const running = steps.filter((step): step is StepState & Running => step.status === "running");
  const left = running.filter((step) => step.epoch !== at.epoch);
  if (run.ending !== null) return soon(afterTheEnd(running, left));
  if (run.stuck !== null) return nothing;
  if (run.preflight === null) return run.paused ? nothing : soon([{ do: "preflight" }]);
  if (!run.preflight.ready && running.length === 0) return soon([{ do: "fail" }]);
  if (run.dryRun || steps.every(isSettled)) return soon([{ do: "finish" }]);

  const holds = run.paused || steps.some(needsPerson);
  const due = steps.some(
    (step) => step.status === "gate" && gateMove(run, step.gate, holds, at.now).intents.length > 0,
  );
  if (!holds && !due && steps.every((step) => isSettled(step) || isApproved(run, step)))
    return soon([{ do: "passGates" }]);
  const takeOvers = left.filter((step) => !holds || step.reached !== "started").map(takeOver);
  const moves = steps.map((step) => moveOf(run, step, holds, at.now));
  return {
    intents: [
      ...takeOvers,
      ...oneThroughTheGate(
        run,
        moves.flatMap((move) => move.intents),
      ),
    ],
    wakeAt: earliest(moves.map((move) => move.wakeAt)),
  };
}

/** Milliseconds between a failed attempt and the next automatic one: 1 s, 2 s, 4 s …, at most a minute. */
export function backoffMs(step: StepState): number {
  return Math.min(60_000, 1_000 * 2 ** Math.max(0, step.attempts - step.forgiven - 1));
}

/** Starting it lets the gates before it pass: it changes something, or it tells a person to. */
export function usesApprovals(step: PlanStep): boolean {
  return changesThings(step) || step.kind === "manual";
}

/** Gates before a step that have been approved by enough people and not passed yet. */
export function gatesToPass(run: RunState, step: string): readonly GateState[] {
  return gatesBefore(run.plan, step).flatMap(({ id }) => {
    const gate = run.steps.get(id);
    return gate?.status === "gate" && isApproved(run, gate) ? [gate.gate] : [];
  });
}

const nothing: Next = { intents: [], wakeAt: null };

function soon(intents: readonly Intent[]): Next {
  return { intents, wakeAt: null };
}

function afterTheEnd(running: readonly StepState[], left: readonly (StepState & Running)[]): readonly Intent[] {
  if (running.length === 0) return [{ do: "free" }];
  const settles = left.map((step): Intent => ({ ...takeOver(step), do: "settle" }));
  return left.length < running.length ? [...settles, { do: "halt" }] : settles;
}

function takeOver(step: StepState & Running): Extract<Intent, { do: "takeOver" }> {
  return { do: "takeOver", step: step.step.id, attempt: step.attempts, reached: step.reached };
}

function moveOf(run: RunState, step: StepState, holds: boolean, now: Date): Next {
  switch (step.status) {
    case "waiting":
      return holds || !mayBegin(run, step.step) ? nothing : soon([begin(step)]);
    case "failed":
      return holds || !triesAgain(step) ? nothing : tryAgain(step, now);
    case "gate":
      return gateMove(run, step.gate, holds, now);
    case "open":
      return step.until === null ? nothing : when(step.until, now, { do: "closeWait", step: step.step.id });
    case "running":
    case "done":
    case "stopped":
    case "skipped":
    case "passedOver":
      return nothing;
    default:
      return step satisfies never;
  }
}

/** Everything before it is settled, or a gate that enough have approved; and its condition is known. */
function mayBegin(run: RunState, step: PlanStep): boolean {
  const before = unsettledBefore(run, step.id);
  if (!before.every((one) => isApproved(run, one))) return false;
  const asked = step.when && run.steps.get(step.when.step);
  return !asked || isSettled(asked);
}

function begin({ step, attempts }: StepState): Intent {
  switch (step.kind) {
    case "action":
      return { do: "start", step: step.id, attempt: attempts + 1 };
    case "gate":
      return { do: "openGate", step: step.id };
    case "manual":
      return { do: "open", step: step.id, seconds: step.atMostSeconds ?? null };
    case "wait":
      return { do: "open", step: step.id, seconds: step.seconds };
    default:
      return step satisfies never;
  }
}

function tryAgain(step: Extract<StepState, { status: "failed" }>, now: Date): Next {
  const at = new Date(step.at.getTime() + backoffMs(step));
  return when(at, now, { do: "start", step: step.step.id, attempt: step.attempts + 1 });
}

function gateMove(run: RunState, gate: GateState, holds: boolean, now: Date): Next {
  if (gate.outcome === "voided") {
    return holds || !mayBegin(run, run.steps.get(gate.step)?.step as PlanStep)
      ? nothing
      : soon([{ do: "openGate", step: gate.step }]);
  }
  if (gate.outcome !== "open") return nothing;
  const due = gateDue(run, gate.step, now);
  if (due.events.length > 0) return soon([{ do: "moveGate", step: gate.step, ask: gate.ask }]);
  return { intents: [], wakeAt: due.nextAt };
}

/** Enough have approved it. Whether they still count is asked when it passes. */
function isApproved(run: RunState, step: StepState): boolean {
  return step.status === "gate" && step.gate.outcome === "open" && isAnswered(run, step.gate);
}

/**
 * Of several steps that wait behind a gate not yet passed, the first goes alone: its start looks at the world once more
 * and lets the gate pass, and the others follow at once.
 */
function oneThroughTheGate(run: RunState, intents: readonly Intent[]): readonly Intent[] {
  let taken = false;
  return intents.filter((intent) => {
    if (intent.do !== "start" && intent.do !== "open") return true;
    const step = run.steps.get(intent.step)?.step;
    if (!step || !usesApprovals(step) || gatesToPass(run, intent.step).length === 0) return true;
    const first = !taken;
    taken = true;
    return first;
  });
}

function when(at: Date, now: Date, intent: Intent): Next {
  return at <= now ? soon([intent]) : { intents: [], wakeAt: at };
}

function earliest(times: readonly (Date | null)[]): Date | null {
  return times.reduce((first, time) => (time !== null && (first === null || time < first) ? time : first), null);
}
