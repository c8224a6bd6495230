import { recoveryOf } from "../../../src/incident/recovery.ts";
import type { IncidentState, RunState } from "../../../src/incident/state.ts";

/** When the recovery time objective of this run is used up; null where none is set, and for a dry run. */
export function deadlineOf(state: IncidentState, run: RunState): Date | null {
  const { startedAt, objectiveSeconds } = recoveryOf(state, run);
  if (run.dryRun || startedAt === null || objectiveSeconds === null) return null;
  return new Date(startedAt.getTime() + objectiveSeconds * 1000);
}

/** "impact began" or "it was declared": what the clock counts from. */
export function clockOrigin(state: IncidentState): string {
  return state.declared?.impactStartedAt ? "impact began" : "it was declared";
}

export function clockStart(state: IncidentState): Date | null {
  return state.declared?.impactStartedAt ?? state.declared?.at ?? null;
}
