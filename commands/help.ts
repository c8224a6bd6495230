import type { Runbook } from "../src/catalog/types.ts";
import type { Command } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { commandNamed, unknownVerb } from "../src/command/parse/verb.ts";
import { lineFor } from "../src/command/reply/line.ts";
import { say } from "../src/command/reply/say.ts";
import { runbooksNamed } from "../src/command/resolve/runbook.ts";
import { helpList, helpOf } from "../templates/messages/kit/help.ts";
import { said } from "../templates/messages/kit/reply.ts";
import { runbookHelp } from "../templates/messages/run/answers.ts";
import { inputLines } from "../templates/messages/run/inputs.ts";

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
