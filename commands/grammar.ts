import type { Command } from "./command.ts";
import type { Grammar } from "./words.ts";

/**
 * The grammar of a command is its usage line, read: `[--system <s>]` takes a value, `[--dry-run]` does not, and a place
 * named with three dots (`<reason…>`) takes everything that is left.
 */
export function grammarOf(command: Pick<Command, "usage"> | null): Grammar {
  const options = new Map<string, boolean>([["help", false]]);
  const usage = command?.usage ?? "";
  for (const [, name, value] of usage.matchAll(/--([a-z-]+)(?:[ =](<[^>]+>))?/g))
    options.set(name as string, value !== undefined);
  return { options, freeText: usage.includes("…>") };
}
