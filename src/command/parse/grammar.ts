import type { Command } from "../command.ts";
import type { Grammar, OptionValue } from "./tokens.ts";

const INCIDENT_FIRST = "[<incident>]";

const OPTION = /--([a-z-]+)(?:[ =](<[^>]+>))?/g;

/**
 * The grammar of a command is its usage line, read: `[--system <s>]` takes a value, `[--again <reason…>]` takes several words,
 * `[--dry-run]` takes none, and a place named with three dots (`<reason…>`) takes everything that is left. What may begin with an
 * incident takes `--incident`, too.
 */
export function grammarOf(command: Pick<Command, "usage"> | null): Grammar {
  const options = new Map<string, OptionValue>([["help", "none"]]);
  const usage = command?.usage ?? "";
  for (const [, name, value] of usage.matchAll(OPTION)) options.set(name as string, whatFollows(value));
  if (usage.includes(INCIDENT_FIRST)) options.set("incident", "word");
  return { options, freeText: usage.replace(OPTION, "").includes("…>") };
}

function whatFollows(place: string | undefined): OptionValue {
  if (place === undefined) return "none";
  return place.endsWith("…>") ? "words" : "word";
}

/** Whether its first word may name an incident: `[<incident>]` in its usage. */
export function takesIncident({ usage }: Pick<Command, "usage">): boolean {
  return usage.includes(INCIDENT_FIRST);
}
