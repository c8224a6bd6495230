import { LIMITS, line } from "./decide/words.ts";
import type { Again } from "./events.ts";
import type { Refusal } from "./refusal.ts";
import type { IncidentState, RunState } from "./state.ts";

/**
 * Anti-flap: what was moved from one site to another is moved again only with a reason, as long as the first move is fresh. Two moves are of
 * the same where their plans share a resource; a drill in an environment of its own shares none with production.
 */

/** A verified move. It names no person and no incident: the one who asks for the same may not know of that incident. */
export interface RecentMove {
  readonly run: string;
  /** What was moved, and between which sites. */
  readonly title: string;
  readonly from: string;
  readonly to: string;
  readonly at: Date;
  readonly resources: readonly string[];
  /** When its probation window ends. */
  readonly until: Date;
}

export interface MoveUnderWay {
  readonly incident: string;
  readonly run: string;
  readonly resources: readonly string[];
}

/** From the last move on a reason is needed for so long, whatever its window says. */
export const AGAIN_SECONDS = 3600;

/** Moves of this incident that ended verified, oldest first. */
export function verifiedMoves({ runs }: Pick<IncidentState, "runs">): readonly RecentMove[] {
  return [...runs.values()].flatMap((run) => moveOf(run) ?? []);
}

export function moveOf({ id, plan, moves, ending, endedAt, dryRun }: RunState): RecentMove | null {
  if (moves === undefined || ending?.as !== "verified" || endedAt === null || dryRun) return null;
  const { from, to } = plan.direction ?? {};
  return {
    ...{ run: id, title: moves.title, from: from?.title ?? "", to: to?.title ?? "", at: endedAt },
    ...{ resources: plan.resources, until: later(endedAt, moves.probationSeconds) },
  };
}

/** Moves of this incident that have not ended. */
export function movesUnderWay({ id, runs }: Pick<IncidentState, "id" | "runs">): readonly MoveUnderWay[] {
  return [...runs.values()].flatMap(({ id: run, moves, ending, dryRun, plan: { resources } }) =>
    moves !== undefined && ending === null && !dryRun ? [{ incident: id, run, resources }] : [],
  );
}

/** The last move of the same that is still fresh; null: there is none. */
export function movedBefore(
  plan: { readonly resources: readonly string[] },
  known: readonly RecentMove[],
  now: Date,
): RecentMove | null {
  const fresh = known.filter(
    (move) => freshUntil(move) > now && move.resources.some((one) => plan.resources.includes(one)),
  );
  return fresh.toSorted((a, b) => b.at.getTime() - a.at.getTime())[0] ?? null;
}

/** Until then a move of the same needs a reason. */
export function freshUntil({ at, until }: RecentMove): Date {
  const hour = later(at, AGAIN_SECONDS);
  return until > hour ? until : hour;
}

export function movedRecently(last: RecentMove, run: string, now: Date): Refusal {
  const { title, from, to, at } = last;
  const minutes = Math.max(0, Math.floor((now.getTime() - at.getTime()) / 60_000));
  return { code: "moved-recently", run, moved: { title, from, to, at }, minutes, until: freshUntil(last) };
}

export function againAfter(last: RecentMove, reason: string | null | undefined): Again | null {
  const says = line(reason ?? null, LIMITS.reason);
  return says === null ? null : { reason: says, movedAt: last.at.toISOString() };
}

function later(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000);
}
