import { LINE_MAX } from "../../command/parse/tokens.ts";
import { doneAt, type Interaction, type ReadLine } from "./delivery.ts";

export interface Mention {
  readonly user?: string;
  readonly bot_id?: string;
  readonly subtype?: string;
  readonly text: string;
  readonly ts: string;
  readonly thread_ts?: string;
  readonly channel: string;
}

/**
 * `@Lifeboat status`: the words of `/dr` where slash commands do not work, in threads. Null: not a message of a person.
 * `itself`: the bot's user id; null: not known yet, then the first mention counts.
 */
export function takeMention(event: Mention, readLine: ReadLine, itself: string | null): Interaction | null {
  if (event.user === undefined || event.bot_id !== undefined || event.subtype !== undefined) return null;
  const { before, after } = around(event.text ?? "", itself);
  return {
    // On meaning, not on the event's id: one message has been seen to give several.
    key: `slack:mention:${event.channel}:${event.ts}:${event.user}`,
    kind: "slack.mention",
    delivery: {
      user: event.user,
      channel: event.channel,
      thread: event.thread_ts ?? null,
      ...readLine(after),
      form: null,
      carries: null,
      responseUrl: null,
      about: null,
      mention: before === "" ? "alone" : "within",
      ...doneAt(event.ts),
    },
    live: { trigger: null, view: null },
  };
}

const MENTION = /<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>/g;

/** What stands before the bot's name and after it. A text that is too long to be read is left whole. */
function around(text: string, itself: string | null): { readonly before: string; readonly after: string } {
  if (text.length > LINE_MAX) return { before: "", after: text };
  const named = [...text.matchAll(MENTION)].find(([, user]) => itself === null || user === itself);
  if (named === undefined) return { before: "", after: text.trim() };
  return { before: text.slice(0, named.index).trim(), after: text.slice(named.index + named[0].length).trim() };
}
