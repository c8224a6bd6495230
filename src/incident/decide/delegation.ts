import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { delegationsNow, isRequester } from "../delegation.ts";
import { allOf, COMMANDER, holds, oneOf, personById, personOf } from "../people.ts";
import type { IncidentState } from "../state.ts";
import { isLive } from "../status.ts";
import { notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

const SHORTEST = 60;
const LONGEST = 24 * 3600;

/** Only what the roster gives somebody can be delegated, and it can't be delegated on; and never to who asked for a live run. */
export function delegate(command: Of<"delegate">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Parameters<typeof refuse>[2]) => refuse(context, "delegate", problem);
  const { system, now } = context;
  const problem = notOnRoster(context) ?? notOpen(state);
  const from = personOf(context.actor, system);
  if (problem !== null || from === null) return no(problem ?? NOBODY);
  const role = system.roles.find(({ id }) => id === command.role);
  const own = `You hold ${from.roles.length === 0 ? "no role" : allOf(from.roles)}`;
  if (role === undefined)
    return no({ code: "role-unknown", what: `${system.title} has no role ${command.role}`, allowed: own });
  if (!from.roles.includes(role.id))
    return no({
      code: "role-not-yours",
      what: `The roster doesn't give you the role ${role.title}, so you can't delegate it`,
      allowed: `${own}; a delegated role can't be delegated further`,
    });
  const to = personById(command.to, system);
  if (to === null)
    return no({
      code: "person-unknown",
      what: `${command.to} is not on the roster of ${system.title}`,
      allowed: `On it are ${allOf(system.people.map(({ name }) => name))}`,
    });
  if (to.id === from.id || to.roles.includes(role.id))
    return no({ code: "role-held", what: `${to.name} is ${role.title} already` });
  const asked = [...state.runs.values()].filter((run) => isLive(run) && isRequester(to, run));
  if (asked.length > 0)
    return no({
      code: "delegate-requester",
      what: `${to.name} asked for ${allOf(asked.map((run) => `"${run.title}"`))}, which is in progress, so they may not decide it`,
      allowed: "Delegate it to someone with no open request",
    });
  if (!(command.seconds >= SHORTEST && command.seconds <= LONGEST))
    return no({
      code: "delegation-length",
      what: "A delegation needs an end",
      allowed: "From a minute to a day",
      next: "`/dr delegate <role> to @sam for 2h`",
    });
  const until = new Date(now.getTime() + command.seconds * 1000).toISOString();
  const data = { role: role.id, from: from.id, to: to.id, until, reason: line(command.reason, LIMITS.reason) };
  return accept(context, [{ type: "incident.roleDelegated", data }]);
}

/** By the lender, the borrower or the incident commander. */
export function endDelegation(command: Of<"endDelegation">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Parameters<typeof refuse>[2]) => refuse(context, "delegate", problem);
  const person = personOf(context.actor, context.system);
  if (person === null) return no(notOnRoster(context) ?? NOBODY);
  const lent = delegationsNow(state, context.now).filter(({ role, to }) => role === command.role && to === command.to);
  if (lent.length === 0)
    return no({
      code: "delegation-unknown",
      what: "That role isn't delegated to them",
      next: "`/dr role` lists delegations",
    });
  const mine = holds(person, COMMANDER, state)
    ? lent
    : lent.filter(({ from, to }) => from === person.id || to === person.id);
  if (mine.length === 0)
    return no({
      code: "delegation-not-yours",
      what: "It's neither your role nor delegated to you",
      allowed: `${oneOf(lent.map(({ from }) => personById(from, context.system)?.name ?? from))} may end it`,
    });
  return {
    kind: "accepted",
    events: accept(
      context,
      mine.map(({ role, from, to }) => ({ type: "incident.delegationEnded" as const, data: { role, from, to } })),
    ).events.map((event, n) => ({ ...event, key: `${event.key}/${n}` })),
  };
}

const NOBODY = { code: "not-on-roster", what: "You are not on the roster" };
