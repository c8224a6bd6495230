import type { IncidentCommand } from "./commands.ts";
import type { Event } from "./events.ts";
import { moveOf, type RecentMove, verifiedMoves } from "./moves.ts";
import type { IncidentState, RunState } from "./state.ts";

/**
 * After a move the new side is watched for a while; then people commit to it or fail back. Nothing here goes back by itself. What was seen is
 * recorded when it changes, so that any number of processes that look write it once.
 */

/** One look at the new side. `standby`: null where no one could tell. */
export interface Look {
  /** null: not sure yet. */
  readonly healthy: boolean | null;
  readonly says: readonly string[];
  readonly standby: { readonly streams: boolean; readonly says: string } | null;
  /** Checks so far, and those of them that failed. */
  readonly asked: number;
  readonly failed: number;
}

/** When the window of a verified move ends; null: there is none. */
export function windowEnd(run: RunState): Date | null {
  const { moves, ending, endedAt, dryRun } = run;
  if (!moves || moves.probationSeconds === 0 || ending?.as !== "verified" || endedAt === null || dryRun) return null;
  return new Date(endedAt.getTime() + moves.probationSeconds * 1000);
}

/** It is watched, or its end has not been recorded yet. */
export function isOnProbation(run: RunState): boolean {
  return windowEnd(run) !== null && run.committed === undefined && (run.probation?.endedAt ?? null) === null;
}

/** What this look changes, as events; none where it is known. The end of the window is recorded with the first look after it. */
export function seenAt(run: RunState, look: Look, now: Date): readonly Event[] {
  const { standby, ...is } = look;
  const { healthy, says, asked, failed } = is;
  const until = windowEnd(run);
  const events: Event[] = [];
  if (standby !== null && run.standby?.streams !== standby.streams)
    events.push({ type: standby.streams ? "standby.streams" : "standby.missing", data: { says: standby.says } });
  if (until === null || !isOnProbation(run) || healthy === null) return events;
  const data = { healthy, says, asked, failed };
  if (now >= until) events.push({ type: "probation.ended", data: { ...data, moved: false } });
  else if (run.probation?.healthy !== healthy) events.push({ type: "probation.changed", data });
  return events;
}

/** The same was moved again: there is nothing to watch or to decide any more, also where its window is over. */
export function movedOn(run: RunState): readonly Event[] {
  if (windowEnd(run) === null || run.probation?.moved) return [];
  const { healthy = true, says = [], asked = 0, failed = 0 } = run.probation ?? {};
  return [{ type: "probation.ended", data: { healthy, says, asked, failed, moved: true } }];
}

/** A later move of the same took its place, also after its window. `known`: verified moves, of whichever incident. */
export function isReplaced(run: RunState, known: readonly RecentMove[]): boolean {
  if (run.probation?.moved) return true;
  const own = moveOf(run);
  if (own === null) return false;
  const isLater = (one: RecentMove) => one.run !== own.run && one.at > own.at;
  return known.some((one) => isLater(one) && one.resources.some((resource) => own.resources.includes(resource)));
}

/** A fail back that the window offers: of the same, the other way, while the new side is not healthy. */
export function isOffered(
  state: IncidentState,
  {
    failsBack,
    plan,
    moved = [],
  }: Pick<Extract<IncidentCommand, { type: "requestRun" }>, "failsBack" | "plan" | "moved">,
): boolean {
  const run = failsBack ? state.runs.get(failsBack) : undefined;
  const there = run?.plan.direction;
  const back = plan.direction;
  if (run === undefined || windowEnd(run) === null || !there || !back) return false;
  const opposite = there.from.id === back.to.id && there.to.id === back.from.id && run.runbook === plan.runbook;
  const unhealthy = run.committed === undefined && run.probation?.healthy === false;
  return opposite && unhealthy && !isReplaced(run, [...moved, ...verifiedMoves(state)]);
}

/** Runs whose window is open at that moment. */
export function watchedNow({ runs }: Pick<IncidentState, "runs">): readonly RunState[] {
  return [...runs.values()].filter(isOnProbation);
}
