import type { Problem } from "../../lib/errors.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { isPrivate, mayKnowOf, membersNamed } from "../members.ts";
import { personOf } from "../people.ts";
import type { IncidentState } from "../state.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

/** So many in one incident: more people than that keep no secret. */
const MEMBERS_MAX = 100;

/** Any member of a private incident may add others; nobody is ever taken out of what they have read. */
export function addMembers(
  command: Extract<IncidentCommand, { type: "addMembers" }>,
  state: IncidentState,
  context: DecideContext,
): Outcome {
  const no = (problem: Problem) => refuse(context, "invite", problem);
  const { actor, system } = context;
  const slackUser = actor.kind === "person" ? actor.slackUser : null;
  const reader = { person: personOf(actor, system)?.id ?? null, slackUser };
  if (state.declared === null || !mayKnowOf(state, system, reader))
    return no({ code: "not-declared", what: "There is no such incident" });
  if (!isPrivate(state.declared))
    return no({
      code: "not-private",
      what: "This incident isn't private",
      allowed: "Everyone in this workspace can join its channel",
    });
  const named = membersNamed(state);
  const who = [...new Set(command.who)].filter((one) => !named.has(one));
  if (command.who.length === 0)
    return no({ code: "members-missing", what: "Say whom to invite", next: "`/dr invite @sam`" });
  if (who.length === 0) return no({ code: "members-same", what: "They are members already" });
  if ((state.added?.length ?? 0) + who.length > MEMBERS_MAX)
    return no({ code: "members-full", what: `At most ${MEMBERS_MAX} people can be invited` });
  return accept(context, [{ type: "member.added", data: { who, reason: line(command.reason, LIMITS.reason) } }]);
}
