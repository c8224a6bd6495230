import { unknownPerson } from "../../../templates/messages/incident/command-refusals.ts";
import type { Person, System } from "../../catalog/types.ts";
import { userIn } from "../parse/tokens.ts";
import { stop } from "../reply/say.ts";

/** The person at the end of the words: a mention, a roster id, a name, or a first name only one of them has. The first word is never part of it. */
export function personMeant(
  system: System,
  words: readonly string[],
  next: string,
): { readonly person: Person; readonly words: number } {
  for (let count = 1; count < words.length; count++) {
    const asked = words.slice(-count).join(" ");
    const user = userIn(asked) ?? asked.replace(/^@/, "");
    const word = user.toLowerCase();
    const exact = system.people.find(
      ({ id, name, slack }) => slack.includes(user) || [id.toLowerCase(), name.toLowerCase()].includes(word),
    );
    const first = system.people.filter(({ name }) => name.toLowerCase().split(" ")[0] === word);
    const person = exact ?? (first.length === 1 ? first[0] : undefined);
    if (person) return { person, words: count };
  }
  const last = words.at(-1) ?? "";
  return stop(unknownPerson(words.length < 2 ? null : last, system, next));
}
