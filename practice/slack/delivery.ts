import type { Json } from "./objects.ts";

/** What Slack tells an app: over Socket Mode an envelope, over HTTP a signed request. */
export interface Envelope {
  readonly type: "slash_commands" | "interactive" | "events_api";
  readonly payload: Json;
  /** Whether the acknowledgement may carry an answer. */
  readonly accepts: boolean;
  readonly retry?: { readonly attempt: number; readonly reason: string };
}

/** How the app answered within its three seconds. `error` is the word the person sees. */
export type Answer =
  | { readonly ok: true; readonly payload: Json; readonly milliseconds: number; readonly connection: string }
  | { readonly ok: false; readonly error: "operation_timeout" | "dispatch_failed"; readonly connection: string | null };

export interface Delivery {
  send(envelope: Envelope): Promise<Answer>;
}

/** A short name for the inspector: `slash /dr`, `block_actions approve`. */
export function nameOf(envelope: Envelope): string {
  const payload = envelope.payload as Json & { actions?: { action_id?: string }[]; view?: { callback_id?: string } };
  if (envelope.type === "slash_commands") return `${payload.command} ${payload.text}`.trim();
  if (envelope.type === "events_api") return String((payload.event as Json | undefined)?.type ?? payload.type);
  const what = payload.actions?.[0]?.action_id ?? payload.view?.callback_id ?? payload.callback_id ?? "";
  return `${payload.type} ${what}`.trim();
}
