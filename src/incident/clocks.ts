import type { NewEvent } from "./events.ts";
import { isSettled } from "./settled.ts";
import type { ClockState, RunState, StepState } from "./state.ts";

/**
 * How long the timed stages of a run take. A clock begins with the first of their steps and stops when all are settled, or with
 * the run; neither a pause nor a failure stops it. Nothing is held back by it.
 */
export function dueAt({ clock, startedAt }: ClockState): Date {
  return new Date(startedAt.getTime() + clock.withinSeconds * 1000);
}

/** Seconds it has taken, up to `now` while it goes on. */
export function tookSeconds({ startedAt, endedAt }: ClockState, now: Date): number {
  return ((endedAt ?? now).getTime() - startedAt.getTime()) / 1000;
}

/** It takes, or took, longer than it was given, whether or not that is recorded yet. */
export function isLate(one: ClockState, now: Date): boolean {
  return one.lateAt !== null || tookSeconds(one, now) > one.clock.withinSeconds;
}

/** What has to be recorded now, once each by its key, and when to look again. */
export function clocksDue(
  run: RunState,
  now: Date,
): { readonly events: readonly NewEvent[]; readonly nextAt: Date | null } {
  const open = [...(run.clocks?.values() ?? [])].filter(({ endedAt, lateAt }) => endedAt === null && lateAt === null);
  const due = open.filter((one) => dueAt(one) <= now);
  const later = open.filter((one) => !due.includes(one)).map((one) => dueAt(one).getTime());
  return {
    events: due.map((one): NewEvent => late(run, one)),
    nextAt: later.length === 0 ? null : new Date(Math.min(...later)),
  };
}

function late(run: RunState, one: ClockState): NewEvent {
  const { id, withinSeconds } = one.clock;
  return {
    type: "stage.late",
    data: { stage: id, withinSeconds, dueAt: dueAt(one).toISOString() },
    key: `${run.id}/late/${id}`,
    run: run.id,
    actor: { kind: "bot" },
  };
}

/** The clocks after something happened at `at`. */
export function moveClocks(run: RunState, at: Date): RunState {
  const { clocks: timed } = run.plan;
  if (timed === undefined) return run;
  const moved = timed.flatMap((clock): readonly ClockState[] => {
    const steps = [...run.steps.values()].filter(({ stage }) => clock.stages.includes(stage));
    const known = run.clocks?.get(clock.id);
    const begun = steps.some(({ status }) => !NOT_BEGUN.includes(status));
    if (known === undefined && (!begun || run.ending !== null)) return [];
    const { startedAt, endedAt, lateAt } = known ?? { startedAt: at, endedAt: null, lateAt: null };
    const over = run.ending !== null || steps.every(isSettled);
    return [{ clock, startedAt, endedAt: endedAt ?? (over ? at : null), lateAt }];
  });
  return moved.length === 0 ? run : { ...run, clocks: new Map(moved.map((one) => [one.clock.id, one])) };
}

/** A step may be skipped long before its turn. */
const NOT_BEGUN: readonly StepState["status"][] = ["waiting", "passedOver", "skipped"];

export function ranLate(run: RunState, stage: string, at: Date): RunState {
  const one = run.clocks?.get(stage);
  if (one === undefined) return run;
  return { ...run, clocks: new Map(run.clocks).set(stage, { ...one, lateAt: one.lateAt ?? at }) };
}
