import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { reachableNames } from "../people.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { unknownPerson } from "./delegation.ts";
import { notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

/** A role of an incident goes to someone the roster gives it to; where the roster gives it to no one, to anyone on it. */
export function assignRole(
  command: Extract<IncidentCommand, { type: "assignRole" }>,
  state: IncidentState,
  context: DecideContext,
): Outcome {
  const { system } = context;
  const no = (refusal: Refusal) => refuse(context, "role", refusal);
  const refusal = notOnRoster(context) ?? notOpen(state);
  if (refusal !== null) return no(refusal);
  const perIncident = system.roles.filter((one) => one.perIncident).map(({ id }) => id);
  const role = system.roles.find((one) => one.id === command.role);
  if (role === undefined) {
    const instead = { kind: "per-incident", roles: perIncident } as const;
    return no({ code: "role-unknown", system: system.title, role: command.role, instead });
  }
  if (!role.perIncident) return no({ code: "role-standing", role: role.title, perIncident });
  const person = system.people.find((one) => one.id === command.person);
  if (person === undefined) return no(unknownPerson(command.person, context));
  const named = system.people.filter((one) => one.roles.includes(role.id));
  const able = reachableNames(named, context.unreachable);
  if (named.length > 0 && !named.includes(person))
    return no({ code: "role-not-theirs", person: person.name, role: role.title, able });
  if (state.roles.get(role.id) === person.id) return no({ code: "role-held", person: person.name, role: role.title });
  const data = { role: role.id, person: person.id, note: line(command.note, LIMITS.reason) };
  return accept(context, [{ type: "incident.roleAssigned", data }]);
}
