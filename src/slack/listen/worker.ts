import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { Inbox } from "../../timeline/contract.ts";
import type { Delivery, Interaction, InteractionHandles } from "./delivery.ts";

export interface WorkerOptions {
  readonly inbox: Inbox;
  readonly log: Logger;
  /** Answers one delivery; a rejection has it tried again. */
  readonly handle: (key: string, delivery: Delivery, live: InteractionHandles | null) => Promise<void>;
  /** Too old to be done without asking again; the one who asked is told instead. `now`: real time. */
  readonly tooOld: (delivery: Delivery, now: Date) => Promise<void>;
  /** Real time, as Slack's is. */
  readonly now: () => Date;
  readonly pollMs?: number;
}

/**
 * Handles what the inbox holds: at once in the process that received it, and by any process when that one died.
 */
export interface Worker {
  now(taken: Interaction): void;
  start(): void;
  /** Resolves when what is being handled is done, or the time is over. */
  stop(drainSeconds: number): Promise<void>;
}

/** A delivery is its receiver's for this long; then it counts as dead. */
export const CLAIM_SECONDS = 30;
/** Slack tries for minutes to deliver, and replays what an app missed hours later ("delayed events"). */
export const TOO_OLD_SECONDS = 900;
const ATTEMPTS = 5;
const AT_ONCE = 10;

/** By when it was done, where Slack says so, and by when it came in, whichever is earlier. */
function isTooOld({ doneAt }: Delivery, receivedAt: Date, now: Date): boolean {
  const since = Math.min(receivedAt.getTime(), doneAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(doneAt));
  return now.getTime() - since > TOO_OLD_SECONDS * 1000;
}

export function createWorker({ inbox, log, handle, tooOld, now, pollMs = 2000 }: WorkerOptions): Worker {
  const underWay = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | null = null;
  let stopping = false;

  function track(work: Promise<void>): void {
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  }

  async function finish(key: string, work: Promise<void>): Promise<void> {
    try {
      await work;
      await inbox.done(key);
    } catch (error) {
      log.error(
        { event: "slack.request_failed", err: error, key },
        "a request from slack could not be handled; retrying",
      );
      await inbox.failed(key, messageOf(error)).catch(() => {});
    }
  }

  async function look(): Promise<void> {
    const items = await inbox.take(AT_ONCE, CLAIM_SECONDS, "slack.");
    for (const { key, body, attempts, receivedAt } of items) {
      const delivery = body as Delivery;
      const at = now();
      const late = isTooOld(delivery, receivedAt, at) || attempts > ATTEMPTS;
      track(finish(key, late ? tooOld(delivery, at) : handle(key, delivery, null)));
    }
  }

  function poll(): void {
    void look()
      .catch((error) => log.debug({ event: "inbox.not_read", err: error }, "the inbox could not be read; retrying"))
      .finally(() => {
        if (!stopping) timer = setTimeout(poll, pollMs);
      });
  }

  return {
    now({ key, delivery, live }) {
      const at = now();
      track(finish(key, isTooOld(delivery, at, at) ? tooOld(delivery, at) : handle(key, delivery, live)));
    },
    start: poll,
    async stop(drainSeconds) {
      stopping = true;
      if (timer !== null) clearTimeout(timer);
      const limit = new Promise((resolve) => setTimeout(resolve, drainSeconds * 1000).unref());
      await Promise.race([Promise.allSettled([...underWay]), limit]);
    },
  };
}
