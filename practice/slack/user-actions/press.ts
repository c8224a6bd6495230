import { answerOf, stateOf } from "../blockkit/answers.ts";
import type { Element, Json } from "../objects.ts";
import { BOT_USER } from "../people.ts";
import { type Platform, stampFor, tell } from "../platform.ts";
import { elementIn, identity, locate, messagePlace, plainView } from "./payload.ts";
import { failed, type Outcome, type UserAction } from "./user-action.ts";

/** A person presses a button, picks from a menu, or opens a form from either: Slack sends a `block_actions` payload. */
export async function use(platform: Platform, user: string, userAction: UserAction & { do: "use" }): Promise<Outcome> {
  const found = locate(platform, userAction.place);
  const element = elementIn(found.blocks, userAction.block, userAction.action);
  // As in Slack, the state of a form has what was just chosen in it.
  const chosen =
    userAction.choice === null || found.view === undefined ? {} : { [userAction.action]: userAction.choice };
  const values = stateOf(found.blocks, {
    ...userAction.filled,
    [userAction.block]: { ...userAction.filled?.[userAction.block], ...chosen },
  });
  const seen = found.view ? { ...found.view, state: { values } } : undefined;
  const action = {
    action_id: userAction.action,
    block_id: userAction.block,
    ...(element.type === "button" ? pressed(element) : answerOf(element, userAction.choice)),
    action_ts: stampFor(platform, platform.store.mintTs()),
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

export async function suggest(
  platform: Platform,
  user: string,
  userAction: UserAction & { do: "suggest" },
): Promise<Outcome> {
  const found = locate(platform, userAction.place);
  elementIn(found.blocks, userAction.block, userAction.action);
  const answer = await platform.delivery.send({
    type: "interactive",
    accepts: true,
    payload: {
      type: "block_suggestion",
      ...identity(platform, user),
      ...(found.message ? messagePlace(platform, user, found.message) : { view: found.view && plainView(found.view) }),
      action_id: userAction.action,
      block_id: userAction.block,
      value: userAction.query,
    },
  });
  if (!answer.ok) return failed(answer, "The list");
  const groups = answer.payload.option_groups as { options: Json[] }[] | undefined;
  return { ok: true, options: (answer.payload.options as Json[]) ?? groups?.flatMap((group) => group.options) ?? [] };
}

export async function shortcut(
  platform: Platform,
  user: string,
  userAction: UserAction & { do: "shortcut" },
): Promise<Outcome> {
  const common = {
    ...identity(platform, user),
    callback_id: userAction.callback,
    action_ts: stampFor(platform, platform.store.mintTs()),
  };
  const on = userAction.message;
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

export function home(platform: Platform, user: string): Outcome {
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

function pressed(button: Element): Json {
  const { type, text, value, style } = button;
  return { type, text, ...(value === undefined ? {} : { value }), ...(style === undefined ? {} : { style }) };
}
