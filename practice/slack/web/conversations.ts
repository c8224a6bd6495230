import { limits } from "../limits.ts";
import type { Channel, Json, Message } from "../objects.ts";
import { BOT_USER } from "../people.ts";
import { byBot, type Platform, post, tell } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import { channelObject } from "../store.ts";
import { shown } from "./chat.ts";
import { type Args, history, type Methods, managing, page, reading } from "./method.ts";

/** `conversations.*`: channels, who is in them, their topics and histories. */
export const conversations: Methods = {
  "conversations.create": {
    tier: 2,
    needs: managing,
    run(platform, args) {
      const name = freeName(platform, args.text("name"));
      const kind = args.flag("is_private") ? "private" : "public";
      const channel = platform.store.addChannel({ id: platform.store.mintId("C"), name, kind, members: [BOT_USER] });
      post(platform, { ...byBot, channel: channel.id, subtype: "channel_join", text: `joined #${name}` });
      return { channel: channelObject(channel, BOT_USER, false) };
    },
  },
  "conversations.info": {
    tier: 3,
    needs: reading,
    run: (platform, args) => ({
      channel: {
        ...channelObject(visible(platform, args), BOT_USER, args.flag("include_num_members")),
        ...canvasOf(platform, visible(platform, args)),
      },
    }),
  },
  "conversations.list": {
    tier: 2,
    needs: reading,
    run(platform, args) {
      const kinds = (args.maybe("types") ?? "public_channel").split(",").map((type) => type.replace("_channel", ""));
      const all = [...platform.store.channels.values()]
        .filter((channel) => kinds.includes(channel.kind))
        .filter((channel) => channel.kind === "public" || channel.members.includes(BOT_USER))
        .filter((channel) => !(args.flag("exclude_archived") && channel.archived));
      const { some, next } = page(all, args);
      return {
        channels: some.map((channel) => channelObject(channel, BOT_USER, true)),
        response_metadata: { next_cursor: next },
      };
    },
  },
  "conversations.members": {
    tier: 4,
    needs: reading,
    run(platform, args) {
      const { some, next } = page(visible(platform, args).members, args);
      return { members: some, response_metadata: { next_cursor: next } };
    },
  },
  "conversations.invite": {
    tier: 3,
    needs: managing,
    run(platform, args) {
      const channel = own(platform, args);
      const users = args.several("users");
      if (users.length === 0) throw new SlackRefusal("no_user");
      if (users.length > limits.inviteUsers) throw new SlackRefusal("too_many_users");
      const wrong = users.flatMap((user) => {
        const error = cannotInvite(platform, channel, user);
        return error ? [{ user, ok: false, error }] : [];
      });
      const force = args.flag("force");
      if (wrong[0] && (!force || wrong.length === users.length))
        throw new SlackRefusal(wrong[0].error, { errors: wrong });
      for (const user of users.filter((one) => !wrong.some((bad) => bad.user === one)))
        letIn(platform, channel, user, BOT_USER);
      return { channel: channelObject(channel, BOT_USER, false), ...(wrong.length > 0 ? { errors: wrong } : {}) };
    },
  },
  "conversations.join": {
    tier: 3,
    needs: "channels:join",
    run(platform, args) {
      const channel = visible(platform, args);
      if (channel.kind !== "public") throw new SlackRefusal("method_not_supported_for_channel_type");
      if (channel.archived) throw new SlackRefusal("is_archived");
      if (channel.members.includes(BOT_USER))
        return { channel: channelObject(channel, BOT_USER, false), warning: "already_in_channel" };
      letIn(platform, channel, BOT_USER, BOT_USER);
      return { channel: channelObject(channel, BOT_USER, false) };
    },
  },
  "conversations.open": {
    tier: 3,
    needs: "im:write",
    run(platform, args) {
      const { store } = platform;
      const known = args.maybe("channel");
      const users = args.several("users");
      if (!known && users.length === 0) throw new SlackRefusal("users_list_not_supplied");
      if (users.length > limits.groupDmUsers) throw new SlackRefusal("too_many_users");
      for (const user of users) if (store.user(user).deleted) throw new SlackRefusal("user_disabled");
      const channel = known ? store.channel(known) : store.direct([...users, BOT_USER]);
      return {
        channel: args.flag("return_im") ? channelObject(channel, BOT_USER, false) : { id: channel.id },
      };
    },
  },
  "conversations.setTopic": {
    tier: 2,
    needs: managing,
    run: (platform, args) => ({ channel: setWords(platform, args, "topic"), topic: args.maybe("topic") ?? "" }),
  },
  "conversations.setPurpose": {
    tier: 2,
    needs: managing,
    run: (platform, args) => ({ channel: setWords(platform, args, "purpose"), purpose: args.maybe("purpose") ?? "" }),
  },
  "conversations.history": {
    tier: 3,
    needs: history,
    run(platform, args) {
      const channel = own(platform, args);
      const all = platform.store
        .said(channel.id)
        .filter((one) => !isReply(one) || one.subtype === "thread_broadcast")
        .filter((one) => between(one, args))
        .reverse();
      return slice(all, args);
    },
  },
  "conversations.replies": {
    tier: 3,
    needs: history,
    run(platform, args) {
      const channel = own(platform, args);
      const ts = args.text("ts");
      const asked = platform.store.said(channel.id).find((one) => one.ts === ts);
      if (!asked) throw new SlackRefusal("thread_not_found");
      const root = asked.thread_ts ?? asked.ts;
      const all = platform.store
        .said(channel.id)
        .filter((one) => one.ts === root || (one.thread_ts === root && between(one, args)));
      return slice(all, args);
    },
  },
  "conversations.archive": {
    tier: 2,
    needs: managing,
    run(platform, args) {
      const channel = own(platform, args);
      if (channel.id === "CGENERAL") throw new SlackRefusal("cant_archive_general");
      channel.archived = true;
      post(platform, { ...byBot, channel: channel.id, subtype: "channel_archive", text: "archived the channel" });
      platform.store.announce({ kind: "channel", channel });
      void tell(platform, { type: "channel_archive", channel: channel.id, user: BOT_USER });
      return {};
    },
  },
  "conversations.unarchive": {
    tier: 2,
    needs: managing,
    run(platform, args) {
      const channel = visible(platform, args);
      if (!channel.archived) throw new SlackRefusal("not_archived");
      channel.archived = false;
      post(platform, { ...byBot, channel: channel.id, subtype: "channel_unarchive", text: "unarchived the channel" });
      platform.store.announce({ kind: "channel", channel });
      void tell(platform, { type: "channel_unarchive", channel: channel.id, user: BOT_USER });
      return {};
    },
  },
  "conversations.rename": {
    tier: 2,
    needs: managing,
    run(platform, args) {
      const channel = own(platform, args);
      const name = freeName(platform, args.text("name"));
      post(platform, {
        ...byBot,
        channel: channel.id,
        subtype: "channel_name",
        text: `renamed the channel to #${name}`,
      });
      channel.name = name;
      platform.store.announce({ kind: "channel", channel });
      void tell(platform, { type: "channel_rename", channel: { id: channel.id, name, created: channel.created } });
      return { channel: channelObject(channel, BOT_USER, false) };
    },
  },
};

export function isReply(message: Message): boolean {
  return message.thread_ts !== undefined && message.thread_ts !== message.ts;
}

/** Adds a member and says so in the channel. */
export function letIn(platform: Platform, channel: Channel, user: string, inviter: string): void {
  channel.members.push(user);
  const text = user === inviter ? "joined" : `was added by <@${inviter}>`;
  post(platform, { channel: channel.id, user, subtype: "channel_join", text });
  platform.store.announce({ kind: "channel", channel });
  const type = "member_joined_channel";
  void tell(platform, { type, user, channel: channel.id, channel_type: "C", team: "TPRACTICE", inviter });
}

/** Why Slack would not let `user` be invited, or null. */
export function cannotInvite(platform: Platform, channel: Channel, id: string): string | null {
  const user = platform.store.users.get(id);
  if (!user) return "user_not_found";
  if (id === BOT_USER) return "cant_invite_self";
  if (channel.members.includes(id)) return "already_in_channel";
  if (user.deleted || user.is_stranger) return "cant_invite";
  return null;
}

/** The channel an argument names, as far as the bot can see it. */
export function visible(platform: Platform, args: Args, name = "channel"): Channel {
  const channel = platform.store.channel(args.text(name));
  if (channel.kind !== "public" && !channel.members.includes(BOT_USER)) throw new SlackRefusal("channel_not_found");
  return channel;
}

/** Where a channel's canvas is named, as Slack's answers have it. */
function canvasOf({ store }: Platform, { id }: Channel): Json {
  const canvas = store.canvases.get(id);
  if (canvas === undefined) return {};
  return { properties: { canvas: { file_id: canvas.id, is_empty: canvas.markdown === "" } } };
}

/** The same, where the bot has to be a member. */
export function own(platform: Platform, args: Args, name = "channel"): Channel {
  const channel = visible(platform, args, name);
  if (!channel.members.includes(BOT_USER)) throw new SlackRefusal("not_in_channel");
  if (channel.archived) throw new SlackRefusal("is_archived");
  return channel;
}

function freeName(platform: Platform, name: string): string {
  if (name.length > limits.channelName) throw new SlackRefusal("invalid_name_maxlength");
  if (/^[-_]+$/.test(name)) throw new SlackRefusal("invalid_name_punctuation");
  if (!/^[\p{Ll}\p{Lo}\p{N}_-]+$/u.test(name)) throw new SlackRefusal("invalid_name_specials");
  if ([...platform.store.channels.values()].some((channel) => channel.name === name))
    throw new SlackRefusal("name_taken");
  return name;
}

function setWords(platform: Platform, args: Args, what: "topic" | "purpose"): Record<string, unknown> {
  const channel = own(platform, args);
  const value = args.maybe(what) ?? "";
  if (value.length > limits.topic) throw new SlackRefusal("too_long");
  if (channel[what].value !== value) {
    channel[what] = { value, creator: BOT_USER, last_set: platform.store.seconds() };
    const text = value ? `set the channel ${what}: ${value}` : `cleared the channel ${what}`;
    post(platform, { ...byBot, channel: channel.id, subtype: `channel_${what}`, text });
    platform.store.announce({ kind: "channel", channel });
  }
  return channelObject(channel, BOT_USER, false);
}

function between(message: Message, args: Args): boolean {
  const oldest = Number(args.maybe("oldest") ?? 0);
  const latest = Number(args.maybe("latest") ?? Number.POSITIVE_INFINITY);
  const ts = Number(message.ts);
  return args.flag("inclusive") ? ts >= oldest && ts <= latest : ts > oldest && ts < latest;
}

function slice(all: readonly Message[], args: Args): Record<string, unknown> {
  const { some, next } = page(all, args);
  return {
    messages: some.map((one) => shown(one, args.flag("include_all_metadata"))),
    has_more: next !== "",
    ...(next === "" ? {} : { response_metadata: { next_cursor: next } }),
  };
}
