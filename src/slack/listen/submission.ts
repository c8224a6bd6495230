import { randomUUID } from "node:crypto";
import type { ViewSubmitAction } from "@slack/bolt";
import { type Interaction, NOTHING_TYPED } from "./delivery.ts";
import { submittedIn } from "./reopen.ts";

/** What comes back with a form beside its values: where it was requested, and what it carries. */
interface Carried {
  readonly carries: string;
  readonly channel: string | null;
  readonly thread: string | null;
  readonly broadcast?: true;
  readonly nonce: string;
}

export function carriedWith(
  form: { actionValue: string },
  place: { channel: string | null; thread: string | null; broadcast?: true },
): string {
  const carried: Carried = {
    carries: form.actionValue,
    channel: place.channel,
    thread: place.thread,
    ...(place.broadcast && { broadcast: place.broadcast }),
    nonce: randomUUID(),
  };
  return JSON.stringify(carried);
}

/** A form that was sent. Null: it is none of ours. */
export function takeSubmission(body: ViewSubmitAction): Interaction | null {
  const carried = readCarried(body.view.private_metadata);
  if (carried === null) return null;
  return {
    key: `slack:submission:${body.view.id}:${carried.nonce}`,
    kind: "slack.submission",
    delivery: {
      user: body.user.id,
      channel: carried.channel,
      thread: carried.thread,
      ...(carried.broadcast && { broadcast: carried.broadcast }),
      verb: body.view.callback_id,
      ...NOTHING_TYPED,
      form: valuesOf(body.view.state.values),
      carries: carried.carries,
      responseUrl: null,
      about: null,
    },
    live: { trigger: null, view: null, form: { ...submittedIn(body.view), trigger: body.trigger_id } },
  };
}

/** Block id → what was typed or chosen; several choices with commas between, nothing as an empty text. */
export function valuesOf(state: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(state).map(([block, elements]) => [block, Object.values(elements).map(givenIn).join(",")]),
  );
}

function givenIn(element: unknown): string {
  const given = element as Record<string, unknown>;
  const option = (one: unknown) => String((one as { value?: unknown } | null)?.value ?? "");
  if (Array.isArray(given.selected_options)) return given.selected_options.map(option).join(",");
  if (given.selected_option !== undefined) return option(given.selected_option);
  for (const [name, value] of Object.entries(given)) {
    if (name === "type") continue;
    if (Array.isArray(value)) return value.join(",");
    if (typeof value === "string" || typeof value === "number") return String(value);
  }
  return "";
}

export function readCarried(metadata: string): Carried | null {
  try {
    const carried = JSON.parse(metadata) as Partial<Carried> | null;
    if (typeof carried?.carries !== "string" || typeof carried.nonce !== "string") return null;
    return {
      carries: carried.carries,
      nonce: carried.nonce,
      channel: carried.channel ?? null,
      thread: carried.thread ?? null,
      ...(carried.broadcast === true && { broadcast: true as const }),
    };
  } catch {
    return null;
  }
}
