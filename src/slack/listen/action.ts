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
  const message = body.message as { ts?: string; thread_ts?: string } | undefined;
  const shownIn = message?.ts ?? body.view?.id ?? "";
  return {
    key: `slack:action:${channel ?? ""}:${shownIn}:${action.action_id}:${action.action_ts}:${body.user.id}`,
    kind: "slack.action",
    delivery: {
      user: body.user.id,
      channel,
      // A press on a message that is no reply is answered beside it, not under it.
      thread: message?.thread_ts ?? null,
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
