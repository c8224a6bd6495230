import type { BlockAction } from "@slack/bolt";
import { doneAt, type Interaction, NOTHING_TYPED } from "./delivery.ts";
import { readCarried, valuesOf } from "./submission.ts";

/**
 * A press. `action_id` is the verb, or `verb:detail`; the value is what it carries. Null: nothing for us (a link, or an
 * input that only keeps its value).
 */
export function takeAction(body: BlockAction): Interaction | null {
  const action = body.actions[0];
  if (action === undefined) return null;
  const verb = action.action_id.split(":")[0] ?? "";
  if (body.view?.type === "modal") return takeChange(body, body.view, verb);
  const carries = carriedBy(action as unknown as Record<string, unknown>);
  if (carries === null) return null;
  const channel = body.channel?.id ?? null;
  const { thread, isBroadcast } = placeOf(body);
  const shownIn = body.message?.ts ?? body.view?.id ?? "";
  return {
    key: `slack:action:${channel ?? ""}:${shownIn}:${action.action_id}:${action.action_ts}:${body.user.id}`,
    kind: "slack.action",
    delivery: {
      user: body.user.id,
      channel,
      thread,
      ...(isBroadcast && { broadcast: true as const }),
      verb,
      ...NOTHING_TYPED,
      form: null,
      carries,
      responseUrl: body.response_url ?? null,
      about: null,
      ...doneAt(action.action_ts),
    },
    live: { trigger: body.trigger_id, view: null },
  };
}

/**
 * The thread a press was made in; null: on a message that is no reply, which is answered beside it, not under it. `container` and
 * `message` both name the thread; an ephemeral has no `message`. Neither says where a broadcast reply was pressed: it is one message in
 * two places.
 *
 * @see https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
 * @see https://docs.slack.dev/reference/events/message/thread_broadcast
 */
function placeOf(body: BlockAction): { readonly thread: string | null; readonly isBroadcast: boolean } {
  const message = body.message as { thread_ts?: string; subtype?: string } | undefined;
  const container = body.container as { thread_ts?: string } | undefined;
  const thread = container?.thread_ts ?? message?.thread_ts ?? null;
  return { thread, isBroadcast: thread !== null && message?.subtype === "thread_broadcast" };
}

/**
 * Something inside an open form was chosen or pressed: it comes with everything that stands in the form, and with what
 * the form carries. Null: the form is none of ours.
 */
function takeChange(body: BlockAction, view: NonNullable<BlockAction["view"]>, verb: string): Interaction | null {
  const action = body.actions[0];
  const carried = readCarried(view.private_metadata);
  if (action === undefined || carried === null) return null;
  return {
    key: `slack:action:${view.id}:${action.action_id}:${action.action_ts}:${body.user.id}`,
    kind: "slack.action",
    delivery: {
      user: body.user.id,
      channel: carried.channel,
      thread: carried.thread,
      ...(carried.broadcast && { broadcast: true as const }),
      verb,
      ...NOTHING_TYPED,
      form: valuesOf(view.state.values),
      carries: carried.carries,
      responseUrl: null,
      about: null,
      ...doneAt(action.action_ts),
    },
    live: { trigger: null, view: view.id },
  };
}

function carriedBy(action: Record<string, unknown>): string | null {
  if (action.type === "button") return typeof action.url === "string" ? null : String(action.value ?? "");
  const option = action.selected_option as { value?: unknown } | null | undefined;
  if ((action.type === "overflow" || action.type === "static_select") && typeof option?.value === "string")
    return option.value;
  return null;
}
