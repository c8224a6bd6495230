import { setTimeout as pause } from "node:timers/promises";
import type { Message } from "../../templates/messages/kit/message.ts";
import type { Logger } from "../lib/log.ts";
import { callFailureOf } from "../sinks/slack/call-failure.ts";
import { backoffSeconds } from "../sinks/slack/deliver.ts";
import { isSlackChannel } from "../sinks/slack/names.ts";
import { truncateMessage } from "../sinks/slack/truncate.ts";
import type { Clients } from "./clients.ts";

export interface Announcing {
  readonly clients: Clients;
  readonly announceIn: string | null;
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/**
 * Posts into the channel incidents are announced in, past the store and its outbox: for what has to be said when the store
 * itself is not to be believed. Tried on until Slack takes it or the process leaves; never rejects.
 */
export async function announce({ clients, announceIn, stopping, log }: Announcing, message: Message): Promise<void> {
  if (announceIn === null) return;
  for (let failures = 0; !stopping.aborted; failures++) {
    try {
      await clients.bulk.chat.postMessage({
        channel: isSlackChannel(announceIn) ? announceIn : `#${announceIn}`,
        ...truncateMessage(message),
      } as unknown as Parameters<typeof clients.bulk.chat.postMessage>[0]);
      return;
    } catch (error) {
      if (failures === 0)
        log.warn({ event: "slack.announce_failed", says: callFailureOf(error).says }, "an announcement waits");
      await pause(backoffSeconds(failures) * 1000, undefined, { signal: stopping }).catch(() => {});
    }
  }
}
