import type { System } from "../../../src/catalog/types.ts";
import type { CatalogueEvent, DataOf, PersonEvent, ServiceEvent } from "../../../src/incident/events.ts";
import { catalogueChanged } from "../incident/catalogue.ts";
import { checkpointMade } from "../incident/checkpoint.ts";
import { section } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import type { NoticeSurroundings, RenderNotices, ShownMessage } from "../kit/view.ts";
import { at } from "../kit/when.ts";

type Told = PersonEvent & { readonly version: number };
type Started = ServiceEvent & { readonly version: number };

const ABOUT_PEOPLE: readonly string[] = [
  "person.enrolled",
  "person.vouched",
  "person.locked",
] satisfies readonly PersonEvent["type"][];

/**
 * Who can prove who they are, told where incidents are announced and to whom it is about: if it was not them, they and those
 * who know them see it.
 */
export const renderNotices: RenderNotices = (events, around) =>
  events.flatMap((one): ShownMessage[] => {
    if (one.type === "catalogue.changed")
      return [...catalogueChanged(one as CatalogueEvent & { readonly version: number }, around)];
    if (one.type === "checkpoint.made") return [checkpointMade(one.data as DataOf<"checkpoint.made">, around)];
    if (one.type === "bot.startedWithoutSlack") return [startedWithoutSlack(one as Started, around)];
    if (!isAboutPeople(one.type)) return [];
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

function said(event: Told, around: NoticeSurroundings): Message {
  const [holder = ""] = event.data.people;
  const who = around.names(personIn(holder));
  const prefix = kindPrefix("real", around.practice);
  const next =
    event.type === "person.locked"
      ? "If that wasn't you, tell the people who run Lifeboat now."
      : `If that wasn't them, tell your Lifeboat administrators now: \`lifeboat unenroll ${holder}\` removes it.`;
  const text = `${prefix}${wordsOf(event, who, around)} ${next}`;
  return { text, blocks: [section(`🔐 ${text}`)] };
}

/** The one who starts one holds the service's authority, and Slack saw nothing of it: it is announced once Slack is back. */
function startedWithoutSlack({ type, version, data }: Started, around: NoticeSurroundings): ShownMessage {
  const text = `${kindPrefix("real", around.practice)}Lifeboat was started without Slack by the user ${safe(data.user)} on ${safe(data.host)}. What was decided at the command line meanwhile is in each incident's thread. If that wasn't planned, tell the people who run Lifeboat now.`;
  const message = { text, blocks: [section(`🔐 ${text}`)] };
  return { key: `${type}:${version}`, in: "announce", under: null, priority: 1, message, once: true };
}

function isAboutPeople(type: string): type is PersonEvent["type"] {
  return ABOUT_PEOPLE.includes(type);
}

function wordsOf(event: Told, who: string, around: NoticeSurroundings): string {
  switch (event.type) {
    case "person.enrolled": {
      const { replaced, countsFrom } = event.data;
      if (replaced) return `${who} replaced their authenticator, with a code of the old one.`;
      const when = countsFrom
        ? ` It counts from ${at(new Date(countsFrom))}, or sooner if a colleague with an authenticator vouches: \`/dr vouch\`.`
        : "";
      return `${who} set up an authenticator.${when}`;
    }
    case "person.vouched":
      return `${around.names(personIn(event.data.by))} vouched for ${who}'s new authenticator. It counts from now.`;
    case "person.locked": {
      const { from, by, until } = event.data;
      const where = from === "cli" ? "at the command line" : "in Slack";
      const other = from === "cli" ? "Slack" : "The command line";
      return `Five wrong codes for ${who} ${where}, by ${safe(by)}. Codes are locked there until ${at(new Date(until))}. ${other} isn't affected.`;
    }
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
