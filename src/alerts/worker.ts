import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Inbox } from "../timeline/contract.ts";
import { type Hearing, hear } from "./hear.ts";
import type { Notice } from "./notice.ts";
import { ALERTS, SUBSCRIPTION, type Subscription } from "./routes.ts";

export interface WorkerOptions {
  readonly inbox: Inbox;
  readonly hearing: Hearing;
  /** Confirms a subscription SNS asked about; it was verified when it came in. */
  readonly confirm: (subscription: Subscription) => Promise<void>;
  readonly log: Logger;
  readonly settings?: Partial<WorkerSettings>;
}

export interface WorkerSettings {
  readonly pollMs: number;
  /** After a look, what comes in for so long is heard together in the next one. */
  readonly gatherMs: number;
}

export interface AlertWorker {
  /** Something is in the inbox. */
  now(): void;
  start(): void;
  stop(): Promise<void>;
}

const usual: WorkerSettings = { pollMs: 2_000, gatherMs: 1_000 };
const AT_ONCE = 200;
const CLAIM_SECONDS = 60;

/**
 * Hears what the inbox holds of alerts, by whichever process takes it. The first is heard at once and what follows it together, so a storm of alerts is a
 * few decisions.
 */
export function createAlertWorker({ inbox, hearing, confirm, log, settings }: WorkerOptions): AlertWorker {
  const { pollMs, gatherMs } = { ...usual, ...settings };
  let working: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let restUntil = 0;
  let stopped = false;

  async function work(): Promise<void> {
    for (const { key, body } of await inbox.take(AT_ONCE, CLAIM_SECONDS, SUBSCRIPTION))
      await settle([key], () => confirm(body as Subscription));
    while (!stopped) {
      const items = await inbox.take(AT_ONCE, CLAIM_SECONDS, ALERTS);
      if (items.length === 0) return;
      const notices = items.flatMap(({ body }) => (body as { readonly notices: readonly Notice[] }).notices);
      const keys = items.map(({ key }) => key);
      await settle(keys, () => hear(hearing, notices));
    }
  }

  async function settle(keys: readonly string[], what: () => Promise<void>): Promise<void> {
    try {
      await what();
      await Promise.all(keys.map((key) => inbox.done(key)));
    } catch (error) {
      log.error({ event: "alerts.not_heard", err: error, items: keys.length }, "alerts were not heard; trying again");
      await Promise.allSettled(keys.map((key) => inbox.failed(key, messageOf(error))));
    }
  }

  function look(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (stopped || working !== null) return;
    working = work()
      .catch((error) => log.debug({ event: "alerts.inbox_away", err: error }, "the inbox was not read; trying again"))
      .finally(() => {
        working = null;
        restUntil = performance.now() + gatherMs;
        lookIn(pollMs);
      });
  }

  function lookIn(milliseconds: number): void {
    if (stopped) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(look, milliseconds);
  }

  return {
    now() {
      // While one look is in progress or has just been, what comes in is gathered.
      if (working === null) lookIn(Math.max(0, restUntil - performance.now()));
      else void working.finally(() => lookIn(gatherMs));
    },
    start: look,
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await working;
    },
  };
}
