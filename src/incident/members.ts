import type { System } from "../catalog/types.ts";
import { COMMANDER } from "./people.ts";
import type { Declared, IncidentState, RunState } from "./state.ts";
import { knowsOf } from "./surprise.ts";

/** Who reads: as the roster knows them, by their account, or both. */
export interface Reader {
  /** Person id on the roster of the incident's system. */
  readonly person: string | null;
  readonly slackUser: string | null;
}

/** Only its members know of it. */
export function isPrivate(declared: Declared | null): boolean {
  return declared?.private !== undefined;
}

/** Roles whose holders are members of this system's private incidents from the start. */
export function privateRoles(system: System): readonly string[] {
  return system.privateRoles ?? [COMMANDER];
}

/** May they be shown that it exists? `system`: undefined where it is in no catalogue any more. */
export function mayKnowOf(state: IncidentState, system: System | undefined, reader: Reader): boolean {
  if (isPrivate(state.declared)) return isMember(state, system, reader);
  return knowsOf(state, system, reader.person);
}

/**
 * A private incident's members, from its timeline: who declared it, holders of its roles on today's roster, who was added, who has a part in
 * it by now (a role, a run, an approval that was asked of them, a page, an action item). What Slack says of the channel counts for nothing.
 */
function isMember(state: IncidentState, system: System | undefined, { person, slackUser }: Reader): boolean {
  const { declared } = state;
  if (declared === null) return false;
  const names = membersNamed(state);
  if ((person !== null && names.has(person)) || (slackUser !== null && names.has(slackUser))) return true;
  const held = system?.people.find(({ id }) => id === person)?.roles ?? [];
  const roles = new Set([...(declared.private?.roles ?? []), ...[...state.runs.values()].flatMap(rolesAsked)]);
  return held.some((role) => roles.has(role));
}

/** Person ids and Slack user ids that the timeline names as members. */
export function membersNamed({ declared, ...state }: IncidentState): ReadonlySet<string> {
  const by = declared?.by.kind === "person" ? [declared.by.person, declared.by.slackUser] : [];
  const pages = [...state.paging.pages.values()];
  const named = [
    ...by,
    ...(state.added ?? []),
    ...state.roles.values(),
    ...state.delegations.map(({ to }) => to),
    ...[...state.runs.values()].map(({ requester }) => requester),
    ...pages.flatMap(({ people }) => people),
    ...pages.flatMap(({ acknowledged }) => acknowledged.map(({ person }) => person)),
    ...(state.actions ?? []).map(({ owner }) => owner),
  ];
  return new Set(named.filter((one) => one !== null));
}

/** Roles that were asked to decide on this run: its gates', as far as they were escalated. */
function rolesAsked(run: RunState): readonly string[] {
  return [...run.steps.values()].flatMap((step) => {
    if (step.status !== "gate") return [];
    return [step.gate.role, ...step.gate.escalate.slice(0, step.gate.level).map(({ role }) => role)];
  });
}
