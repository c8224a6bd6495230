import { unknownCommand } from "../../../templates/messages/kit/command-refusals.ts";
import type { Command } from "../command.ts";
import { nearLine } from "../reply/near-line.ts";
import { stop } from "../reply/say.ts";

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
