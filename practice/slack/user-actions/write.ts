import { limits } from "../limits.ts";
import { commandIn } from "../manifest.ts";
import { APP, BOT_USER } from "../people.ts";
import { byBot, type Platform, post, tell } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import { asTyped } from "../typed.ts";
import { content } from "../web/chat.ts";
import { cannotInvite, letIn } from "../web/conversations.ts";
import { newFile, receive } from "../web/files.ts";
import { Args } from "../web/method.ts";
import { failed, type Outcome, refused, type UserAction } from "./user-action.ts";

export async function slash(
  platform: Platform,
  user: string,
  userAction: UserAction & { do: "slash" },
): Promise<Outcome> {
  const [, command = "", words = ""] = /^(\/\S+)\s*([\s\S]*)$/.exec(userAction.text.trim()) ?? [];
  if (command === "") return refused("not_a_command", `${userAction.text} does not begin with /.`);
  const channel = platform.store.channel(userAction.channel);
  if (userAction.thread) return refused("not_in_threads", `${command} is not supported in threads. Sorry!`);
  if (command === "/invite") return invite(platform, user, channel.id, words);
  const known = commandIn(platform.manifest, command);
  if (!known)
    return refused(
      "unknown_command",
      `${command} is not a valid command. In Slack, all messages that start with the “/” character are interpreted as commands.`,
    );
  const text = known.escape ? asTyped(platform.store, words.trim(), true) : words.trim();
  const answer = await platform.delivery.send({
    type: "slash_commands",
    accepts: true,
    payload: {
      token: "practice-verification",
      team_id: platform.store.user(user).team_id,
      team_domain: "practice",
      channel_id: channel.id,
      channel_name: channel.kind === "im" ? "directmessage" : channel.name,
      user_id: user,
      user_name: platform.store.user(user).name,
      command,
      text,
      api_app_id: APP,
      is_enterprise_install: "false",
      response_url:
        platform.origin() +
        platform.tokens.mintAnswer({ user, channel: channel.id, thread: undefined, message: undefined }),
      trigger_id: platform.tokens.mintTrigger(user),
    },
  });
  if (!answer.ok) return failed(answer, command);
  const { response_type, ...said } = answer.payload;
  if (said.text || said.blocks) {
    const args = new Args(said);
    const everyone = response_type === "in_channel";
    try {
      const words = content(platform, args, limits.messageTextCut);
      post(platform, { ...byBot, ...words, channel: channel.id, ...(everyone ? {} : { only: user }) });
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error;
      return refused("invalid_command_response", `${command} failed: its answer was refused (${error.error}).`);
    }
  }
  return { ok: true, milliseconds: answer.milliseconds };
}

function invite(platform: Platform, user: string, id: string, words: string): Outcome {
  const channel = platform.store.channel(id);
  const named = [...asTyped(platform.store, words, false).matchAll(/<@([A-Z0-9]+)/g)].map(([, one]) => one as string);
  if (named.length === 0) return refused("no_user", "Say whom: /invite @lifeboat");
  for (const one of named) {
    if (channel.members.includes(one)) continue;
    const error = one === BOT_USER ? null : cannotInvite(platform, channel, one);
    if (error) return refused(error, `That person can't be invited (${error}).`);
    letIn(platform, channel, one, user);
  }
  return { ok: true };
}

export function open({ store }: Platform, user: string, userAction: UserAction & { do: "open" }): Outcome {
  const members = [...new Set([user, ...userAction.users.map((one) => store.user(one).id)])];
  if (userAction.name === undefined) return { ok: true, channel: store.direct(members).id };
  const id = store.mintId("C");
  store.addChannel({ id, name: userAction.name, kind: "private", creator: user, members });
  return { ok: true, channel: id };
}

export async function say(platform: Platform, user: string, userAction: UserAction & { do: "say" }): Promise<Outcome> {
  const { store } = platform;
  const channel = store.channel(userAction.channel);
  if (channel.archived) return refused("is_archived", "This channel is archived.");
  const text = asTyped(store, userAction.text, false);
  if (text.trim() === "") return refused("no_text", "There is nothing to say.");
  const thread = userAction.thread ? { thread_ts: userAction.thread } : {};
  const message = post(platform, { channel: channel.id, user, text, ...thread });
  if (!channel.members.includes(BOT_USER)) return { ok: true, ts: message.ts };
  const event = {
    user,
    text,
    ts: message.ts,
    channel: channel.id,
    event_ts: message.ts,
    team: store.user(user).team_id,
    ...thread,
  };
  if (text.includes(`<@${BOT_USER}`)) void tell(platform, { type: "app_mention", ...event });
  const kind = { public: "message.channels", private: "message.groups", im: "message.im", mpim: "message.mpim" }[
    channel.kind
  ];
  const channelType = { public: "channel", private: "group", im: "im", mpim: "mpim" }[channel.kind];
  void tell(platform, { type: "message", channel_type: channelType, ...event }, kind);
  return { ok: true, ts: message.ts };
}

/** Puts a file of one's own into a channel or thread. */
export function share(platform: Platform, user: string, userAction: UserAction & { do: "share" }): Outcome {
  const bytes = Buffer.from(userAction.base64, "base64");
  if (bytes.length > limits.fileBytes) throw new SlackRefusal("file_upload_size_restricted");
  const file = newFile(platform, userAction.name, bytes.length, user);
  receive(platform, file.id, bytes);
  file.channels.push(userAction.channel);
  const thread = userAction.thread ? { thread_ts: userAction.thread } : {};
  const message = post(platform, {
    channel: userAction.channel,
    user,
    text: userAction.text,
    files: [file],
    ...thread,
  });
  return { ok: true, ts: message.ts };
}
