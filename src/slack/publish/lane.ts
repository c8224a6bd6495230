import type { WebClient } from "@slack/web-api";
import type { Item, Lane } from "../../timeline/outbox.ts";
import type { CallFailure } from "../call-failure.ts";
import { type Accounts, CLOSED_ACCOUNT } from "./accounts.ts";
import type { EditBudget } from "./budget.ts";
import { announceChannel, findNamed, type Making, makeChannel, openDirect } from "./channel.ts";
import { choose, isPost, pacesAt } from "./choose.ts";
import { backoffSeconds, type Delivering, deliver } from "./deliver.ts";
import { type About, announceLane, directOf, namedOf, type WantedChannel } from "./drawing.ts";
import { furnish } from "./furnish.ts";
import { type Bucket, filled } from "./pace.ts";

export interface Working extends Delivering, Making {
  readonly edits: EditBudget;
  readonly accounts: Accounts;
  /** How many times as fast as Slack documents; 1 outside practice. */
  readonly rate: number;
  readonly onLockedOut: (says: string) => void;
  /** An incident's channel has come to be, or will not; or what is meant for one place goes to another. */
  readonly onPlace: (incident: string) => void;
  /** Somebody's direct messages are closed: the account is deactivated, or there is none. */
  readonly onUnreachable: () => void;
  /** The channel incidents are announced in took nothing. */
  readonly onAnnounceLost: () => void;
  readonly stopping: AbortSignal;
}

/** A claim is renewed on every round, at least every five seconds; a dead process's channels are taken up after this. */
export const CLAIM_SECONDS = 15;
const ROUND_MS = 5000;
/** A lane that has to wait longer than this is let go of. */
const LINGER_MS = 5000;
const LOCKED_OUT_SECONDS = 60;
/** Where nothing is to be edited, nobody asks how many edits are left. */
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
export async function workLane(deps: Working, name: string, bell: Bell): Promise<void> {
  const { outbox, owner, rate } = deps;
  const paces = pacesAt(rate);
  const underWay = new Map<string, Promise<void>>();
  let posts: Bucket | null = null;
  let furnishing: Promise<void> | null = null;
  let gone: string | null = null;
  let toPin = false;
  let broken = false;
  let isAsked = false;
  try {
    while (!broken && !deps.stopping.aborted && (await outbox.hold(name, owner, CLAIM_SECONDS))) {
      if (gone !== null) await Promise.all(underWay.values());
      const branch = await outbox.lane(name);
      if (branch === null) return;
      const now = performance.now();
      posts = filled(posts ?? { tokens: branch.tokens, at: now - restedMs(branch) }, paces.posts, now);
      if (gone !== null) {
        await placeGone(deps, branch, gone);
        gone = null;
        continue;
      }
      if (branch.waitMs > 0) {
        if (branch.waitMs > LINGER_MS) return;
        await bell.wait(branch.waitMs, [], deps.stopping);
        continue;
      }
      const person = directOf(name);
      if (person !== null && !isAsked) {
        isAsked = true;
        const closed = await deps.accounts.closed(person);
        if (closed !== null) return await closeDirect(deps, branch, person, closed);
      }
      if (branch.place === null) {
        const known = namedOf(name);
        if (branch.wanted === null && person === null && known === null) return;
        const failure =
          person !== null
            ? await openDirect(deps, branch, person)
            : known !== null
              ? await findNamed(deps, branch, known)
              : await makeChannel(deps, branch);
        if (failure !== null) await settleLane(deps, branch, failure);
        else if (branch.stream !== null) deps.onPlace(branch.stream);
        continue;
      }
      if ((branch.furnishDue || toPin) && !branch.borrowed && furnishing === null) furnishing = beginFurnishing(branch);
      const busy = new Set(underWay.keys());
      const due = await dueIn(branch);
      const edits = due.every(isPost) ? NO_EDITS : await deps.edits.look();
      const choice = choose(due, busy, posts, edits, rate);
      // Something ended while the outbox was read: what it made possible is not in what was read.
      if (underWay.size < busy.size) continue;
      posts = choice.posts;
      let outpaced = false;
      for (const item of choice.start) {
        if (isPost(item) || (await deps.edits.take(item.priority === 0))) underWay.set(item.id, begin(item, branch));
        else outpaced = true;
      }
      // Another process took the edit that was left: it is looked at again how long to wait.
      if (outpaced) continue;
      const going: Promise<void>[] = [...underWay.values(), ...(furnishing === null ? [] : [furnishing])];
      if (going.length === 0 && (choice.waitMs === null || choice.waitMs > LINGER_MS)) return;
      await bell.wait(Math.min(choice.waitMs ?? ROUND_MS, ROUND_MS), going, deps.stopping);
    }
  } finally {
    await Promise.all([...underWay.values(), furnishing]);
    const tokens = posts === null ? 0 : filled(posts, paces.posts, performance.now()).tokens;
    await outbox.release(name, owner, tokens).catch(() => {});
  }

  /** What is new is drawn elsewhere where an incident has no channel of its own; what stands in a place is edited there. */
  async function dueIn({ borrowed, stream }: Lane): Promise<readonly Item[]> {
    const items = await outbox.pending(name);
    return borrowed && stream !== null ? items.filter((item) => !isPost(item)) : items;
  }

  async function begin(item: Item, branch: Lane): Promise<void> {
    try {
      const failure = await deliver(deps, item, branch.place as string);
      if (failure?.kind === "place gone") gone = failure.error;
      else if (failure !== null) await settleLane(deps, branch, failure);
      else if (branch.failures > 0) await outbox.answered(name);
      toPin ||= isPost(item) && ((branch.wanted as WantedChannel | null)?.pinned.includes(item.key) ?? false);
    } catch (error) {
      broken = true;
      deps.log.error({ err: error, lane: name }, "What Slack shows could not be written down.");
    } finally {
      underWay.delete(item.id);
    }
  }

  async function beginFurnishing(branch: Lane): Promise<void> {
    toPin = false;
    try {
      await furnish(deps, branch);
    } catch (error) {
      deps.log.error({ err: error, lane: name }, "A channel could not be furnished.");
    } finally {
      furnishing = null;
    }
  }
}

/** What a failure means for the channel it happened in, and for no other. */
async function settleLane(deps: Working, branch: Lane, failure: CallFailure): Promise<void> {
  const { outbox, owner } = deps;
  const putOff = (seconds: number, failed: boolean) => outbox.putOff(branch.lane, owner, seconds, failure.says, failed);
  switch (failure.kind) {
    case "limited":
      await putOff(failure.seconds, false);
      return;
    case "locked out":
      deps.onLockedOut(failure.says);
      await putOff(LOCKED_OUT_SECONDS, true);
      return;
    case "refused": {
      const person = directOf(branch.lane);
      if (person !== null && CLOSED_ACCOUNT.has(failure.error)) return closeDirect(deps, branch, person, failure.error);
      if (branch.lane === announceLane(deps.announceIn)) deps.onAnnounceLost();
      else if (branch.failures === 0)
        deps.log.error(
          { event: "slack.place_refused", lane: branch.lane, error: failure.error, says: failure.says },
          "slack does not open a place for messages; they wait",
        );
      await putOff(backoffSeconds(branch.failures), true);
      return;
    }
    case "unsent":
    case "unknown":
      await putOff(backoffSeconds(branch.failures), true);
      return;
    default:
      failure satisfies never;
  }
}

/** An account can be activated again; until then nothing is tried. */
const CLOSED_ACCOUNT_SECONDS = 24 * 3600;

async function closeDirect(deps: Working, branch: Lane, person: string, error: string): Promise<void> {
  deps.log.warn({ event: "slack.person_unreachable", user: person, error }, "an account takes no direct messages");
  await deps.outbox.closed(branch.lane, deps.owner, error, CLOSED_ACCOUNT_SECONDS);
  deps.onUnreachable();
}

/**
 * An open incident whose channel was archived or deleted gets a new one with everything in it. What was meant for another
 * place goes where incidents are announced.
 */
async function placeGone(deps: Working, branch: Lane, error: string): Promise<void> {
  const { outbox, client, owner } = deps;
  deps.log.warn({ event: "slack.place_gone", channel: branch.place, error }, "a channel can't be written to");
  const person = directOf(branch.lane);
  if (person !== null && CLOSED_ACCOUNT.has(error)) return closeDirect(deps, branch, person, error);
  const about = branch.stream === null ? null : ((await outbox.drawn(branch.stream))?.about as About | undefined);
  if (about?.live && !branch.borrowed && error !== "not_in_channel") {
    await outbox.lost(branch.lane, owner);
    return;
  }
  const joined = error === "not_in_channel" && (await join(client, branch.place as string));
  if (!joined && (await redirect(deps, branch, error))) return;
  await outbox.putOff(branch.lane, owner, joined ? 0 : backoffSeconds(Math.max(3, branch.failures)), error, !joined);
}

/** Where people typed, or asked to be told, nothing can be said: it is said in the announce channel. */
async function redirect(deps: Working, branch: Lane, error: string): Promise<boolean> {
  if (branch.stream !== null || directOf(branch.lane) !== null) return false;
  if (branch.lane === announceLane(deps.announceIn)) {
    deps.onAnnounceLost();
    return false;
  }
  const place = await announceChannel(deps).catch(() => null);
  if (place === null || place === branch.place) return false;
  deps.log.warn(
    { event: "slack.place_redirected", channel: branch.place, to: place, error },
    "what was meant for a channel goes to the announce channel",
  );
  for (const stream of await deps.outbox.redirected(branch.lane, deps.owner, place, error)) deps.onPlace(stream);
  return true;
}

/** Works in public channels, where the installation grants `channels:join`. */
async function join(client: WebClient, channel: string): Promise<boolean> {
  return client.conversations.join({ channel }).then(
    () => true,
    () => false,
  );
}

/** A lane nobody ever worked on starts with a full bucket. */
function restedMs(branch: Lane): number {
  return branch.tokensAgoMs === 0 && branch.tokens === 0 ? 60_000 : branch.tokensAgoMs;
}
