import type { Logger } from "../lib/log.ts";
import type { EventToAppend, Timeline } from "../timeline/contract.ts";
import type { Deliveries, Delivery, Ended } from "../timeline/delivery.ts";
import type { Way } from "./way.ts";

export interface DeliveryWorkerOptions {
  readonly timeline: Pick<Timeline, "decide">;
  readonly deliveries: Deliveries;
  readonly ways: readonly Way[];
  readonly owner: string;
  readonly log: Logger;
}

/** A claim outlives the slowest send (25 s) with room to spare. */
const CLAIM_SECONDS = 60;
const AT_ONCE = 8;
/** A way that is closed is tried again at least this often: what people wait for goes out soon after it opens. */
const PATIENCE_SECONDS = 15;

/**
 * Brings what is wanted outside, once each. How it went is written down beside the delivery first and on the timeline
 * after it; a process that dies between the two leaves the second to whoever looks next.
 */
export function createDeliveryWorker({ timeline, deliveries, ways, owner, log }: DeliveryWorkerOptions) {
  const append = (stream: string, event: EventToAppend) =>
    timeline.decide(stream, () => ({ events: [event], value: null }));

  async function bring(delivery: Delivery): Promise<void> {
    const way = ways.find(({ via }) => via === delivery.via);
    // Another process may have it configured; here it waits.
    if (way === undefined) return void (await deliveries.again(delivery.id, owner, "not configured", 10, true));
    const reference = await deliveries.lastReference(delivery.lane);
    if (!(await deliveries.sending(delivery.id, owner))) return;
    const { key, content, unsure } = delivery;
    const sent = await way.send({ key, content, unsure, reference });
    switch (sent.how) {
      case "delivered":
        await deliveries.ended(delivery.id, owner, {
          ...{ outcome: "delivered", reference: sent.reference, reached: sent.to, says: sent.says },
        });
        return;
      case "never":
        await deliveries.ended(delivery.id, owner, {
          ...{ outcome: "undelivered", reference: null, reached: null, says: sent.says },
        });
        return;
      case "later": {
        const seconds =
          Math.min(PATIENCE_SECONDS, 2 ** Math.min(delivery.attempts - 1, 9)) * (0.75 + Math.random() / 4);
        const { sure, says } = sent;
        log.warn({ key, says, attempts: delivery.attempts }, "An update could not be brought yet; it is tried on.");
        await deliveries.again(delivery.id, owner, says, seconds, sure && !unsure);
        if (delivery.attempts <= 3) await append(delivery.stream, delayed(delivery, says));
        return;
      }
      default:
        sent satisfies never;
    }
  }

  return {
    /** Everything that can be brought now. Resolves when none of it is under way. */
    async round(): Promise<void> {
      const claimed = await deliveries.claim(owner, CLAIM_SECONDS, AT_ONCE);
      await Promise.all(
        claimed.map((delivery) =>
          bring(delivery).catch((error) =>
            log.error({ err: error, key: delivery.key }, "A delivery could not be worked on; it is tried again."),
          ),
        ),
      );
      for (const ended of await deliveries.unrecorded(AT_ONCE)) {
        await append(ended.stream, told(ended));
        await deliveries.recorded(ended.id);
      }
    },
  };
}

const actor = { kind: "bot" } as const;

function idOf(key: string): { update: string; via: string } {
  const [update = "", via = ""] = key.split("/");
  return { update, via };
}

function delayed({ key }: Delivery, says: string): EventToAppend {
  return { type: "update.delayed", data: { ...idOf(key), says }, actor, key: `${key}/update.delayed` };
}

function told({ key, outcome, reached, says }: Ended): EventToAppend {
  if (outcome === "undelivered")
    return {
      ...{ type: "update.undelivered", data: { ...idOf(key), says: says ?? "it was refused" } },
      ...{ actor, key: `${key}/update.undelivered` },
    };
  return {
    ...{ type: "update.delivered", data: { ...idOf(key), to: reached ?? "its readers", says } },
    ...{ actor, key: `${key}/update.delivered` },
  };
}
