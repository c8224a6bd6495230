import { setTimeout as after } from "node:timers/promises";
import type { Delivery, Envelope } from "./delivery.ts";
import type { FaultInjection } from "./fault-injection.ts";
import type { Inspector } from "./inspector.ts";
import { limits } from "./limits.ts";
import { type Manifest, subscribed } from "./manifest.ts";
import type { Json, Message } from "./objects.ts";
import { APP, BOT, BOT_USER, TEAM } from "./people.ts";
import type { SocketMode } from "./socketmode.ts";
import type { Store } from "./store.ts";
import type { Tokens } from "./tokens.ts";

/** What both sides of the workspace share: the methods a bot calls and the actions a user takes. */
export interface Platform {
  readonly store: Store;
  readonly tokens: Tokens;
  readonly faults: FaultInjection;
  readonly inspector: Inspector;
  readonly socketMode: SocketMode;
  readonly delivery: Delivery;
  readonly manifest: Manifest | undefined;
  /** What a newcomer is told to type first. */
  readonly hint: () => string;
  /** `http://127.0.0.1:<port>` */
  readonly origin: () => string;
  /** Aborted when the workspace closes: nothing is retried then. */
  readonly closing: AbortSignal;
}

export type Draft = Omit<Message, "type" | "ts" | "team"> & { readonly broadcast?: boolean };

/** Puts a message where it belongs: its channel, its thread, or one person's eyes only. */
export function post(platform: Platform, draft: Draft): Message {
  const { store } = platform;
  const { broadcast, ...content } = draft;
  const message: Message = { type: "message", ...content, ts: store.mintTs(), team: TEAM };
  if (message.only !== undefined) {
    store.ephemerals.push(message);
    if (store.ephemerals.length > 1000) store.ephemerals.shift();
  } else {
    if (broadcast && message.thread_ts) message.subtype = "thread_broadcast";
    store.said(message.channel).push(message);
    if (message.thread_ts) countReply(store, message);
  }
  store.announce({ kind: "message", message });
  return message;
}

/** Fields of a message the bot wrote. */
export const byBot = { user: BOT_USER, bot_id: BOT, app_id: APP } as const;

/** A stamp as the app gets it: older than it is while `stale` is caused. */
export function stampFor({ faults }: Platform, ts: string): string {
  if (faults.staleSeconds === 0) return ts;
  const [seconds = "0", micros = "000000"] = ts.split(".");
  return `${Number(seconds) - faults.staleSeconds}.${micros}`;
}

/** Tells the app of an event, if its manifest asks for it; again when it is not acknowledged, as Slack does. */
export async function tell(platform: Platform, event: Json, kind = String(event.type)): Promise<void> {
  if (!subscribed(platform.manifest, kind)) return;
  const { store } = platform;
  const channel = typeof event.channel === "string" ? store.channels.get(event.channel) : undefined;
  const stamps = {
    event_ts: stampFor(platform, String(event.event_ts ?? store.mintTs())),
    ...(typeof event.ts === "string" && { ts: stampFor(platform, event.ts) }),
  };
  const payload = {
    token: "practice-verification",
    team_id: TEAM,
    context_team_id: TEAM,
    context_enterprise_id: null,
    api_app_id: APP,
    event: { ...event, ...stamps },
    type: "event_callback",
    event_id: store.mintId("Ev"),
    event_time: store.seconds() - platform.faults.staleSeconds,
    authorizations: [
      { enterprise_id: null, team_id: TEAM, user_id: BOT_USER, is_bot: true, is_enterprise_install: false },
    ],
    is_ext_shared_channel: channel?.shared ?? false,
  };
  for (const [attempt, wait] of [null, ...limits.eventRetrySeconds].entries()) {
    if (wait) await after(wait * 1000, undefined, { signal: platform.closing, ref: false }).catch(() => {});
    if (platform.closing.aborted) return;
    const envelope: Envelope = { type: "events_api", payload, accepts: false };
    const answer = await platform.delivery.send(
      attempt === 0 ? envelope : { ...envelope, retry: { attempt, reason: "timeout" } },
    );
    if (answer.ok) return;
  }
}

function countReply(store: Store, reply: Message): void {
  const root = store.said(reply.channel).find((one) => one.ts === reply.thread_ts);
  if (!root) return;
  root.thread_ts = root.ts;
  root.reply_count = (root.reply_count ?? 0) + 1;
  root.reply_users = [...new Set([...(root.reply_users ?? []), reply.user])];
  root.latest_reply = reply.ts;
  store.announce({ kind: "message", message: root });
}
