import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { allOf, reachableNames } from "../people.ts";
import type { IncidentState } from "../state.ts";
import { notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

/** A role of an incident goes to somebody the roster gives it to; where the roster gives it to nobody, to anybody on it. */
export function assignRole(
  command: Extract<IncidentCommand, { type: "assignRole" }>,
  state: IncidentState,
  context: DecideContext,
): Outcome {
  const { system } = context;
  const no = (problem: Parameters<typeof refuse>[2]) => refuse(context, "role", problem);
  const problem = notOnRoster(context) ?? notOpen(state);
  if (problem !== null) return no(problem);
  const taken = system.roles.filter((one) => one.perIncident);
  const role = system.roles.find((one) => one.id === command.role);
  const choices = `Roles of an incident: ${allOf(taken.map((one) => one.id))}`;
  if (role === undefined)
    return no({ code: "role-unknown", what: `${system.title} has no role ${command.role}`, allowed: choices });
  if (!role.perIncident)
    return no({
      code: "role-standing",
      what: `${role.title} is a standing role and can't be taken in an incident`,
      allowed: choices,
    });
  const person = system.people.find((one) => one.id === command.person);
  if (person === undefined)
    return no({
      code: "person-unknown",
      what: `${command.person} is not on the roster of ${system.title}`,
      allowed: `On it are ${allOf(system.people.map((one) => one.name))}`,
    });
  const named = system.people.filter((one) => one.roles.includes(role.id));
  if (named.length > 0 && !named.includes(person))
    return no({
      code: "role-not-theirs",
      what: `${person.name} is not on the roster as ${role.title}`,
      allowed: takenBy(reachableNames(named, context.unreachable)),
    });
  if (state.roles.get(role.id) === person.id)
    return no({ code: "role-held", what: `${person.name} is ${role.title} already` });
  const data = { role: role.id, person: person.id, note: line(command.note, LIMITS.reason) };
  return accept(context, [{ type: "incident.roleAssigned", data }]);
}

function takenBy(able: readonly string[]): string {
  return able.length === 0 ? "No one on the roster may take it now" : `It may be taken by ${allOf(able)}`;
}
