import type { Answer } from "./rest.ts";
import type { PagerState } from "./state.ts";

interface Event {
  readonly routing_key?: string;
  readonly event_action?: string;
  readonly dedup_key?: string;
  readonly payload?: { readonly summary?: string; readonly source?: string; readonly severity?: string };
}

/** The Events API v2. @see https://developer.pagerduty.com/docs/events-api-v2/overview/ */
export function enqueue(state: PagerState, body: unknown): Answer {
  const event = (body ?? {}) as Event;
  const { event_action: action, dedup_key: key, payload } = event;
  if (event.routing_key !== state.company.routingKey) return invalid("'routing_key' is invalid");
  if (action !== "trigger" && key === undefined) return invalid("'dedup_key' is missing or blank");
  const open = key === undefined ? undefined : state.open(key);
  switch (action) {
    case "trigger":
      if (
        !payload?.summary ||
        !payload.source ||
        !["critical", "error", "warning", "info"].includes(payload.severity ?? "")
      )
        return invalid("'payload' needs a summary, a source and a severity");
      if (open === undefined) state.trigger({ key, title: payload.summary, by: null });
      break;
    case "acknowledge":
      if (open) state.acknowledge(open, null);
      break;
    case "resolve":
      if (open) state.resolve(open, null);
      break;
    default:
      return invalid("'event_action' must be one of [acknowledge, trigger, resolve]");
  }
  return { status: 202, body: { status: "success", message: "Event processed", dedup_key: key } };
}

function invalid(error: string): Answer {
  return { status: 400, body: { status: "invalid event", message: "Event object is invalid", errors: [error] } };
}
