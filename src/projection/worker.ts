import { randomUUID } from "node:crypto";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Deliveries, DueItem, Ended } from "./deliveries.ts";
import { createTasks } from "./flights.ts";

/** A way outside, beside Slack. */
export interface Sink {
  readonly name: string;
  /**
   * Makes the outside show what is desired. To be called again after any failure: it looks first, or sends under the same name.
   * Every call ends within its own deadline. A rejection is "no one knows".
   */
  send(item: DueItem): Promise<Sent>;
  /** Writes on the timeline how it ended; called at least once for each. Absent: nothing is written, or `send` does. */
  record?(ended: Ended): Promise<void>;
  /** Told after each attempt that failed. */
  delayed?(item: DueItem, sent: Later): Promise<void>;
}

export type Sent =
  /** `told`: what is kept of it, a JSON value. */
  | {
      readonly how: "delivered";
      readonly told: unknown;
      readonly reference: string | null;
      readonly says: string | null;
    }
  /** Not yet. `sure`: it certainly did not arrive. `seconds`: when the outside said itself when to come back. */
  | Later
  /** The other side read it and will not have it; trying again changes nothing. */
  | { readonly how: "never"; readonly says: string };

export interface Later {
  readonly how: "later";
  readonly sure: boolean;
  readonly says: string;
  readonly seconds?: number;
  /** What was thrown, where the sink writes more of it than words. */
  readonly error?: unknown;
}

export interface DeliveryWorkerOptions {
  readonly deliveries: Deliveries;
  readonly sinks: readonly Sink[];
  readonly log: Logger;
  /** Something has ended: there may be more to do. */
  readonly ended: () => void;
}

/** Claims what is due, has it sent and writes down how that went, for every sink the same. */
export interface DeliveryWorker {
  /** Begins what can be begun now; resolves without waiting for it. */
  round(): Promise<void>;
  /** Resolves when nothing is in progress. */
  settled(): Promise<void>;
}

/** More than every call of one delivery together may take. */
const CLAIM_SECONDS = 60;
const AT_ONCE = 8;
/** Between the note that it is being sent and sending it: who stood still for longer may have lost the claim, and another may have sent it. */
const STALE_MS = 5_000;
/** What is closed is tried again at least this often: what people wait for goes out soon after it opens. */
const PATIENCE_SECONDS = 15;

export function createDeliveryWorker({ deliveries, sinks, log, ended }: DeliveryWorkerOptions): DeliveryWorker {
  const owner = `delivery-${randomUUID()}`;
  const tasks = createTasks();
  const names = sinks.map(({ name }) => name);
  const recorders = sinks.filter(({ record }) => record !== undefined);

  async function deliver(item: DueItem): Promise<void> {
    const sink = sinks.find(({ name }) => name === item.sink);
    const askedAt = performance.now();
    if (sink === undefined || !(await deliveries.sending(item, owner))) return;
    if (performance.now() - askedAt > STALE_MS) return;
    const sent = await sink.send(item).catch((error): Sent => ({ how: "later", sure: false, says: messageOf(error) }));
    const about = { sink: item.sink, stream: item.stream, key: item.key, tries: item.tries + 1 };
    const isRecorded = sink.record === undefined;
    switch (sent.how) {
      case "delivered":
        return await deliveries.delivered(item, owner, sent, isRecorded);
      case "never":
        log.error({ event: "outbox.given_up", ...about, says: sent.says }, "delivery refused; not retried");
        return await deliveries.giveUp(item, owner, sent.says, isRecorded);
      case "later": {
        log.warn({ event: "outbox.delayed", ...about, says: sent.says }, "delivery delayed; retrying");
        await deliveries.later(
          item,
          owner,
          { says: sent.says, sure: sent.sure && !item.unsure },
          sent.seconds ?? pause(item),
        );
        await sink.delayed?.(item, sent);
        return;
      }
      default:
        sent satisfies never;
    }
  }

  /** What ended and may not be on the timeline yet: also what another process has left behind. */
  async function record(): Promise<void> {
    if (recorders.length === 0) return;
    for (const one of await deliveries.unrecorded(
      recorders.map(({ name }) => name),
      AT_ONCE,
    )) {
      await recorders.find(({ name }) => name === one.sink)?.record?.(one);
      await deliveries.recorded(one.id);
    }
  }

  return {
    async round() {
      if (tasks.size < AT_ONCE)
        for (const item of await deliveries.claim(owner, names, CLAIM_SECONDS, AT_ONCE - tasks.size))
          tasks.start(item.id, () =>
            deliver(item)
              .catch((error) =>
                log.error(
                  { event: "outbox.failed", err: error, sink: item.sink, key: item.key },
                  "outbox failed; retrying",
                ),
              )
              .finally(ended),
          );
      await record();
    },
    settled: tasks.settled,
  };
}

function pause({ tries }: DueItem): number {
  return Math.min(PATIENCE_SECONDS, 2 ** Math.min(tries, 9)) * (0.75 + Math.random() / 4);
}
