import { recoveryOf } from "./recovery.ts";
import type { IncidentState, RunState, StepState } from "./state.ts";

/**
 * Where the minutes of a recovery went. The parts follow one another without a gap, so they add up to the whole.
 *
 * - `detecting`: users were hurt and nobody had declared.
 * - `deciding`: declared, and no run had been asked for yet.
 * - `people`: a run was there and no machine was working on it: approvals, manual steps, pauses, decisions after a failure.
 * - `machines`: looking, changing, waiting as the plan said, verifying.
 */
export interface Accounting {
  readonly from: Date;
  readonly to: Date;
  readonly totalSeconds: number;
  readonly phases: readonly Phase[];
}
export type PhaseName = "detecting" | "deciding" | "people" | "machines";
export interface Phase {
  readonly name: PhaseName;
  readonly says: string;
  readonly seconds: number;
}

export const PHASE_WORDS: Readonly<Record<PhaseName, string>> = {
  detecting: "Detecting: impact to declaration",
  deciding: "Deciding: declaration to the run being asked for",
  people: "Waiting for people: approvals, manual steps, pauses",
  machines: "Machines: looking, changing, verifying",
};

/** The state remembers the last attempt of a step only; with the spans of all of them this is told apart. */
const INEXACT = "Waiting for people, and attempts that failed";

export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Accounts for the time until this run was seen to work or ended, or up to `now` while it goes on. Null before a declaration.
 * `worked`: when machines worked, exactly; without it, as far as the state tells.
 */
export function account(
  state: IncidentState,
  run: RunState,
  now: Date,
  worked: readonly Span[] | null = null,
): Accounting | null {
  const { startedAt, verifiedAt } = recoveryOf(state, run);
  if (startedAt === null || state.declared === null) return null;
  const start = startedAt.getTime();
  const end = Math.max(start, (verifiedAt ?? run.endedAt ?? now).getTime());
  const declared = within(state.declared.at.getTime(), start, end);
  const requested = within(run.requestedAt.getTime(), declared, end);
  const machines = covered(worked ?? spansOf(run, now), requested, end);
  const inexact = worked === null && [...run.steps.values()].some(({ attempts }) => attempts > 1);
  const seconds: Record<PhaseName, number> = {
    detecting: declared - start,
    deciding: requested - declared,
    people: end - requested - machines,
    machines,
  };
  return {
    from: startedAt,
    to: new Date(end),
    totalSeconds: (end - start) / 1000,
    phases: (Object.keys(PHASE_WORDS) as PhaseName[]).map((name) => ({
      name,
      says: name === "people" && inexact ? INEXACT : PHASE_WORDS[name],
      seconds: seconds[name] / 1000,
    })),
  };
}

/** When machines worked on a run, as far as its state tells: the last attempt of each step, and the preflight. */
export function spansOf(run: RunState, now: Date): readonly Span[] {
  const preflight = {
    from: run.requestedAt.getTime(),
    to: (run.preflight?.at ?? (run.status === "preflight" ? now : run.requestedAt)).getTime(),
  };
  return [preflight, ...[...run.steps.values()].flatMap((step) => stepSpan(step, now))];
}

/** Milliseconds of `from`–`to` that at least one span covers. */
export function covered(spans: readonly Span[], from: number, to: number): number {
  let sum = 0;
  let reached = from;
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const start = within(span.from, reached, to);
    const end = within(span.to, start, to);
    sum += end - start;
    reached = Math.max(reached, end);
  }
  return sum;
}

function stepSpan(step: StepState, now: Date): Span[] {
  const byMachine = step.step.kind === "action" || step.step.kind === "wait";
  if (!byMachine) return [];
  if (step.status === "done") return [{ from: step.startedAt.getTime(), to: step.at.getTime() }];
  if (step.status === "running" || step.status === "open") return [{ from: step.since.getTime(), to: now.getTime() }];
  return [];
}

function within(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
