import { section } from "./blocks.ts";
import { safe } from "./escape.ts";
import type { Message } from "./message.ts";
import { roleOf, roleWords } from "./people.ts";
import type { Surroundings } from "./view.ts";

/** Said once to everybody in the channel, and above all to whoever holds the role now: what it means. */
export function roleTaken(role: string, person: string, around: Surroundings): Message {
  const explains = roleOf(around.system, role)?.explains ?? "";
  const text = `${around.names(person)} is now ${roleWords(around.system, role)}.${explains ? ` ${safe(explains)}` : ""}`;
  return { text, blocks: [section(`👤 ${text}`)] };
}
