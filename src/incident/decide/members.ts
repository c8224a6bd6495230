import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { isPrivate, mayKnowOf, membersNamed } from "../members.ts";
import { personOf } from "../people.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { NO_INCIDENT } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

/** So many in one incident: more people than that keep no secret. */
const MEMBERS_MAX = 100;

/** Any member of a private incident may add others; no one is ever taken out of what they have read. */
export function addMembers(
  command: Extract<IncidentCommand, { type: "addMembers" }>,
  state: IncidentState,
  context: DecideContext,
): Outcome {
  const no = (refusal: Refusal) => refuse(context, "invite", refusal);
  const { actor, system } = context;
  const slackUser = actor.kind === "person" ? actor.slackUser : null;
  const reader = { person: personOf(actor, system)?.id ?? null, slackUser };
  if (state.declared === null || !mayKnowOf(state, system, reader)) return no(NO_INCIDENT);
  if (!isPrivate(state.declared)) return no({ code: "not-private" });
  const named = membersNamed(state);
  const who = [...new Set(command.who)].filter((one) => !named.has(one));
  if (command.who.length === 0) return no({ code: "members-missing" });
  if (who.length === 0) return no({ code: "members-same" });
  if ((state.added?.length ?? 0) + who.length > MEMBERS_MAX) return no({ code: "members-full", most: MEMBERS_MAX });
  return accept(context, [{ type: "member.added", data: { who, reason: line(command.reason, LIMITS.reason) } }]);
}
