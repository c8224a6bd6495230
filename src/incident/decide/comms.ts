import { duesOf } from "../cadence.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import type { PostedUpdate } from "../events.ts";
import { isPrivate } from "../members.ts";
import { momentsNow } from "../moments.ts";
import { COMMANDER, holdersOf, holds, nameOf, personOf, reachableNames } from "../people.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { NO_INCIDENT, strangerTo } from "./may.ts";
import { accept, refuse } from "./outcome.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Who tells people what is going on, so that no one who works on it has to. */
export const COMMS_LEAD = "comms-lead";

/** Longer than anyone waits for the next word. */
const SNOOZE_MINUTES_MAX = 60;

/**
 * What is said is decided with the state it is said about: a text that fitted a minute ago and does not now is refused.
 * The words come rendered, and are kept as they will be read.
 */
export function postUpdate({ update }: Of<"postUpdate">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "update", refusal);
  const refusal = mayNotTell(state, context);
  if (refusal !== null) return no(refusal);
  const fitting = momentsNow(state, update.audience);
  if (isPrivate(state.declared) && (fitting.length === 0 || leavesChannel(update)))
    return no({ code: "update-private" });
  if (!fitting.includes(update.moment)) {
    const { audience, moment } = update;
    const drill = state.declared?.kind === "drill" && fitting.length === 0;
    return no({ code: "update-unfitting", audience, moment, status: state.status, drill, fitting });
  }
  return accept(context, [{ type: "update.posted", data: update }]);
}

/** Moves the next reminder, never what is owed. */
export function snooze({ due, minutes }: Of<"snooze">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "snooze", refusal);
  const refusal = mayNotTell(state, context);
  if (refusal !== null) return no(refusal);
  const dueUpdate = duesOf(state, context.system).find(({ id }) => id === due);
  if (dueUpdate === undefined) return no({ code: "due-unknown" });
  if (!(minutes >= 1 && minutes <= SNOOZE_MINUTES_MAX))
    return no({ code: "snooze-length", minutes, most: SNOOZE_MINUTES_MAX });
  const until = new Date(context.now.getTime() + minutes * 60_000).toISOString();
  return accept(context, [{ type: "comms.snoozed", data: { due, kind: dueUpdate.kind, until } }]);
}

function leavesChannel({ channels, email, page, slack }: PostedUpdate): boolean {
  const outside = slack?.places.some((place) => place !== "incident") ?? false;
  return channels.length > 0 || email !== null || page !== null || outside;
}

/** Why this person may not speak for the incident, or null: the comms lead and the commander do. */
export function mayNotTell(state: IncidentState, context: DecideContext): Refusal | null {
  const { system } = context;
  if (state.declared === null) return NO_INCIDENT;
  const person = personOf(context.actor, system);
  if (person === null) return strangerTo(context);
  if (holds(person, COMMS_LEAD, state) || holds(person, COMMANDER, state)) return null;
  const able = [COMMS_LEAD, COMMANDER].flatMap((role) => {
    const taken = state.roles.get(role);
    return [...(taken ? [nameOf(taken, system)] : []), ...reachableNames(holdersOf(role, system), context.unreachable)];
  });
  return { code: "not-telling", able: [...new Set(able)] };
}
