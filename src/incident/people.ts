import type { Person, System } from "../catalog/types.ts";
import type { Actor } from "./events.ts";
import type { IncidentState } from "./state.ts";

/** Who commands an incident: may stop, skip and resume what someone else asked for. */
export const COMMANDER = "incident-commander";

/**
 * The one person on today's roster who acts, or null. A transport may name a person, an account or both; where both are
 * named they must belong together, and an account two people claim belongs to no one.
 */
export function personOf(actor: Actor, system: System): Person | null {
  if (actor.kind !== "person") return null;
  const { person, slackUser } = actor;
  const found = system.people.filter(
    (one) =>
      (person !== null || slackUser !== null) &&
      (person === null || one.id === person) &&
      (slackUser === null || one.slack.includes(slackUser)),
  );
  const claimed = slackUser === null ? 1 : system.people.filter((one) => one.slack.includes(slackUser)).length;
  return found.length === 1 && claimed === 1 ? (found[0] ?? null) : null;
}

/** Those who can be asked: a person without an account is reached by other ways. */
export function reachable(people: readonly Person[], unreachable: ReadonlySet<string> = new Set()): readonly Person[] {
  return people.filter(({ slack }) => slack.length === 0 || slack.some((account) => !unreachable.has(account)));
}

/** Their names, for a sentence about who may do something. */
export function reachableNames(people: readonly Person[], unreachable?: ReadonlySet<string>): readonly string[] {
  return reachable(people, unreachable).map(({ name }) => name);
}

/** The roster as sentences name it: without accounts that can do nothing, and without the roles of people who have no other. Names stay. */
export function withoutAccounts(system: System, unreachable: ReadonlySet<string>): System {
  if (unreachable.size === 0) return system;
  const reached = (person: Person): Person => {
    const slack = person.slack.filter((account) => !unreachable.has(account));
    if (slack.length === person.slack.length) return person;
    return slack.length > 0 ? { ...person, slack } : { ...person, slack, roles: [], deactivated: true };
  };
  return { ...system, people: system.people.map(reached) };
}

/** Of a roster as sentences name it. */
export function canAct({ deactivated }: Person): boolean {
  return deactivated !== true;
}

export function personById(id: string, system: System): Person | null {
  return system.people.find((person) => person.id === id) ?? null;
}

/** People who stand for this role on today's roster. */
export function holdersOf(role: string, system: System): readonly Person[] {
  return system.people.filter((person) => person.roles.includes(role));
}

/** Today's roster gives this person the role, or they have taken it in this incident. */
export function holds(person: Person, role: string, state: IncidentState): boolean {
  return person.roles.includes(role) || state.roles.get(role) === person.id;
}

/** The id the log knows an actor by when nothing better is there. */
export function idOf(actor: Actor): string {
  if (actor.kind === "bot") return "bot";
  return actor.person ?? actor.slackUser ?? actor.name;
}

export function nameOf(id: string, system: System): string {
  return personById(id, system)?.name ?? id;
}

export function roleTitle(role: string, system: System): string {
  return system.roles.find((one) => one.id === role)?.title ?? role;
}

/** "Ana", "Ana or Bo", "Ana, Bo or Cy"; "no one" for none. */
export function oneOf(names: readonly string[]): string {
  return listed(names, "or");
}

/** "Ana", "Ana and Bo", "Ana, Bo and Cy"; "no one" for none. */
export function allOf(names: readonly string[]): string {
  return listed(names, "and");
}

function listed(names: readonly string[], word: string): string {
  if (names.length === 0) return "nobody";
  if (names.length === 1) return String(names[0]);
  return `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}`;
}
