import { answerOf, type Choice, type Filled, gapsIn, stateOf } from "./blockkit/answers.ts";
import { elementsOf } from "./blockkit/check.ts";
import { isObject } from "./blockkit/rules.ts";
import type { Answer } from "./delivery.ts";
import { limits } from "./limits.ts";
import { commandIn } from "./manifest.ts";
import type { Block, Element, Json, Message, View } from "./objects.ts";
import { APP, BOT_USER, TEAM } from "./people.ts";
import { byBot, type Platform, post, tell } from "./platform.ts";
import { Refusal } from "./refusal.ts";
import { asTyped } from "./typed.ts";
import { content, shown } from "./web/chat.ts";
import { cannotInvite, letIn } from "./web/conversations.ts";
import { newFile, receive } from "./web/files.ts";
import { react } from "./web/furniture.ts";
import { Args } from "./web/method.ts";
import { modalOf, pushModal, replaceModal, show } from "./web/views.ts";

/** Where a block stands: in a message (ephemeral ones too) or in an open view. */
export type Place = { readonly channel: string; readonly ts: string } | { readonly view: string };

/** Everything a person can do in Slack that an app can hear of. */
export type Deed =
  | { readonly do: "slash"; readonly text: string; readonly channel: string; readonly thread?: string | undefined }
  | { readonly do: "say"; readonly text: string; readonly channel: string; readonly thread?: string | undefined }
  | {
      readonly do: "use";
      readonly place: Place;
      readonly block: string;
      readonly action: string;
      readonly choice: Choice;
      readonly filled?: Filled | undefined;
    }
  | {
      readonly do: "suggest";
      readonly place: Place;
      readonly block: string;
      readonly action: string;
      readonly query: string;
    }
  | { readonly do: "submit"; readonly view: string; readonly filled: Filled }
  | { readonly do: "close"; readonly view: string; readonly all?: boolean | undefined }
  | {
      readonly do: "shortcut";
      readonly callback: string;
      readonly message?: { readonly channel: string; readonly ts: string } | undefined;
    }
  | { readonly do: "home" }
  | { readonly do: "react"; readonly channel: string; readonly ts: string; readonly name: string }
  | {
      readonly do: "share";
      readonly channel: string;
      readonly thread?: string | undefined;
      readonly name: string;
      readonly base64: string;
      readonly text: string;
    };

/** How it went, as the person is told it. */
export type Outcome =
  | { readonly ok: true; readonly ts?: string; readonly options?: readonly Json[]; readonly milliseconds?: number }
  | {
      readonly ok: false;
      /** Slack's word: `operation_timeout`, `dispatch_failed`, … */
      readonly error: string;
      /** The sentence Slack shows. */
      readonly said: string;
      /** A form's faults: block id → what is wrong. */
      readonly errors?: Readonly<Record<string, string>>;
    };

/** Does what `user` does, and resolves when the app has acknowledged it or its three seconds are over. */
export async function perform(platform: Platform, user: string, deed: Deed): Promise<Outcome> {
  platform.store.user(user);
  switch (deed.do) {
    case "slash":
      return slash(platform, user, deed);
    case "say":
      return say(platform, user, deed);
    case "use":
      return use(platform, user, deed);
    case "suggest":
      return suggest(platform, user, deed);
    case "submit":
      return submit(platform, user, deed.view, deed.filled);
    case "close":
      return close(platform, user, deed.view, deed.all ?? false);
    case "shortcut":
      return shortcut(platform, user, deed);
    case "home":
      return home(platform, user);
    case "react":
      react(platform, deed.channel, deed.ts, deed.name, user);
      return { ok: true };
    case "share": {
      const bytes = Buffer.from(deed.base64, "base64");
      if (bytes.length > limits.fileBytes) throw new Refusal("file_upload_size_restricted");
      const file = newFile(platform, deed.name, bytes.length, user);
      receive(platform, file.id, bytes);
      file.channels.push(deed.channel);
      const thread = deed.thread ? { thread_ts: deed.thread } : {};
      const message = post(platform, { channel: deed.channel, user, text: deed.text, files: [file], ...thread });
      return { ok: true, ts: message.ts };
    }
    default:
      deed satisfies never;
      throw new Refusal("unknown_deed");
  }
}

async function slash(platform: Platform, user: string, deed: Deed & { do: "slash" }): Promise<Outcome> {
  const [, command = "", words = ""] = /^(\/\S+)\s*([\s\S]*)$/.exec(deed.text.trim()) ?? [];
  if (command === "") return refused("not_a_command", `${deed.text} does not begin with /.`);
  const channel = platform.store.channel(deed.channel);
  if (deed.thread) return refused("not_in_threads", `${command} is not supported in threads. Sorry!`);
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
      if (!(error instanceof Refusal)) throw error;
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
    if (error) return refused(error, `That person can not be invited (${error}).`);
    letIn(platform, channel, one, user);
  }
  return { ok: true };
}

async function say(platform: Platform, user: string, deed: Deed & { do: "say" }): Promise<Outcome> {
  const { store } = platform;
  const channel = store.channel(deed.channel);
  if (channel.archived) return refused("is_archived", "This channel is archived.");
  const text = asTyped(store, deed.text, false);
  if (text.trim() === "") return refused("no_text", "There is nothing to say.");
  const thread = deed.thread ? { thread_ts: deed.thread } : {};
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

async function use(platform: Platform, user: string, deed: Deed & { do: "use" }): Promise<Outcome> {
  const found = locate(platform, deed.place);
  const element = elementIn(found.blocks, deed.block, deed.action);
  const values = stateOf(found.blocks, deed.filled ?? {});
  const seen = found.view ? { ...found.view, state: { values } } : undefined;
  const action = {
    action_id: deed.action,
    block_id: deed.block,
    ...(element.type === "button" ? pressed(element) : answerOf(element, deed.choice)),
    action_ts: platform.store.mintTs(),
  };
  const answer = await platform.delivery.send({
    type: "interactive",
    accepts: true,
    payload: {
      type: "block_actions",
      ...identity(platform, user, found.view?.id ?? null),
      ...(found.message ? messagePlace(platform, user, found.message) : {}),
      ...(seen ? { container: { type: "view", view_id: seen.id }, view: plainView(seen) } : {}),
      state: { values },
      actions: [action],
    },
  });
  return answer.ok ? { ok: true, milliseconds: answer.milliseconds } : failed(answer, "That action");
}

async function suggest(platform: Platform, user: string, deed: Deed & { do: "suggest" }): Promise<Outcome> {
  const found = locate(platform, deed.place);
  elementIn(found.blocks, deed.block, deed.action);
  const answer = await platform.delivery.send({
    type: "interactive",
    accepts: true,
    payload: {
      type: "block_suggestion",
      ...identity(platform, user),
      ...(found.message ? messagePlace(platform, user, found.message) : { view: found.view && plainView(found.view) }),
      action_id: deed.action,
      block_id: deed.block,
      value: deed.query,
    },
  });
  if (!answer.ok) return failed(answer, "The list");
  const groups = answer.payload.option_groups as { options: Json[] }[] | undefined;
  return { ok: true, options: (answer.payload.options as Json[]) ?? groups?.flatMap((group) => group.options) ?? [] };
}

async function submit(platform: Platform, user: string, id: string, filled: Filled): Promise<Outcome> {
  const { store } = platform;
  const view = openView(platform, user, id);
  const gaps = gapsIn(view, filled);
  if (Object.keys(gaps).length > 0) return faulty(platform, user, view, gaps);
  view.state = { values: stateOf(view.blocks, filled) };
  delete view.errors;
  const answer = await platform.delivery.send({
    type: "interactive",
    accepts: true,
    payload: {
      type: "view_submission",
      ...identity(platform, user, view.id),
      view: plainView(view),
      response_urls: [],
    },
  });
  if (!answer.ok) return refused(answer.error, "We had some trouble connecting. Try again?");
  if (!store.views.has(view.id)) return { ok: true, milliseconds: answer.milliseconds };
  try {
    return reactTo(platform, user, view, answer.payload) ?? { ok: true, milliseconds: answer.milliseconds };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const why = (error.details.response_metadata as { messages?: string[] } | undefined)?.messages?.join("; ") ?? "";
    return refused(
      error.error,
      `We had some trouble connecting. Try again? (${error.error} ${why})`.replace(" )", ")"),
    );
  }
}

/** Follows the app's `response_action`; says so when the form has faults. */
function reactTo(platform: Platform, user: string, view: View, reply: Json): Outcome | undefined {
  const stack = platform.store.modals.get(user) ?? [];
  switch (reply.response_action) {
    case "errors": {
      const errors = isObject(reply.errors) ? (reply.errors as Record<string, string>) : {};
      const inputs = view.blocks.filter((block) => block.type === "input").map((block) => block.block_id);
      if (Object.keys(errors).length === 0 || Object.keys(errors).some((block) => !inputs.includes(block)))
        throw new Refusal("invalid_response_action_errors");
      return faulty(platform, user, view, errors);
    }
    case "update":
      replaceModal(platform, view.id, modalOf(reply.view));
      return undefined;
    case "push":
      pushModal(platform, user, modalOf(reply.view));
      return undefined;
    case "clear":
      show(platform, user, []);
      return undefined;
    case undefined:
      show(
        platform,
        user,
        stack.filter((one) => one.id !== view.id),
      );
      return undefined;
    default:
      throw new Refusal("invalid_response_action");
  }
}

async function close(platform: Platform, user: string, id: string, all: boolean): Promise<Outcome> {
  const view = openView(platform, user, id);
  const stack = platform.store.modals.get(user) ?? [];
  const clears = all || view.clear_on_close;
  const gone = clears ? [...stack].reverse() : [view];
  show(platform, user, clears ? [] : stack.filter((one) => one.id !== id));
  for (const one of gone.filter((closed) => closed.notify_on_close))
    await platform.delivery.send({
      type: "interactive",
      accepts: false,
      payload: { type: "view_closed", ...identity(platform, user), view: plainView(one), is_cleared: clears },
    });
  return { ok: true };
}

async function shortcut(platform: Platform, user: string, deed: Deed & { do: "shortcut" }): Promise<Outcome> {
  const common = { ...identity(platform, user), callback_id: deed.callback, action_ts: platform.store.mintTs() };
  const on = deed.message;
  const message = on && platform.store.message(on.channel, on.ts);
  const answer = await platform.delivery.send({
    type: "interactive",
    accepts: true,
    payload: message
      ? { type: "message_action", ...common, ...messagePlace(platform, user, message), message_ts: message.ts }
      : { type: "shortcut", ...common },
  });
  return answer.ok ? { ok: true, milliseconds: answer.milliseconds } : failed(answer, "The shortcut");
}

function home(platform: Platform, user: string): Outcome {
  const view = platform.store.homes.get(user);
  void tell(platform, {
    type: "app_home_opened",
    user,
    channel: platform.store.direct([user, BOT_USER]).id,
    tab: "home",
    ...(view ? { view: plainView(view) } : {}),
  });
  return { ok: true };
}

function locate(platform: Platform, place: Place): { blocks: Block[]; message?: Message; view?: View } {
  if ("view" in place) {
    const view = platform.store.views.get(place.view);
    if (!view) throw new Refusal("not_found");
    return { blocks: view.blocks, view };
  }
  const message =
    platform.store.ephemerals.find((one) => one.ts === place.ts && one.channel === place.channel) ??
    platform.store.message(place.channel, place.ts);
  return { blocks: message.blocks ?? [], message };
}

function elementIn(blocks: readonly Block[], block: string, action: string): Element {
  const within = blocks.find((one) => one.block_id === block);
  const element = within && elementsOf(within).find((one) => one.action_id === action);
  if (!element) throw new Refusal("no_such_element", { block, action });
  return element;
}

function openView(platform: Platform, user: string, id: string): View {
  const view = platform.store.modals.get(user)?.find((one) => one.id === id);
  if (!view) throw new Refusal("not_found");
  return view;
}

function pressed(button: Element): Json {
  const { type, text, value, style } = button;
  return { type, text, ...(value === undefined ? {} : { value }), ...(style === undefined ? {} : { style }) };
}

function identity(platform: Platform, id: string, view: string | null = null): Json {
  const user = platform.store.user(id);
  return {
    token: "practice-verification",
    team: { id: TEAM, domain: "practice" },
    user: { id, username: user.name, name: user.name, team_id: user.team_id },
    api_app_id: APP,
    enterprise: null,
    is_enterprise_install: false,
    trigger_id: platform.tokens.mintTrigger(id, view),
  };
}

function messagePlace(platform: Platform, user: string, message: Message): Json {
  const channel = platform.store.channel(message.channel);
  const ephemeral = message.only !== undefined;
  const answer = { user, channel: channel.id, thread: message.thread_ts, message: message.ts };
  return {
    container: {
      type: "message",
      message_ts: message.ts,
      channel_id: channel.id,
      is_ephemeral: ephemeral,
      ...(message.thread_ts ? { thread_ts: message.thread_ts } : {}),
    },
    channel: { id: channel.id, name: channel.kind === "im" ? "directmessage" : channel.name },
    // Slack leaves the content of ephemerals out.
    ...(ephemeral ? {} : { message: shown(message) }),
    response_url: platform.origin() + platform.tokens.mintAnswer(answer),
  };
}

function plainView(view: View): Json {
  const { errors: _errors, ...rest } = view;
  return rest;
}

function faulty(platform: Platform, user: string, view: View, errors: Record<string, string>): Outcome {
  view.errors = errors;
  platform.store.announce({ kind: "modal", user, stack: platform.store.modals.get(user) ?? [] });
  return { ok: false, error: "form_errors", said: Object.values(errors).join(" "), errors };
}

function failed(answer: Answer & { ok: false }, what: string): Outcome {
  const why = answer.error === "operation_timeout" ? "the app did not respond" : "the app could not be reached";
  return refused(answer.error, `${what} failed because ${why}. (${answer.error})`);
}

function refused(error: string, said: string): Outcome {
  return { ok: false, error, said };
}
