import type { Catalog, Person, System } from "../catalog/types.ts";

/** The person a Slack account belongs to on one system's roster. The roster is the only source; display names never are. */
export function personOn(system: System, slackUser: string): Person | null {
  return system.people.find((person) => person.slack.includes(slackUser)) ?? null;
}

/** Every roster the account is on. */
export function systemsOf(
  catalog: Catalog,
  slackUser: string,
): readonly { readonly system: System; readonly person: Person }[] {
  return catalog.systems.flatMap((system) => {
    const person = personOn(system, slackUser);
    return person === null ? [] : [{ system, person }];
  });
}

/**
 * Whose account this is: on the system in question, or, where none is, on every roster alike. Rosters that know the account
 * by different ids give no one: an id is only worth something on the roster it is from.
 */
export function personOf(catalog: Catalog, slackUser: string, system: string | null): string | null {
  const found = systemsOf(catalog, slackUser).filter((one) => system === null || one.system.id === system);
  const ids = new Set(found.map(({ person }) => person.id));
  return ids.size === 1 ? (found[0]?.person.id ?? null) : null;
}
