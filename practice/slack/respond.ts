import { limits } from "./limits.ts";
import type { Json, Message } from "./objects.ts";
import { byBot, type Platform, post } from "./platform.ts";
import { SlackRefusal } from "./refusal.ts";
import { content, remove } from "./web/chat.ts";
import { Args } from "./web/method.ts";

/** One use of a response_url: a new message, or the one pressed upon replaced or deleted. */
export function respond(platform: Platform, path: string, body: Json): void {
  const { store } = platform;
  const place = platform.tokens.answer(path);
  const args = new Args(body);
  const original = place.message ? find(platform, place.channel, place.message) : undefined;
  if (args.flag("delete_original")) {
    if (!original) throw new SlackRefusal("message_not_found");
    remove(platform, original);
    return;
  }
  const words = content(platform, args, limits.messageTextCut);
  if (args.flag("replace_original") && original) {
    original.text = words.text;
    if (words.blocks) original.blocks = words.blocks;
    else delete original.blocks;
    store.announce({ kind: "message", message: original });
    return;
  }
  const thread = args.maybe("thread_ts");
  post(platform, {
    ...byBot,
    ...words,
    channel: place.channel,
    ...(thread ? { thread_ts: thread } : {}),
    ...(args.maybe("response_type") === "in_channel" ? {} : { only: place.user }),
  });
}

function find(platform: Platform, channel: string, ts: string): Message | undefined {
  const same = (one: Message) => one.ts === ts && one.channel === channel;
  return platform.store.ephemerals.find(same) ?? platform.store.said(channel).find(same);
}
