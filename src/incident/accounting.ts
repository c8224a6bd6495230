import { recoveryOf } from "./recovery.ts";
import type { IncidentState, RunState } from "./state.ts";
import { workedUntil } from "./work.ts";

/**
 * Where the minutes of a recovery went. The parts have neither gap nor overlap, so they add up to the whole.
 *
 * - `detecting`: from the start of the impact to the declaration.
 * - `deciding`: from the declaration to the request for this run.
 * - `people`: the run waited for people: approvals, manual steps, pauses, decisions after a failure.
 * - `machines`: preflights, changes, planned waits, verification, automatic retries (`work.ts`).
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
  deciding: "Deciding: declaration to the request for this run",
  people: "Waiting for people: approvals, manual steps, pauses",
  machines: "Machines: looking, changing, verifying",
};

/** Accounts for the time until this run was verified or ended, or up to `now` while it goes on. Null before a declaration. */
export function account(state: IncidentState, run: RunState, now: Date): Accounting | null {
  const { startedAt, verifiedAt } = recoveryOf(state, run);
  if (startedAt === null || state.declared === null) return null;
  const start = startedAt.getTime();
  const end = Math.max(start, (verifiedAt ?? run.endedAt ?? now).getTime());
  const declared = within(state.declared.at.getTime(), start, end);
  const requested = within(run.requestedAt.getTime(), declared, end);
  const machines = machineTime(run, requested, end);
  const milliseconds: Record<PhaseName, number> = {
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
      says: PHASE_WORDS[name],
      seconds: milliseconds[name] / 1000,
    })),
  };
}

/** Milliseconds between `from` and `to` in which machines worked. */
function machineTime(run: RunState, from: number, to: number): number {
  return workedUntil(run, new Date(to)).reduce(
    (sum, span) => sum + within(span.to.getTime(), from, to) - within(span.from.getTime(), from, to),
    0,
  );
}

function within(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
