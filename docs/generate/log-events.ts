import { LOGGING, type LogCall, logCallsIn } from "./log-calls.ts";
import { code, inline, page, table } from "./markdown.ts";

/** Loudest first. What is quieter is for those who debug. */
const TOLD = ["fatal", "error", "warn"] as const;

/** Every code the bot logs at a level that an operator sees. */
export function logEventsPage(): string {
  const calls = logCallsIn(LOGGING);
  return page(
    "Log events",
    "the log calls in src/ and commands/",
    "What does a line of the log mean? Every line has an `event`, which stays the same from version to version: match on it, never on the message. `info` and `debug` lines have one too, and are left out here.",
    ...TOLD.flatMap((level) => [
      `## ${level}`,
      table(
        ["Event", "Message"],
        rowsOf(calls.filter((call) => call.level === level)).map(([event, says]) => [code(event), inline(says)]),
      ),
    ]),
  );
}

function rowsOf(calls: readonly LogCall[]): readonly (readonly [string, string])[] {
  const messages = new Map<string, Set<string>>();
  for (const { events, messages: says } of calls)
    for (const [index, event] of events.entries()) {
      const known = messages.get(event) ?? new Set();
      messages.set(event, known);
      // Where a condition chooses both, they are in the same order.
      for (const one of says.length === events.length ? says.slice(index, index + 1) : says) known.add(one);
    }
  return [...messages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([event, says]) => [event, [...says].join(" / ")]);
}
