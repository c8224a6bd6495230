import type { GateState, IncidentState, RunState } from "./state.ts";

/** How often one person may ask for the same thing within `WINDOW_SECONDS`; who is asked is worn out by more, not convinced. */
export const ASKED_MAX = 5;
const WINDOW_SECONDS = 3600;

/**
 * Runs of the same runbook this person asked for in this incident within the hour before, dry runs left out: the same
 * question to the same people.
 */
export function askedBefore(
  state: IncidentState,
  { runbook, requester, id }: Pick<RunState, "runbook" | "requester"> & { readonly id: string | null },
  now: Date,
): number {
  const since = now.getTime() - WINDOW_SECONDS * 1000;
  return [...state.runs.values()].filter(
    (run) =>
      run.id !== id &&
      !run.dryRun &&
      run.ending?.as !== "verified" &&
      run.runbook === runbook &&
      run.requester === requester &&
      run.requestedAt.getTime() > since &&
      run.requestedAt <= now,
  ).length;
}

/** Requests of this approval that were answered no, or not at all, within the hour before. */
export function openedBefore({ past }: Pick<GateState, "past">, now: Date): number {
  return past.filter(({ openedAt }) => openedAt.getTime() > now.getTime() - WINDOW_SECONDS * 1000).length;
}

/** How often this has been asked within an hour, this time among them. */
export function timesAsked(state: IncidentState, run: RunState, gate: GateState, now: Date): number {
  const earlier = askedBefore(state, run, run.requestedAt);
  return earlier + openedBefore(gate, now) + 1;
}
