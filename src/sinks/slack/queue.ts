import type { WebClient } from "@slack/web-api";
import type { Item } from "../../projection/outbox/messages.ts";
import type { Queue } from "../../projection/outbox/queues.ts";
import { type Accounts, CLOSED_ACCOUNT } from "./accounts.ts";
import type { EditBudget } from "./budget.ts";
import type { CallFailure } from "./call-failure.ts";
import { announceChannel, findNamed, type Making, makeChannel, openDirect } from "./channel.ts";
import { isArchived, setUpChannel, unarchive } from "./channel-setup.ts";
import { choose, isPost, pacesAt } from "./choose.ts";
import { backoffSeconds, type Delivering, deliver } from "./deliver.ts";
import { type Bucket, filled } from "./pace.ts";
import { type About, announceQueue, type DesiredChannel, directOf, namedOf } from "./places.ts";

export interface Working extends Delivering, Making {
  readonly edits: EditBudget;
  readonly accounts: Accounts;
  /** How many times as fast as Slack documents; 1 outside practice. */
  readonly rate: number;
  readonly onLockedOut: (says: string) => void;
  /** An incident's channel has come to be, or will not; or what is meant for one place goes to another. */
  readonly onPlace: (incident: string) => void;
  /** Someone's direct messages are closed: the account is deactivated, or there is none. */
  readonly onUnreachable: (user: string) => void;
  /** The channel incidents are announced in took nothing. */
  readonly onAnnounceLost: () => void;
  readonly stopping: AbortSignal;
}

/** A claim is renewed on every round, at least every five seconds; a dead process's channels are taken up after this. */
export const CLAIM_SECONDS = 15;
const ROUND_MS = 5000;
/** A queue that has to wait longer than this is let go of. */
const LINGER_MS = 5000;
/** Nothing is written to an archived channel: whether its incident was reopened is looked at again after this. */
const ARCHIVED_SECONDS = 60;
const LOCKED_OUT_SECONDS = 60;
/** Where nothing is to be edited, no one asks how many edits are left. */
const NO_EDITS: Bucket = { tokens: 0, at: 0 };

/** Something that can be woken while it waits. A ring that comes in between is not lost. */
export class Bell {
  #rung = false;
  #wake: (() => void) | null = null;

  get rung(): boolean {
    return this.#rung;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Until it rings, one of the others ends, the time (null: none) is over, or everything stops. */
  async wait(ms: number | null, others: readonly Promise<unknown>[], signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let wake = () => {};
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (this.#rung || signal.aborted) return resolve();
      this.#wake = resolve;
      signal.addEventListener("abort", wake, { once: true });
      if (ms !== null) timer = setTimeout(resolve, ms);
      for (const other of others) void other.then(wake);
    });
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
    this.#wake = null;
    this.#rung = false;
  }
}

/** Works on one channel until nothing in it is due, or it has to wait, or it has passed to another process. */
export async function workQueue(deps: Working, name: string, bell: Bell): Promise<void> {
  const { outbox, owner, rate } = deps;
  const paces = pacesAt(rate);
  const underWay = new Map<string, Promise<void>>();
  let posts: Bucket | null = null;
  let settingUp: Promise<void> | null = null;
  let gone: string | null = null;
  let toPin = false;
  let broken = false;
  let isAsked = false;
  try {
    while (!broken && !deps.stopping.aborted && (await outbox.hold(name, owner, CLAIM_SECONDS))) {
      if (gone !== null) await Promise.all(underWay.values());
      const queue = await outbox.queue(name);
      if (queue === null) return;
      const now = performance.now();
      posts = filled(posts ?? { tokens: queue.tokens, at: now - restedMs(queue) }, paces.posts, now);
      if (gone !== null) {
        await placeGone(deps, queue, gone);
        gone = null;
        continue;
      }
      if (queue.waitMs > 0) {
        if (queue.waitMs > LINGER_MS) return;
        await bell.wait(queue.waitMs, [], deps.stopping);
        continue;
      }
      if (queue.place !== null && isArchived(queue)) {
        if ((queue.wanted as DesiredChannel | null)?.archived) {
          if ((await outbox.pending(name)).length > 0)
            await outbox.putOff(name, owner, ARCHIVED_SECONDS, "is_archived", false);
          return;
        }
        const failure = await unarchive(deps, queue);
        if (failure !== null) await settleQueue(deps, queue, failure);
        else if (queue.stream !== null) deps.onPlace(queue.stream);
        continue;
      }
      const person = directOf(name);
      if (person !== null && !isAsked) {
        isAsked = true;
        const closed = await deps.accounts.closed(person);
        if (closed !== null) return await closeDirect(deps, queue, person, closed);
      }
      if (queue.place === null) {
        const known = namedOf(name);
        if (queue.wanted === null && person === null && known === null) return;
        const failure =
          person !== null
            ? await openDirect(deps, queue, person)
            : known !== null
              ? await findNamed(deps, queue, known)
              : await makeChannel(deps, queue);
        if (failure !== null) await settleQueue(deps, queue, failure);
        else if (queue.stream !== null) deps.onPlace(queue.stream);
        continue;
      }
      if ((queue.setupDue || toPin) && !queue.borrowed && settingUp === null) settingUp = beginSetup(queue);
      const busy = new Set(underWay.keys());
      const due = await dueIn(queue);
      const edits = due.every(isPost) ? NO_EDITS : await deps.edits.look();
      const choice = choose(due, busy, posts, edits, rate);
      // Something ended while the outbox was read: what it made possible is not in what was read.
      if (underWay.size < busy.size) continue;
      posts = choice.posts;
      let outpaced = false;
      for (const item of choice.start) {
        if (isPost(item) || (await deps.edits.take(item.priority === 0))) underWay.set(item.id, begin(item, queue));
        else outpaced = true;
      }
      // Another process took the edit that was left: it is looked at again how long to wait.
      if (outpaced) continue;
      const going: Promise<void>[] = [...underWay.values(), ...(settingUp === null ? [] : [settingUp])];
      if (going.length === 0 && (choice.waitMs === null || choice.waitMs > LINGER_MS)) return;
      await bell.wait(Math.min(choice.waitMs ?? ROUND_MS, ROUND_MS), going, deps.stopping);
    }
  } finally {
    await Promise.all([...underWay.values(), settingUp]);
    const tokens = posts === null ? 0 : filled(posts, paces.posts, performance.now()).tokens;
    await outbox.release(name, owner, tokens).catch(() => {});
  }

  /** What is new is drawn elsewhere where an incident has no channel of its own; what stands in a place is edited there. */
  async function dueIn({ borrowed, stream }: Queue): Promise<readonly Item[]> {
    const items = await outbox.pending(name);
    return borrowed && stream !== null ? items.filter((item) => !isPost(item)) : items;
  }

  async function begin(item: Item, queue: Queue): Promise<void> {
    try {
      const failure = await deliver(deps, item, queue.place as string);
      if (failure?.kind === "place gone") gone = failure.error;
      else if (failure !== null) await settleQueue(deps, queue, failure);
      else if (queue.failures > 0) await outbox.answered(name);
      toPin ||= isPost(item) && ((queue.wanted as DesiredChannel | null)?.pinned.includes(item.key) ?? false);
    } catch (error) {
      broken = true;
      deps.log.error(
        { event: "slack.delivery_not_recorded", err: error, queue: name },
        "what slack shows could not be written down",
      );
    } finally {
      underWay.delete(item.id);
    }
  }

  async function beginSetup(queue: Queue): Promise<void> {
    toPin = false;
    try {
      await setUpChannel(deps, queue);
    } catch (error) {
      deps.log.error({ event: "slack.channel_setup_failed", err: error, queue: name }, "a channel could not be set up");
    } finally {
      settingUp = null;
    }
  }
}

/** What a failure means for the channel it happened in, and for no other. */
async function settleQueue(deps: Working, queue: Queue, failure: CallFailure): Promise<void> {
  const { outbox, owner } = deps;
  const putOff = (seconds: number, failed: boolean) => outbox.putOff(queue.queue, owner, seconds, failure.says, failed);
  switch (failure.kind) {
    case "limited":
      await putOff(failure.seconds, false);
      return;
    case "locked out":
      deps.onLockedOut(failure.says);
      await putOff(LOCKED_OUT_SECONDS, true);
      return;
    case "refused": {
      const person = directOf(queue.queue);
      if (person !== null && CLOSED_ACCOUNT.has(failure.error)) return closeDirect(deps, queue, person, failure.error);
      if (queue.queue === announceQueue(deps.announceIn)) deps.onAnnounceLost();
      else if (queue.failures === 0)
        deps.log.error(
          { event: "slack.place_refused", queue: queue.queue, error: failure.error, says: failure.says },
          "slack does not open a place for messages; they wait",
        );
      await putOff(backoffSeconds(queue.failures), true);
      return;
    }
    case "unsent":
    case "unknown":
      await putOff(backoffSeconds(queue.failures), true);
      return;
    default:
      failure satisfies never;
  }
}

/** An account can be activated again; until then nothing is tried. */
const CLOSED_ACCOUNT_SECONDS = 24 * 3600;

async function closeDirect(deps: Working, queue: Queue, person: string, error: string): Promise<void> {
  deps.log.warn({ event: "slack.person_unreachable", user: person, error }, "an account takes no direct messages");
  await deps.outbox.closed(queue.queue, deps.owner, error, CLOSED_ACCOUNT_SECONDS);
  deps.onUnreachable(person);
}

/**
 * An open incident whose channel was archived or deleted gets a new one with everything in it. What was meant for another
 * place goes where incidents are announced.
 */
async function placeGone(deps: Working, queue: Queue, error: string): Promise<void> {
  const { outbox, client, owner } = deps;
  deps.log.warn({ event: "slack.place_gone", channel: queue.place, error }, "a channel can't be written to");
  const person = directOf(queue.queue);
  if (person !== null && CLOSED_ACCOUNT.has(error)) return closeDirect(deps, queue, person, error);
  const about = queue.stream === null ? null : ((await outbox.drawn(queue.stream))?.about as About | undefined);
  if (about?.live && !queue.borrowed && error !== "not_in_channel") {
    await outbox.lost(queue.queue, owner);
    return;
  }
  const joined = error === "not_in_channel" && (await join(client, queue.place as string));
  if (!joined && (await redirect(deps, queue, error))) return;
  await outbox.putOff(queue.queue, owner, joined ? 0 : backoffSeconds(Math.max(3, queue.failures)), error, !joined);
}

/** Where people typed, or asked to be told, nothing can be said: it is said in the announce channel. */
async function redirect(deps: Working, queue: Queue, error: string): Promise<boolean> {
  if (queue.stream !== null || directOf(queue.queue) !== null) return false;
  if (queue.queue === announceQueue(deps.announceIn)) {
    deps.onAnnounceLost();
    return false;
  }
  const place = await announceChannel(deps).catch(() => null);
  if (place === null || place === queue.place) return false;
  deps.log.warn(
    { event: "slack.place_redirected", channel: queue.place, to: place, error },
    "what was meant for a channel goes to the announce channel",
  );
  for (const stream of await deps.outbox.redirected(queue.queue, deps.owner, place, error)) deps.onPlace(stream);
  return true;
}

/** Works in public channels, where the installation grants `channels:join`. */
async function join(client: WebClient, channel: string): Promise<boolean> {
  return client.conversations.join({ channel }).then(
    () => true,
    () => false,
  );
}

/** A queue no one ever worked on starts with a full bucket. */
function restedMs(queue: Queue): number {
  return queue.tokensAgoMs === 0 && queue.tokens === 0 ? 60_000 : queue.tokensAgoMs;
}
