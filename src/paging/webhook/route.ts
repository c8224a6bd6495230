import { PAGERDUTY_WEBHOOK } from "../../http/paths.ts";
import type { WebhookRoute } from "../../http/webhooks.ts";
import type { Logger } from "../../lib/log.ts";
import type { Inbox } from "../../timeline/contract.ts";
import { eventOf } from "./payload.ts";
import { isSigned } from "./signature.ts";

export interface RouteOptions {
  readonly secrets: readonly string[];
  readonly inbox: Pick<Inbox, "receive">;
  readonly log: Logger;
  /** Something is in the inbox. */
  readonly received: () => void;
}

export const KIND = "pagerduty.event";
/** PagerDuty's own are a few kilobytes. */
const BODY_BYTES = 256 * 1024;

/** `POST /pagerduty/webhook`: checked over the raw bytes, written to the inbox, and only then answered. */
export function pagerdutyRoute({ secrets, inbox, log, received }: RouteOptions): WebhookRoute {
  return {
    path: PAGERDUTY_WEBHOOK,
    bodyBytes: BODY_BYTES,
    async receive({ headers, raw, from }) {
      const header = headers["x-pagerduty-signature"];
      if (!isSigned(raw, typeof header === "string" ? header : undefined, secrets)) {
        log.warn({ event: "webhook.unsigned", from }, "a webhook without a valid signature was refused");
        return 401;
      }
      const event = eventOf(raw);
      if (event === null) return 400;
      if (event.event_type === "pagey.ping") return 202;
      if (await inbox.receive(`pagerduty/${event.id}`, KIND, event)) received();
      return 202;
    },
  };
}
