import type { ReadLine, Taken } from "./delivery.ts";

export interface Mention {
  readonly user?: string;
  readonly bot_id?: string;
  readonly subtype?: string;
  readonly text: string;
  readonly ts: string;
  readonly thread_ts?: string;
  readonly channel: string;
}

/** `@Lifeboat status`: the words of `/dr` where slash commands do not work, in threads. Null: nobody's words. */
export function takeMention(event: Mention, readLine: ReadLine): Taken | null {
  if (event.user === undefined || event.bot_id !== undefined || event.subtype !== undefined) return null;
  const words = event.text.replace(/^[\s\S]*?<@[UW][A-Z0-9]+(?:\|[^>]*)?>/, "").trim();
  return {
    // On meaning, not on the event's id: one message has been seen to give several.
    key: `slack:mention:${event.channel}:${event.ts}:${event.user}`,
    kind: "slack.mention",
    delivery: {
      user: event.user,
      channel: event.channel,
      thread: event.thread_ts ?? null,
      ...readLine(words),
      form: null,
      carries: null,
      responseUrl: null,
      about: null,
    },
    live: { trigger: null, view: null },
  };
}
