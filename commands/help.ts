import { helpList, helpOf } from "../templates/messages/help.ts";
import type { Command } from "./command.ts";
import { stop } from "./say.ts";
import { didYouMean } from "./targets.ts";

/** Takes the list rather than importing it, because it stands on the list itself. */
export function helpFor(all: () => readonly Command[]): Command {
  return {
    verb: "help",
    aliases: ["?"],
    summary: "What can be typed; with a command, how to use it.",
    usage: "/dr help [<command>]",
    examples: ["/dr help", "/dr help failover"],
    where: "anywhere",
    async handle(_house, request) {
      const [asked] = request.words;
      if (asked === undefined) return { kind: "private", message: helpList(all()) };
      return { kind: "private", message: helpOf(commandNamed(all(), asked) ?? unknownVerb(all(), asked)) };
    },
  };
}

export function commandNamed(all: readonly Command[], word: string): Command | null {
  const asked = word.toLowerCase();
  return all.find(({ verb, aliases }) => verb === asked || aliases.includes(asked)) ?? null;
}

export function unknownVerb(all: readonly Command[], word: string): never {
  const verbs = all.map(({ verb }) => verb);
  const typed = all.flatMap(({ verb, aliases }) => [verb, ...aliases.filter((alias) => !alias.includes("."))]);
  return stop({
    code: "verb-unknown",
    what: `There is no command "${word}"`,
    allowed: `Commands: ${verbs.join(", ")}`,
    ...{ next: "`/dr help` explains them", ...didYouMean(word, typed) },
  });
}
