import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { delegationsNow, isRequester } from "../delegation.ts";
import { COMMANDER, holds, nameOf, personById, personOf } from "../people.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { isLive } from "../status.ts";
import { notOnRoster, notOpen, strangerTo } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

const SHORTEST = 60;
const LONGEST = 24 * 3600;

/** Only what the roster gives someone can be delegated, and it can't be delegated on; and never to who asked for a live run. */
export function delegate(command: Of<"delegate">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "delegate", refusal);
  const { system, now } = context;
  const refusal = notOnRoster(context) ?? notOpen(state);
  const from = personOf(context.actor, system);
  if (refusal !== null || from === null) return no(refusal ?? strangerTo(context));
  const role = system.roles.find(({ id }) => id === command.role);
  if (role === undefined) {
    const instead = { kind: "held", roles: from.roles } as const;
    return no({ code: "role-unknown", system: system.title, role: command.role, instead });
  }
  if (!from.roles.includes(role.id)) return no({ code: "role-not-yours", role: role.title, held: from.roles });
  const to = personById(command.to, system);
  if (to === null) return no(unknownPerson(command.to, context));
  if (to.id === from.id || to.roles.includes(role.id))
    return no({ code: "role-held", person: to.name, role: role.title });
  const asked = [...state.runs.values()].filter((run) => isLive(run) && isRequester(to, run));
  if (asked.length > 0) return no({ code: "delegate-requester", person: to.name, runs: asked.map((run) => run.title) });
  if (!(command.seconds >= SHORTEST && command.seconds <= LONGEST)) return no({ code: "delegation-length" });
  const until = new Date(now.getTime() + command.seconds * 1000).toISOString();
  const reason = line(command.reason, LIMITS.reason);
  const proved = context.provedAfresh === true && context.vouchedBy == null;
  const data = { role: role.id, from: from.id, to: to.id, until, reason, ...(proved && { proved }) };
  return accept(context, [{ type: "incident.roleDelegated", data }]);
}

/** By the lender, the borrower or the incident commander. */
export function endDelegation(command: Of<"endDelegation">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "delegate", refusal);
  const person = personOf(context.actor, context.system);
  if (person === null) return no(strangerTo(context));
  const delegated = delegationsNow(state, context.now).filter(
    ({ role, to }) => role === command.role && to === command.to,
  );
  if (delegated.length === 0) return no({ code: "delegation-unknown" });
  const mine = holds(person, COMMANDER, state)
    ? delegated
    : delegated.filter(({ from, to }) => from === person.id || to === person.id);
  if (mine.length === 0)
    return no({ code: "delegation-not-yours", able: delegated.map(({ from }) => nameOf(from, context.system)) });
  return {
    kind: "accepted",
    events: accept(
      context,
      mine.map(({ role, from, to }) => ({ type: "incident.delegationEnded" as const, data: { role, from, to } })),
    ).events.map((event, n) => ({ ...event, key: `${event.key}/${n}` })),
  };
}

/** A person this roster doesn't have, as typed or by id. */
export function unknownPerson(person: string, { system }: Pick<DecideContext, "system">): Refusal {
  return { code: "person-unknown", person, system: system.title, people: system.people.map(({ name }) => name) };
}
