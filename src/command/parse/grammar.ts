import type { Command } from "../command.ts";
import type { Grammar } from "./tokens.ts";

const INCIDENT_FIRST = "[<incident>]";

/**
 * The grammar of a command is its usage line, read: `[--system <s>]` takes a value, `[--dry-run]` does not, and a place
 * named with three dots (`<reason…>`) takes everything that is left. What may begin with an incident takes `--incident`, too.
 */
export function grammarOf(command: Pick<Command, "usage"> | null): Grammar {
  const options = new Map<string, boolean>([["help", false]]);
  const usage = command?.usage ?? "";
  for (const [, name, value] of usage.matchAll(/--([a-z-]+)(?:[ =](<[^>]+>))?/g))
    options.set(name as string, value !== undefined);
  if (usage.includes(INCIDENT_FIRST)) options.set("incident", true);
  return { options, freeText: usage.includes("…>") };
}

/** Whether its first word may name an incident: `[<incident>]` in its usage. */
export function takesIncident({ usage }: Pick<Command, "usage">): boolean {
  return usage.includes(INCIDENT_FIRST);
}
