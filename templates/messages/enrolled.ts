import type { System } from "../../src/catalog/types.ts";
import type { PersonEvent } from "../../src/incident/events.ts";
import { section } from "./blocks.ts";
import { kindPrefix } from "./kind.ts";
import type { Message } from "./message.ts";
import type { DrawHouse, HouseSurroundings, ShownMessage } from "./view.ts";
import { at } from "./when.ts";

type Told = PersonEvent & { readonly version: number };

/**
 * Who can prove who they are, told where incidents are announced and to whom it is about: if it was not them, they and those
 * who know them see it.
 */
export const drawHouse: DrawHouse = (events, around) =>
  events.flatMap((one): ShownMessage[] => {
    if (one.type !== "person.enrolled" && one.type !== "person.vouched") return [];
    const event = one as Told;
    const message = said(event, around);
    const accounts = event.data.people.flatMap((holder) => accountsOf(holder, around.systems));
    const key = `${event.type}:${event.version}`;
    return [
      { key, in: "announce", under: null, priority: 1, message, once: true },
      ...[...new Set(accounts)].map(
        (person): ShownMessage => ({
          ...{ key: `${key}:to:${person}`, in: { person }, under: null, priority: 1, message, once: true },
        }),
      ),
    ];
  });

function said(event: Told, around: HouseSurroundings): Message {
  const [holder = ""] = event.data.people;
  const who = around.names(personIn(holder));
  const prefix = kindPrefix("real", around.practice);
  const text = `${prefix}${wordsOf(event, who, around)} If that was not so, tell whoever runs Lifeboat at once: \`lifeboat unenroll ${holder}\` takes it away.`;
  return { text, blocks: [section(`🔐 ${text}`)] };
}

function wordsOf(event: Told, who: string, around: HouseSurroundings): string {
  switch (event.type) {
    case "person.enrolled": {
      const { replaced, countsFrom } = event.data;
      if (replaced) return `${who} has replaced what they prove with who they are, with a code of the one before.`;
      const when = countsFrom
        ? ` It counts from ${at(new Date(countsFrom))} on, or when somebody who can prove who they are vouches: \`/dr vouch\`.`
        : "";
      return `${who} has set up a code to prove who they are.${when}`;
    }
    case "person.vouched":
      return `${around.names(personIn(event.data.by))} has vouched that it was ${who} who set up a code to prove who they are. It counts from now on.`;
    default:
      return event satisfies never;
  }
}

function accountsOf(holder: string, systems: readonly System[]): readonly string[] {
  const system = systems.find(({ id }) => holder.startsWith(`${id}/`));
  return system?.people.find(({ id }) => id === personIn(holder))?.slack ?? [];
}

function personIn(holder: string): string {
  return holder.slice(holder.indexOf("/") + 1);
}
