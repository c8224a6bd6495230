import type { Runbook } from "../src/catalog/types.ts";
import { unknownCommand } from "../templates/messages/kit/command-refusals.ts";
import { helpList, helpOf } from "../templates/messages/kit/help.ts";
import { said } from "../templates/messages/kit/reply.ts";
import { runbookHelp } from "../templates/messages/run/answers.ts";
import { inputLines } from "../templates/messages/run/inputs.ts";
import type { Command } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { lineFor } from "./line.ts";
import { say, stop } from "./say.ts";
import { nearLine, runbooksNamed } from "./targets.ts";

/** Takes the list rather than importing it, because it stands on the list itself. */
export function helpFor(all: () => readonly Command[]): Command {
  return {
    verb: "help",
    aliases: ["?"],
    summary: "List commands, or explain one command or runbook.",
    usage: "/dr help [<command or runbook>]",
    examples: ["/dr help", "/dr help failover"],
    reads: () => true,
    async handle(context, request) {
      const [asked] = request.words;
      if (asked === undefined) return { kind: "private", message: helpList(all()) };
      const command = commandNamed(all(), asked);
      const books = command === null ? runbooksNamed(context, asked) : [];
      if (books.length > 0) return say(said(books.flatMap((book) => helpOfRunbook(context, book))));
      return { kind: "private", message: helpOf(command ?? unknownVerb(all(), asked)) };
    },
  };
}

function helpOfRunbook(context: CommandContext, runbook: Runbook): readonly string[] {
  return runbookHelp(runbook, inputLines(runbook), lineFor(context.catalog, runbook, null));
}

export function commandNamed(all: readonly Command[], word: string): Command | null {
  const asked = word.toLowerCase();
  return all.find(({ verb, aliases }) => verb === asked || aliases.includes(asked)) ?? null;
}

export function unknownVerb(all: readonly Command[], word: string): never {
  return stop(unknownCommand(word, nearLine(word, typedVerbs(all))));
}

/** What can be typed: the verbs of buttons have a dot in them. */
function typedVerbs(all: readonly Command[]): readonly string[] {
  return all.flatMap(({ verb, aliases }) => [verb, ...aliases.filter((alias) => !alias.includes("."))]);
}
