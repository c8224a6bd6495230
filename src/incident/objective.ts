import type { IncidentState, RunState } from "./state.ts";

/**
 * The clock of the recovery time objective. It starts when users began to hurt, where somebody said so, else at the
 * declaration; it stops when a run of the incident is seen to have worked.
 */
export interface Clock {
  readonly startedAt: Date;
  readonly from: "impact" | "declaration";
}

export function clockOf(state: IncidentState): Clock | null {
  if (state.declared === null) return null;
  const { impactStartedAt, at } = state.declared;
  return impactStartedAt ? { startedAt: impactStartedAt, from: "impact" } : { startedAt: at, from: "declaration" };
}

/** When the objective of this run is used up; null when nobody set one. */
export function deadlineOf(state: IncidentState, run: RunState): Date | null {
  const clock = clockOf(state);
  if (clock === null || run.plan.rtoSeconds === null) return null;
  return new Date(clock.startedAt.getTime() + run.plan.rtoSeconds * 1000);
}

/** Seconds from the start of the clock to verified service; null until then, and for a dry run. */
export function measuredRtoSeconds(state: IncidentState, run: RunState): number | null {
  const clock = clockOf(state);
  if (clock === null || run.dryRun || run.status !== "verified" || run.endedAt === null) return null;
  return (run.endedAt.getTime() - clock.startedAt.getTime()) / 1000;
}

export interface MeasuredRpo {
  readonly seconds: number | null;
  readonly rows: number | null;
  readonly method: string;
  readonly step: string;
}

/** Losses as the steps measured them, in plan order. */
export function measuredRpos(run: RunState): readonly MeasuredRpo[] {
  return [...run.steps.values()].flatMap((state) =>
    state.status === "done" && state.rpo !== null ? [{ ...state.rpo, step: state.step.title }] : [],
  );
}
