import type { Catalog } from "./catalog/types.ts";
import type { Actor } from "./incident/events.ts";
import type { PeopleInEvents } from "./timeline/pseudonyms.ts";

/** What means a person in events: ids, Slack user ids and names of the rosters, and the person an event says it is by. */
export function peopleInEvents(catalog: () => Catalog): PeopleInEvents {
  // Asked for at every append: made again only when the catalogue is another one.
  let roster: { readonly of: Catalog["systems"]; readonly texts: ReadonlySet<string> } = { of: [], texts: new Set() };
  return {
    known() {
      const { systems } = catalog();
      if (roster.of !== systems) roster = { of: systems, texts: rosterOf(catalog()) };
      return roster.texts;
    },
    account: (actor) => personIn(actor).slackUser || null,
    within(actor) {
      const { person, slackUser, name } = personIn(actor);
      return [person, slackUser, name].filter((text) => typeof text === "string" && text !== "") as string[];
    },
  };
}

/** Every text that means one of this person and no one else; what also names a role or a system is not forgotten with them. */
export function textsOf(catalog: Catalog, person: string): readonly string[] {
  const reserved = reservedIn(catalog);
  const found = catalog.systems.flatMap(({ people }) => people.filter(({ id }) => id === person));
  return [...new Set([person, ...found.flatMap(({ id, name, slack }) => [id, name, ...slack])])].filter(
    (text) => !reserved.has(text),
  );
}

function rosterOf(catalog: Catalog): ReadonlySet<string> {
  const reserved = reservedIn(catalog);
  const people = catalog.systems.flatMap(({ people }) => people);
  return new Set(people.flatMap(({ id, name, slack }) => [id, name, ...slack]).filter((text) => !reserved.has(text)));
}

function reservedIn({ systems }: Catalog): ReadonlySet<string> {
  return new Set(systems.flatMap(({ id, people }) => [id, ...people.flatMap(({ roles }) => roles)]));
}

function personIn(actor: unknown): Partial<Extract<Actor, { kind: "person" }>> {
  return (actor as Actor | null)?.kind === "person" ? (actor as Extract<Actor, { kind: "person" }>) : {};
}
