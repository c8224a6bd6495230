import type { WebClient } from "@slack/web-api";
import type { Logger } from "../../lib/log.ts";
import type { Item } from "../../projection/outbox/messages.ts";
import type { Outbox } from "../../projection/outbox.ts";
import { type CallFailure, callFailureOf } from "./call-failure.ts";
import { bringCanvas, isCanvas } from "./canvas.ts";
import { isPost } from "./choose.ts";
import type { Identity } from "./identity.ts";
import { edit, editCopies, find, nameOf, post } from "./send.ts";

export interface Delivering {
  readonly outbox: Outbox;
  readonly client: WebClient;
  readonly identity: () => Identity;
  readonly log: Logger;
  /** This process's name as an owner of queues. */
  readonly owner: string;
}

/** What one message's failure means for its whole channel. */
export type QueueFailure = CallFailure | { readonly kind: "place gone"; readonly error: string; readonly says: string };

/** Slack takes the words but not the blocks. */
const TOO_RICH = new Set([
  "invalid_blocks",
  "invalid_blocks_format",
  "msg_blocks_too_long",
  "block_mismatch",
  "slack_connect_blocks_restricted",
]);
const PLACE_GONE = new Set([
  "channel_not_found",
  "is_archived",
  "not_in_channel",
  "channel_is_archived",
  "is_inactive",
  // A person's direct messages, closed with their account.
  "user_disabled",
  "user_not_found",
]);
const MESSAGE_GONE = new Set(["message_not_found", "thread_not_found"]);
/** A message Slack has refused so often, in about 20 minutes, is given up: people are told, and can have it tried again. */
const TRIES = 10;
/** A claim on a queue is at most a round of 5 s old when a message is begun, and lasts 15 s (`queue.ts`). */
const STALE_MS = 5_000;
const NOT_EDITABLE = new Set(["edit_window_closed", "cant_update_message", "is_bot_message", "update_failed"]);

/**
 * Makes one message be shown as wanted, or writes down why it is not. Resolves with the trouble when it is the channel's
 * or Slack's rather than the message's own.
 */
export async function deliver(deps: Delivering, item: Item, channel: string): Promise<QueueFailure | null> {
  try {
    if (isCanvas(item)) await bringCanvas(deps, item, channel);
    else if (isPost(item)) await bring(deps, item, channel);
    else await change(deps, item, channel);
    return null;
  } catch (error) {
    return settle(deps, item, callFailureOf(error));
  }
}

async function change(deps: Delivering, item: Item, channel: string): Promise<void> {
  const askedAt = performance.now();
  if (!(await deps.outbox.editing(item, deps.owner))) return;
  // The one who took the queue from a process that stood still may have shown something newer.
  if (performance.now() - askedAt > STALE_MS) return;
  await edit(deps.client, item, channel);
  await deps.outbox.delivered(item.id, item.deliveredAs as string, item.desiredHash);
  if (isDirect(channel) && !offersButtons(item)) await closeCopies(deps, item, channel);
}

/** A question that is over is over in every copy of it. What stands in the way is logged: it is no trouble of the message's own. */
async function closeCopies(deps: Delivering, item: Item, channel: string): Promise<void> {
  await editCopies(deps.client, item, channel, deps.identity()).catch((error) => {
    const { says } = callFailureOf(error);
    deps.log.info(
      { event: "slack.copies_unknown", message: nameOf(item), says },
      "copies of a direct message could not be looked for",
    );
  });
}

function isDirect(channel: string): boolean {
  return channel.startsWith("D");
}

function offersButtons(item: Item): boolean {
  const { blocks } = item.desired as { blocks?: readonly { readonly type: string }[] };
  return (blocks ?? []).some(({ type }) => type === "actions");
}

async function bring(deps: Delivering, item: Item, channel: string): Promise<void> {
  const { outbox, client } = deps;
  if (item.sendingSince !== null) {
    const there = await lookFor(deps, item, channel);
    if (there !== null)
      return outbox.delivered(item.id, there, item.once ? item.desiredHash : (item.sendingHash ?? ""));
    await outbox.notSent(item.id);
  }
  const askedAt = performance.now();
  if (!(await outbox.sending(item, deps.owner))) return;
  // A process that stood still may have lost the queue since, and the one who took it has looked for this message already.
  if (performance.now() - askedAt > STALE_MS) return;
  const ts = await post(client, item, channel);
  await outbox.delivered(item.id, ts, item.desiredHash);
}

/** Without the right to read the channel a rare second copy is the lesser evil, and the log says so. */
async function lookFor(deps: Delivering, item: Item, channel: string): Promise<string | null> {
  try {
    return await find(deps.client, item, channel, deps.identity());
  } catch (error) {
    const failure = callFailureOf(error);
    if (failure.kind !== "refused") throw error;
    deps.log.warn(
      { event: "slack.message_in_doubt", message: nameOf(item), says: failure.says },
      "whether a message arrived is unknown; sending it again",
    );
    return null;
  }
}

async function settle(deps: Delivering, item: Item, failure: CallFailure): Promise<QueueFailure | null> {
  const { outbox } = deps;
  const seconds = backoffSeconds(item.tries);
  switch (failure.kind) {
    case "unknown":
      await outbox.unclear(item.id, failure.says, seconds);
      return failure;
    case "limited":
    case "locked out":
    case "unsent":
      // A message that was being looked for is still to be looked for.
      if (item.sendingSince === null) await outbox.notSent(item.id);
      return failure;
    case "refused":
      return refused(deps, item, failure, seconds);
    default:
      return failure satisfies never;
  }
}

async function refused(
  { outbox, log }: Delivering,
  item: Item,
  { error, says }: Extract<CallFailure, { kind: "refused" }>,
  seconds: number,
): Promise<QueueFailure | null> {
  if (TOO_RICH.has(error) && !item.plain) {
    log.warn(
      { event: "slack.blocks_refused", message: nameOf(item), says },
      "slack refuses the blocks of a message; it gets the text",
    );
    await outbox.wordsOnly(item.id);
    return null;
  }
  if (PLACE_GONE.has(error)) {
    await outbox.notSent(item.id);
    return { kind: "place gone", error, says };
  }
  if (MESSAGE_GONE.has(error) && !isPost(item)) {
    await outbox.gone(item.id);
    return null;
  }
  if (NOT_EDITABLE.has(error) && !isPost(item)) {
    log.warn(
      { event: "slack.edit_refused", message: nameOf(item), says },
      "slack lets a message no longer be edited; it stays",
    );
    await outbox.delivered(item.id, item.deliveredAs as string, item.desiredHash);
    return null;
  }
  const about = { message: nameOf(item), tries: item.tries + 1, says };
  if (item.tries + 1 >= TRIES) {
    log.error({ event: "outbox.given_up", sink: "slack", ...about }, "slack refuses a message; not retried");
    await outbox.giveUp(item.id, says);
    return null;
  }
  log.error({ event: "slack.message_refused", ...about }, "slack refuses a message; retrying");
  await outbox.failed(item.id, says, seconds);
  return null;
}

/** 1, 2, 4 … at most 300 seconds, less up to a quarter so that channels do not come back in step. */
export function backoffSeconds(failures: number): number {
  return Math.min(300, 2 ** Math.min(failures, 9)) * (0.75 + Math.random() / 4);
}
