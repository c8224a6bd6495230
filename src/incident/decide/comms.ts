import type { Problem } from "../../lib/errors.ts";
import { duesOf } from "../cadence.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import type { PostedUpdate } from "../events.ts";
import { isPrivate } from "../members.ts";
import { momentsNow } from "../moments.ts";
import { allOf, COMMANDER, holdersOf, holds, nameOf, oneOf, personOf, reachableNames } from "../people.ts";
import type { IncidentState } from "../state.ts";
import { notOnRoster } from "./may.ts";
import { accept, refuse } from "./outcome.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Who tells people what is going on, so that nobody who works on it has to. */
export const COMMS_LEAD = "comms-lead";

/** Longer than anybody waits for the next word. */
const SNOOZE_MINUTES_MAX = 60;

/**
 * What is said is decided with the state it is said about: a text that fitted a minute ago and does not now is refused.
 * The words come rendered, and are kept as they will be read.
 */
export function postUpdate({ update }: Of<"postUpdate">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "update", problem);
  const problem = mayNotTell(state, context);
  if (problem !== null) return no(problem);
  const fitting = momentsNow(state, update.audience);
  if (isPrivate(state.declared) && (fitting.length === 0 || leavesChannel(update)))
    return no({
      code: "update-private",
      what: "This incident is private: updates go to its channel only",
      allowed: "Responders may be told, in its channel",
    });
  if (!fitting.includes(update.moment)) {
    const { kind } = state.declared ?? { kind: "real" };
    const drill = kind === "drill" && fitting.length === 0;
    return no({
      code: "update-unfitting",
      what: drill
        ? `This is a drill, so ${AUDIENCE_WORDS[update.audience]} aren't told`
        : `The incident is ${state.status}, so "${update.moment}" would not be true`,
      allowed: fitting.length === 0 ? "Responders and executives may be told" : `Now it may be: ${allOf(fitting)}`,
      ...(update.moment === "resolution" ? { next: "Resolve it with `/dr resolve`" } : {}),
    });
  }
  return accept(context, [{ type: "update.posted", data: update }]);
}

/** Moves the next reminder, never what is owed. */
export function snooze({ due, minutes }: Of<"snooze">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "snooze", problem);
  const problem = mayNotTell(state, context);
  if (problem !== null) return no(problem);
  const owed = duesOf(state, context.system).find(({ id }) => id === due);
  if (owed === undefined) return no({ code: "due-unknown", what: "No update is due here any more" });
  if (!(minutes >= 1 && minutes <= SNOOZE_MINUTES_MAX))
    return no({
      code: "snooze-length",
      what: `A reminder can't be snoozed by ${minutes} minutes`,
      allowed: `1 to ${SNOOZE_MINUTES_MAX} minutes; the update's due time stays`,
    });
  const until = new Date(context.now.getTime() + minutes * 60_000).toISOString();
  return accept(context, [{ type: "comms.snoozed", data: { due, kind: owed.kind, until } }]);
}

function leavesChannel({ channels, email, page, slack }: PostedUpdate): boolean {
  const outside = slack?.places.some((place) => place !== "incident") ?? false;
  return channels.length > 0 || email !== null || page !== null || outside;
}

/** Why this person may not speak for the incident, or null: the comms lead and the commander do. */
export function mayNotTell(state: IncidentState, context: DecideContext): Problem | null {
  const { system } = context;
  if (state.declared === null) return { code: "not-declared", what: "There is no such incident" };
  const person = personOf(context.actor, system);
  if (person === null) return notOnRoster(context);
  if (holds(person, COMMS_LEAD, state) || holds(person, COMMANDER, state)) return null;
  const able = [COMMS_LEAD, COMMANDER].flatMap((role) => {
    const taken = state.roles.get(role);
    return [...(taken ? [nameOf(taken, system)] : []), ...reachableNames(holdersOf(role, system), context.unreachable)];
  });
  return {
    code: "not-telling",
    what: "Updates are sent by the comms lead or the incident commander",
    allowed: `${oneOf([...new Set(able)])} may do it`,
    next: "Ask them, or take the role if it is yours: `/dr role take comms-lead`",
  };
}

const AUDIENCE_WORDS = {
  responders: "responders",
  executives: "executives",
  customers: "customers",
  "status-page": "readers of the status page",
} as const;
