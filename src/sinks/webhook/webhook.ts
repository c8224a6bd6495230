import { LifeboatError, messageOf } from "../../lib/errors.ts";
import { isUnconnected, post } from "../../lib/web.ts";
import type { DueItem } from "../../projection/deliveries.ts";
import type { Sent, Sink } from "../../projection/worker.ts";
import { signedHeaders } from "./sign.ts";

/** Where events are posted to. */
export interface Receiver {
  readonly url: string;
  /** The current one first. */
  readonly secrets: readonly string[];
}

export interface WebhookOptions {
  /** By the name that stands in the queue. */
  readonly receivers: ReadonlyMap<string, Receiver>;
  readonly practice: boolean;
  readonly seconds?: number;
  readonly now?: () => Date;
}

/** What is posted: its id, and when it happened. What else is in it is its maker's. */
export interface Posted {
  readonly id: string;
  readonly time: string;
}

export const WEBHOOK = "webhook";
const SECONDS = 10;
const BYTES_MAX = 4096;
/** What a receiver did not take for so long is history, and it holds up everything after it. */
export const PATIENCE_MS = 24 * 3600 * 1000;

export const queueOf = (receiver: string) => `${WEBHOOK}/${receiver}`;

/** Posts events, signed, in their order, until the receiver says 2xx. A receiver tells a repeat by its id. */
export function createWebhook({
  receivers,
  practice,
  seconds = SECONDS,
  now = () => new Date(),
}: WebhookOptions): Sink {
  return {
    name: WEBHOOK,
    async send({ queue, desired }: DueItem): Promise<Sent> {
      const name = queue.slice(WEBHOOK.length + 1);
      const receiver = receivers.get(name);
      const { id, time } = desired as Posted;
      if (receiver === undefined) return { how: "never", says: `There is no receiver "${name}" any more` };
      if (now().getTime() - Date.parse(time) > PATIENCE_MS)
        return { how: "never", says: `${name} took nothing for a day: this event is too old to be sent` };
      const body = JSON.stringify(desired);
      const headers = {
        "content-type": "application/cloudevents+json; charset=utf-8",
        ...signedHeaders(id, body, receiver.secrets, now()),
      };
      try {
        const { status } = await post(receiver.url, body, headers, { practice, seconds, bytesMax: BYTES_MAX });
        return answered(name, status);
      } catch (error) {
        if (error instanceof LifeboatError && /^(address|url)-/.test(error.problem.code))
          return { how: "never", says: `${name}: ${error.problem.what}` };
        return { how: "later", sure: isUnconnected(error), says: `${name} does not answer: ${messageOf(error)}` };
      }
    },
    // That it was delivered is on no timeline; who it was about is in the outbox no longer than it takes to deliver it.
    async record() {},
  };
}

/** What it answered is not repeated: it may quote what it was sent. */
function answered(name: string, status: number): Sent {
  if (status >= 200 && status < 300) return { how: "delivered", told: { status }, reference: null, says: null };
  if (status >= 300 && status < 400)
    return { how: "never", says: `${name} answers ${status}: redirects are not followed` };
  // A wrong secret or path can be put right; what it can't read at all stays so.
  if ([400, 413, 415, 422].includes(status)) return { how: "never", says: `${name} answers ${status}` };
  if (status === 410) return { how: "never", says: `${name} answers 410: it wants no more` };
  return { how: "later", sure: status < 500 || status === 503, says: `${name} answers ${status}` };
}
