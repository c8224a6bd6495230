import { parseActionValue } from "../../../templates/messages/kit/action-value.ts";
import { noRun, severalRuns, unknownRun } from "../../../templates/messages/run/command-refusals.ts";
import type { IncidentState, RunState, StepState } from "../../incident/state.ts";
import { isLive } from "../../incident/status.ts";
import type { Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { stop } from "../reply/say.ts";
import { theIncident } from "./incident.ts";

export interface Found {
  readonly state: IncidentState;
  readonly run: RunState;
  /** What the button was about in the run: an approval request or a step. */
  readonly pressed: string | null;
  /** The page of a list of steps the button was on. */
  readonly page: string | null;
  /** Words that are left when the run was named among them. */
  readonly words: readonly string[];
}

/**
 * The run a request is about: the one its button carries, the one its first word names, else the only live one of the
 * incident. What a button carries is looked up in our own store; a key that is not there is refused.
 */
export async function findRun(context: CommandContext, request: Request): Promise<Found> {
  const { actionValue } = request;
  const value = parseActionValue(actionValue);
  const [pressed = null, page = null] = value.about;
  if (actionValue && value.incident === null)
    return { ...(await withRun(context, value.run ?? actionValue)), pressed, page, words: request.words };
  const [first, ...rest] = request.words;
  if (first?.startsWith("run-")) return { ...(await withRun(context, first)), pressed: null, page: null, words: rest };
  const state = await theIncident(context, request);
  const live = [...state.runs.values()].filter(isLive);
  const [only] = live;
  if (only !== undefined && live.length === 1)
    return { state, run: only, pressed: null, page: null, words: request.words };
  return stop(
    live.length === 0 ? noRun("in progress") : severalRuns(live.map(({ id, plan }) => ({ id, title: plan.title }))),
  );
}

/** The step a button carries, or the one a word names: by id or by the start of its title. */
export function stepIn(run: RunState, word: string | null, otherwise: (step: StepState) => boolean): string | null {
  const steps = [...run.steps.values()];
  if (word !== null) {
    const asked = word.toLowerCase();
    const found = steps.find(({ step }) => step.id.toLowerCase() === asked);
    return found?.step.id ?? null;
  }
  const fitting = steps.filter(otherwise);
  return fitting.length === 1 ? (fitting[0]?.step.id ?? null) : null;
}

async function withRun(context: CommandContext, id: string): Promise<Pick<Found, "state" | "run">> {
  const state = await context.incidents.withRun(id);
  const run = state?.runs.get(id);
  if (!state || !run) return stop(unknownRun(id));
  return { state, run };
}
