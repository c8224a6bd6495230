import { windowEnd } from "../src/incident/probation.ts";
import type { IncidentState, RunState } from "../src/incident/state.ts";
import type { Problem } from "../src/lib/errors.ts";
import { parseActionValue } from "../templates/messages/kit/action-value.ts";
import { nothingMoved } from "../templates/messages/run/command-refusals.ts";
import type { Request } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { findRun } from "./runs.ts";
import { stop } from "./say.ts";

export interface MovedRun {
  readonly state: IncidentState;
  readonly run: RunState;
  readonly words: readonly string[];
}

/** So many incidents are looked through for the last move. */
const INCIDENTS_MAX = 50;

/**
 * The move a request is about: of the run that is pressed or named, else the newest that fits. A move's maintenance is over with it, so closed
 * incidents are looked through, too.
 */
export async function movedRun(
  context: CommandContext,
  request: Request,
  fits: (run: RunState, state: IncidentState) => boolean = (run) => windowEnd(run) !== null && !run.committed,
  none: Problem = nothingMoved(),
): Promise<MovedRun> {
  const [word = ""] = request.words;
  if (word.startsWith("run-") || parseActionValue(request.actionValue).run !== null) return findRun(context, request);
  const here = request.options.incident;
  let left = INCIDENTS_MAX;
  for await (const state of context.incidents.all()) {
    if (left-- === 0) break;
    if (typeof here === "string" && state.id !== here.toLowerCase()) continue;
    const run = [...state.runs.values()].reverse().find((one) => fits(one, state));
    if (run !== undefined) return { state, run, words: request.words };
  }
  return stop(none);
}
