import { elementsOf } from "../blockkit/check.ts";
import type { Block, Element, Json, Message, View } from "../objects.ts";
import { APP, TEAM } from "../people.ts";
import type { Platform } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import { shown } from "../web/chat.ts";
import type { BlockPlace } from "./user-action.ts";

/** Who does it and what the app may do in return; in every interactive payload. */
export function identity(platform: Platform, id: string, view: string | null = null): Json {
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

export function messagePlace(platform: Platform, user: string, message: Message): Json {
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

export function plainView(view: View): Json {
  const { errors: _errors, ...rest } = view;
  return rest;
}

export function locate(platform: Platform, place: BlockPlace): { blocks: Block[]; message?: Message; view?: View } {
  if ("view" in place) {
    const view = platform.store.views.get(place.view);
    if (!view) throw new SlackRefusal("not_found");
    return { blocks: view.blocks, view };
  }
  const message =
    platform.store.ephemerals.find((one) => one.ts === place.ts && one.channel === place.channel) ??
    platform.store.message(place.channel, place.ts);
  return { blocks: message.blocks ?? [], message };
}

export function elementIn(blocks: readonly Block[], block: string, action: string): Element {
  const within = blocks.find((one) => one.block_id === block);
  const element = within && elementsOf(within).find((one) => one.action_id === action);
  if (!element) throw new SlackRefusal("no_such_element", { block, action });
  return element;
}
