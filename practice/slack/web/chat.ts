import { checkBlocks, withIds } from "../blockkit/check.ts";
import { isObject } from "../blockkit/rules.ts";
import { limits } from "../limits.ts";
import type { Block, Channel, Json, Message } from "../objects.ts";
import { BOT, BOT_USER } from "../people.ts";
import { byBot, type Platform, post } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import type { Args, Methods } from "./method.ts";

export const chat: Methods = {
  "chat.postMessage": {
    tier: "special",
    needs: "chat:write",
    run(platform, args) {
      const channel = speakIn(platform, args.text("channel"));
      const thread = threadOf(platform, channel, args.maybe("thread_ts"));
      const metadata = metadataOf(args);
      const draft = {
        ...byBot,
        ...content(platform, args, limits.messageTextCut),
        channel: channel.id,
        ...(thread ? { thread_ts: thread } : {}),
        ...(metadata ? { metadata } : {}),
        broadcast: args.flag("reply_broadcast"),
      };
      if (platform.faults.take("losePosts")) {
        const ts = platform.store.mintTs();
        return { channel: channel.id, ts, message: { ...draft, type: "message", ts } };
      }
      const message = post(platform, draft);
      return { channel: channel.id, ts: message.ts, message: shown(message) };
    },
  },
  "chat.postEphemeral": {
    tier: 4,
    needs: "chat:write",
    run(platform, args) {
      const channel = speakIn(platform, args.text("channel"));
      const only = args.text("user");
      if (!platform.store.users.has(only) || !channel.members.includes(only))
        throw new SlackRefusal("user_not_in_channel");
      const thread = threadOf(platform, channel, args.maybe("thread_ts"));
      const message = post(platform, {
        ...byBot,
        ...content(platform, args, limits.messageTextCut),
        channel: channel.id,
        only,
        ...(thread ? { thread_ts: thread } : {}),
      });
      return { message_ts: message.ts };
    },
  },
  "chat.update": {
    tier: 3,
    needs: "chat:write",
    run(platform, args) {
      const { store } = platform;
      const channel = store.channel(args.text("channel"));
      const message = store.message(channel.id, args.text("ts"));
      if (message.bot_id !== BOT) throw new SlackRefusal("cant_update_message");
      const text = args.maybe("text");
      if (text !== undefined && text.length > limits.updateText) throw new SlackRefusal("msg_too_long");
      const { text: words, blocks } = content(platform, args, limits.updateText, message);
      message.text = words;
      // Slack keeps the blocks when neither blocks nor text are given, and drops them when only text is.
      if (blocks && blocks.length > 0) message.blocks = blocks;
      else delete message.blocks;
      const metadata = metadataOf(args);
      if (metadata) message.metadata = metadata;
      message.edited = { user: BOT_USER, ts: store.mintTs() };
      store.announce({ kind: "message", message });
      return { channel: channel.id, ts: message.ts, text: message.text, message: shown(message) };
    },
  },
  "chat.delete": {
    tier: 3,
    needs: "chat:write",
    run(platform, args) {
      const channel = platform.store.channel(args.text("channel"));
      const message = platform.store.message(channel.id, args.text("ts"));
      if (message.bot_id !== BOT) throw new SlackRefusal("cant_delete_message");
      remove(platform, message);
      return { channel: channel.id, ts: message.ts };
    },
  },
  "chat.getPermalink": {
    tier: "special",
    needs: null,
    run(platform, args) {
      const channel = platform.store.channel(args.text("channel"));
      const message = platform.store.message(channel.id, args.text("message_ts"));
      return { channel: channel.id, permalink: permalink(platform, message) };
    },
  },
};

export function permalink(platform: Platform, message: Message): string {
  const path = `${platform.origin()}/archives/${message.channel}/p${message.ts.replace(".", "")}`;
  const inThread = message.thread_ts && message.thread_ts !== message.ts;
  return inThread ? `${path}?thread_ts=${message.thread_ts}&cid=${message.channel}` : path;
}

export function remove(platform: Platform, message: Message): void {
  const { store } = platform;
  if (message.only !== undefined) store.ephemerals.splice(store.ephemerals.indexOf(message), 1);
  else
    store.messages.set(
      message.channel,
      store.said(message.channel).filter((one) => one !== message),
    );
  const root = message.thread_ts && store.said(message.channel).find((one) => one.ts === message.thread_ts);
  if (root && root !== message) {
    root.reply_count = Math.max(0, (root.reply_count ?? 1) - 1);
    store.announce({ kind: "message", message: root });
  }
  store.announce({ kind: "deleted", channel: message.channel, ts: message.ts });
}

/** Text and blocks of a message as Slack takes them, from the arguments of a call or the body of a response_url. */
export function content(
  platform: Platform,
  args: Args,
  cut: number,
  before?: Message,
): { text: string; blocks?: Block[] } {
  const given = args.blocks();
  if (given !== undefined && !Array.isArray(given)) throw new SlackRefusal("invalid_blocks_format");
  const markdown = args.maybe("markdown_text");
  if (markdown !== undefined && (given || args.maybe("text") !== undefined))
    throw new SlackRefusal("markdown_text_conflict");
  if (markdown !== undefined && markdown.length > limits.markdownText) throw new SlackRefusal("msg_too_long");
  const asBlocks = markdown === undefined ? given : ([{ type: "markdown", text: markdown }] as Block[]);
  const attachments = args.all.attachments;
  if (Array.isArray(attachments) && attachments.length > limits.attachments)
    throw new SlackRefusal("too_many_attachments");
  const text = args.maybe("text");
  if (text === undefined && !asBlocks?.length && !attachments && !before) throw new SlackRefusal("no_text");
  if (text === undefined && asBlocks === undefined && before)
    return { text: before.text, ...(before.blocks ? { blocks: before.blocks } : {}) };
  if (!asBlocks) return { text: (text ?? "").slice(0, cut) };
  const blocks = withIds(checkBlocks(asBlocks, "message"), () => platform.store.mintId("b").slice(0, 6));
  return { text: (text ?? "").slice(0, cut), blocks };
}

/** A message as the Web API gives it out. */
export function shown(message: Message, metadata = true): Json {
  const { only: _only, channel: _channel, metadata: kept, ...rest } = message;
  return metadata && kept ? { ...rest, metadata: kept } : rest;
}

/** The channel, if the bot may speak there. A user's id means the conversation with them. */
function speakIn(platform: Platform, id: string): Channel {
  const { store } = platform;
  const named = id.startsWith("#") ? [...store.channels.values()].find((one) => one.name === id.slice(1)) : undefined;
  if (store.users.has(id)) return store.direct([id, BOT_USER]);
  const channel = named ?? store.channel(id);
  if (channel.kind === "im" && channel.members.some((one) => store.users.get(one)?.deleted))
    throw new SlackRefusal("user_disabled");
  if (channel.archived) throw new SlackRefusal("is_archived");
  if (!channel.members.includes(BOT_USER))
    throw new SlackRefusal(channel.kind === "public" ? "not_in_channel" : "channel_not_found");
  return channel;
}

function threadOf(platform: Platform, channel: Channel, ts: string | undefined): string | undefined {
  if (ts === undefined) return undefined;
  const message = platform.store.said(channel.id).find((one) => one.ts === ts);
  if (!message) throw new SlackRefusal("thread_not_found");
  return message.thread_ts ?? message.ts;
}

function metadataOf(args: Args): Json | undefined {
  const { metadata } = args.all;
  if (metadata === undefined || metadata === null || metadata === "") return undefined;
  if (!isObject(metadata)) throw new SlackRefusal("invalid_metadata_format");
  if (typeof metadata.event_type !== "string" || !isObject(metadata.event_payload))
    throw new SlackRefusal("invalid_metadata_schema");
  if (Buffer.byteLength(JSON.stringify(metadata)) > limits.metadataBytes) throw new SlackRefusal("metadata_too_large");
  return metadata;
}
