import { type Filled, gapsIn, stateOf } from "../blockkit/answers.ts";
import { isObject } from "../blockkit/rules.ts";
import type { Json, View } from "../objects.ts";
import type { Platform } from "../platform.ts";
import { SlackRefusal } from "../refusal.ts";
import { modalOf, pushModal, replaceModal, show } from "../web/views.ts";
import { identity, plainView } from "./payload.ts";
import { type Outcome, refused } from "./user-action.ts";

export async function submit(platform: Platform, user: string, id: string, filled: Filled): Promise<Outcome> {
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
    if (!(error instanceof SlackRefusal)) throw error;
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
        throw new SlackRefusal("invalid_response_action_errors");
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
      throw new SlackRefusal("invalid_response_action");
  }
}

export async function close(platform: Platform, user: string, id: string, all: boolean): Promise<Outcome> {
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

function openView(platform: Platform, user: string, id: string): View {
  const view = platform.store.modals.get(user)?.find((one) => one.id === id);
  if (!view) throw new SlackRefusal("not_found");
  return view;
}

function faulty(platform: Platform, user: string, view: View, errors: Record<string, string>): Outcome {
  view.errors = errors;
  platform.store.announce({ kind: "modal", user, stack: platform.store.modals.get(user) ?? [] });
  return { ok: false, error: "form_errors", said: Object.values(errors).join(" "), errors };
}
