import { allOf, oneOf } from "../../../src/incident/people.ts";
import type { PeopleRefusal, RolesInstead } from "../../../src/incident/refusal/people.ts";
import type { WordsOf } from "../kit/refusal-words.ts";

/** Who may not do something, and who is not there to be given a role. */
export const PEOPLE_REFUSALS: WordsOf<PeopleRefusal> = {
  "account-blocked": ({ why }) => ({
    what: why,
    allowed: "Who can: members of this workspace on the system's roster",
  }),
  "not-on-roster": ({ system }) => ({
    what: `You're not on the roster of ${system}`,
    allowed: "Only people on the roster may do this",
    next: "Ask one of them, or have your Slack account added to the system's people",
  }),
  "not-private": () => ({
    what: "This incident isn't private",
    allowed: "Everyone in this workspace can join its channel",
  }),
  "members-missing": () => ({ what: "Say whom to invite", next: "`/dr invite @sam`" }),
  "members-same": () => ({ what: "They are already members" }),
  "members-full": ({ most }) => ({ what: `At most ${most} people can be invited` }),
  "role-unknown": ({ system, role, instead }) => ({
    what: `${system} has no role ${role}`,
    allowed: rolesInstead(instead),
  }),
  "role-standing": ({ role, perIncident }) => ({
    what: `${role} is a standing role: it can't be taken in an incident`,
    allowed: rolesInstead({ kind: "per-incident", roles: perIncident }),
  }),
  "role-not-theirs": ({ person, role, able }) => ({
    what: `${person} isn't on the roster as ${role}`,
    allowed: able.length === 0 ? "No one on the roster may take it now" : `${oneOf(able)} may take it`,
  }),
  "role-held": ({ person, role }) => ({ what: `${person} is already ${role}` }),
  "role-not-yours": ({ role, held }) => ({
    what: `The roster doesn't give you the role ${role}, so you can't delegate it`,
    allowed: `${rolesInstead({ kind: "held", roles: held })}. A delegated role can't be delegated further`,
  }),
  "person-unknown": ({ person, system, people }) => ({
    what: `${person} isn't on the roster of ${system}`,
    allowed: people.length === 0 ? "The roster is empty" : `Roster: ${people.join(", ")}`,
  }),
  "delegate-requester": ({ person, runs }) => ({
    what: `${person} requested ${allOf(runs.map((run) => `"${run}"`))}, so they can't decide it`,
    allowed: "Delegate to someone with no open request",
  }),
  "delegation-length": () => ({
    what: "A delegation needs an end",
    allowed: "From a minute to a day",
    next: "`/dr delegate <role> to @sam for 2h`",
  }),
  "delegation-unknown": () => ({
    what: "That role isn't delegated to them",
    next: "`/dr role` lists delegations",
  }),
  "delegation-not-yours": ({ able }) => ({
    what: "This role isn't yours, and not delegated to you",
    allowed: `${oneOf(able)} may end it`,
  }),
};

function rolesInstead({ kind, roles }: RolesInstead): string {
  if (kind === "held") return roles.length === 0 ? "You hold no role" : `Your roles: ${roles.join(", ")}`;
  return roles.length === 0 ? "This system has no roles of an incident" : `Roles of an incident: ${roles.join(", ")}`;
}
