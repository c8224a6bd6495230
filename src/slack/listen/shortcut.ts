import type { GlobalShortcut, MessageShortcut } from "@slack/bolt";
import { plainWords } from "../../../templates/messages/kit/escape.ts";
import { doneAt, type Interaction, NOTHING_TYPED } from "./delivery.ts";

/** Callback id → what it means. The same ids stand in `manifest.yml`. */
export const SHORTCUTS = {
  start_failover: { type: "global", verb: "failover" },
  show_status: { type: "global", verb: "status" },
  declare_new_incident: { type: "global", verb: "declare" },
  declare_incident: { type: "message", verb: "declare" },
  add_to_timeline: { type: "message", verb: "note" },
} as const;

export type ShortcutId = keyof typeof SHORTCUTS;

export function takeShortcut(body: GlobalShortcut | MessageShortcut): Interaction | null {
  if (!Object.hasOwn(SHORTCUTS, body.callback_id)) return null;
  const { verb } = SHORTCUTS[body.callback_id as ShortcutId];
  const message = body.type === "message_action" ? messageOf(body) : null;
  const said = message === null ? "" : plainWords(message.text);
  const isNote = message !== null && verb === "note";
  return {
    key: `slack:shortcut:${body.trigger_id}`,
    kind: "slack.shortcut",
    delivery: {
      user: body.user.id,
      channel: message?.channel ?? null,
      thread: message?.thread ?? null,
      verb,
      ...NOTHING_TYPED,
      rest: isNote ? "" : said,
      form: isNote ? { text: said, at: new Date(Number(message.ts) * 1000).toISOString() } : null,
      carries: null,
      responseUrl: "response_url" in body ? body.response_url : null,
      about: isNote ? { channel: message.channel, ts: message.ts } : null,
      ...doneAt(body.action_ts),
    },
    live: { trigger: body.trigger_id, view: null },
  };
}

function messageOf(body: MessageShortcut) {
  const message = body.message as { text?: string; ts: string; thread_ts?: string };
  return { channel: body.channel.id, ts: message.ts, thread: message.thread_ts ?? null, text: message.text ?? "" };
}
