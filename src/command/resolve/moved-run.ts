import { parseActionValue } from "../../../templates/messages/kit/action-value.ts";
import { nothingMoved, severalMoves } from "../../../templates/messages/run/command-refusals.ts";
import type { RecentMove } from "../../incident/moves.ts";
import { isReplaced, windowEnd } from "../../incident/probation.ts";
import type { IncidentState, RunState } from "../../incident/state.ts";
import type { Problem } from "../../lib/errors.ts";
import type { Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { stop } from "../reply/say.ts";
import { incidentHere, incidentNamed } from "./incident.ts";
import { findRun } from "./run.ts";
import { mayKnow } from "./system.ts";

export interface MovedRun {
  readonly state: IncidentState;
  readonly run: RunState;
  readonly words: readonly string[];
}

type Fits = (run: RunState, state: IncidentState) => boolean;

/** So many incidents are looked through for the last move. */
const INCIDENTS_MAX = 50;

/**
 * The move a request is about: of the run that is pressed or named, else the newest that fits of the incident that is named, else of the
 * channel's own, else of the only incident that has one. A drill's is meant only in its channel or by its name. A move's maintenance is over
 * with it, so closed incidents are looked through, too.
 */
export async function movedRun(
  context: CommandContext,
  request: Request,
  fits: Fits = (run) => windowEnd(run) !== null && !run.committed,
  none: Problem = nothingMoved(),
): Promise<MovedRun> {
  const [word = ""] = request.words;
  if (word.startsWith("run-") || parseActionValue(request.actionValue).run !== null) return findRun(context, request);
  const { words } = request;
  const named = request.options.incident;
  if (typeof named === "string") {
    const state = await incidentNamed(context, named);
    const run = await lastIn(context, state, fits);
    return run === null ? stop(none) : { state, run, words };
  }
  const here = (await incidentHere(context, request))?.state;
  const own = here && (await lastIn(context, here, fits));
  if (here && own) return { state: here, run: own, words };
  if (here?.declared?.kind === "drill") return stop(none);
  const [only, ...more] = await movedElsewhere(context, request, fits);
  if (only === undefined) return stop(none);
  return more.length === 0 ? { ...only, words } : stop(severalMoves([only, ...more].map(({ run }) => run)));
}

/** What a later move replaced is not meant by anyone who names no run. */
async function lastIn(context: CommandContext, state: IncidentState, fits: Fits): Promise<RunState | null> {
  for (const run of [...state.runs.values()].reverse())
    if (fits(run, state) && !isReplaced(run, await movesSince(context, run))) return run;
  return null;
}

/** Verified moves of its system since it ended, of every incident. */
export async function movesSince(
  { incidents, timeline }: CommandContext,
  { endedAt, plan }: Pick<RunState, "endedAt" | "plan">,
): Promise<readonly RecentMove[]> {
  if (endedAt === null) return [];
  const seconds = (timeline.now().getTime() - endedAt.getTime()) / 1000;
  return (await incidents.recentMoves(plan.system, seconds)).verified;
}

/** The newest of each incident that is no drill. */
async function movedElsewhere(
  context: CommandContext,
  { caller }: Request,
  fits: Fits,
): Promise<readonly Pick<MovedRun, "state" | "run">[]> {
  const found: Pick<MovedRun, "state" | "run">[] = [];
  let left = INCIDENTS_MAX;
  for await (const state of context.incidents.all()) {
    if (left-- === 0) break;
    if (state.declared?.kind === "drill" || !mayKnow(context, state, caller.person)) continue;
    const run = await lastIn(context, state, fits);
    if (run !== null) found.push({ state, run });
  }
  return found;
}

/**
 * Where what follows a move is requested: where the move was made, in its record while that is open. A drill goes on as a drill, by its own
 * values. What moved production goes on for real, and never in the record of a drill, not even from its channel.
 */
export async function following(
  context: CommandContext,
  request: Request,
  { state }: Pick<MovedRun, "state">,
  asDrill: boolean,
): Promise<{ readonly options: Request["options"]; readonly place: Request["place"] }> {
  const ofDrill = state.declared?.kind === "drill";
  const incident = state.status === "closed" || ofDrill !== asDrill ? {} : { incident: state.id };
  const options = { ...incident, ...(asDrill && { drill: true as const }) };
  const here = asDrill ? null : await incidentHere(context, request);
  const place = here?.state.declared?.kind === "drill" ? { channel: null, thread: null } : request.place;
  return { options, place };
}

/** It was held beside production; an exercise is a drill that moves production itself. */
export function isDrilled({ plan }: Pick<RunState, "plan">): boolean {
  return plan.kind === "drill" && plan.drill?.on !== "exercise";
}
