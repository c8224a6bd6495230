import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { Inbox } from "../../timeline/contract.ts";
import { type Hearing, hear } from "./hear.ts";
import type { WebhookEvent } from "./payload.ts";
import { KIND } from "./route.ts";

const CLAIM_SECONDS = 60;
const AT_ONCE = 10;

/** Hears what the inbox holds, in the order it came in, by whichever process takes it. */
export function createWorker(inbox: Inbox, hearing: Hearing, log: Logger, pollMs = 2_000) {
  let working: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;

  async function work(): Promise<void> {
    for (const { key, body } of await inbox.take(AT_ONCE, CLAIM_SECONDS, KIND)) {
      try {
        await hear(hearing, body as WebhookEvent);
        await inbox.done(key);
      } catch (error) {
        log.error({ event: "webhook.failed", err: error, key }, "a webhook could not be handled; retrying");
        await inbox.failed(key, messageOf(error)).catch(() => {});
      }
    }
  }

  function now(): void {
    if (stopped) return;
    if (working !== null) {
      again = true;
      return;
    }
    working = work()
      .catch((error) => log.debug({ event: "inbox.not_read", err: error }, "the inbox could not be read; retrying"))
      .finally(() => {
        working = null;
        if (!again) return;
        again = false;
        now();
      });
  }

  return {
    now,
    start() {
      const poll = () => {
        now();
        timer = setTimeout(poll, pollMs);
      };
      poll();
    },
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await working;
    },
  };
}
