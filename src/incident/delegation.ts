import type { Person, System } from "../catalog/types.ts";
import type { Delegation, IncidentState, RunState } from "./state.ts";

/**
 * Authority delegated for a while. Only a role the delegating person holds on today's roster is worth anything, so what was delegated can't
 * be delegated on; and what the requester of a run delegates counts for nothing in that run, because their own authority does not.
 */
export type Delegations = readonly Delegation[];

/** What is delegated now. Over from its first moment on: at `until` itself nothing is delegated. */
export function delegationsNow(state: IncidentState, now: Date): Delegations {
  return state.delegations.filter(({ since, until }) => since <= now && now < until);
}

/** What this person may decide for others in this run. */
export function delegatedTo(person: Person, run: RunState, system: System, delegated: Delegations): Delegations {
  return delegated.filter(({ role, from, to }) => {
    const lender = system.people.find(({ id }) => id === from);
    return to === person.id && lender !== undefined && lender.roles.includes(role) && !isRequester(lender, run);
  });
}

/** One of these roles is delegated to them by that person now. */
export function standsFor(
  person: Person,
  lender: string,
  roles: readonly string[],
  run: RunState,
  system: System,
  delegated: Delegations,
): boolean {
  return delegatedTo(person, run, system, delegated).some(({ role, from }) => from === lender && roles.includes(role));
}

/** The requester of the run, by any of their names and accounts. */
export function isRequester(person: Person, run: RunState): boolean {
  return person.id === run.requester || person.slack.includes(run.requester);
}
