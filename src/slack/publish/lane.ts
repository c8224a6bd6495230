import type { WebClient } from "@slack/web-api";
import type { Item, Lane } from "../../timeline/outbox.ts";
import type { Trouble } from "../trouble.ts";
import { findNamed, makeChannel, openDirect } from "./channel.ts";
import { choose, isPost, pacesAt } from "./choose.ts";
import { backoffSeconds, type Delivering, deliver } from "./deliver.ts";
import { type About, directOf, namedOf, type WantedChannel } from "./drawing.ts";
import { furnish } from "./furnish.ts";
import { type Bucket, filled } from "./pace.ts";

export interface Working extends Delivering {
  readonly announceIn: string | null;
  /** Edits count for the whole workspace, so all lanes of this process share one bucket. */
  readonly edits: { bucket: Bucket };
  /** How many times as fast as Slack documents; 1 outside practice. */
  readonly rate: number;
  readonly onLockedOut: (says: string) => void;
  /** An incident's channel has come to be. */
  readonly onPlace: (incident: string) => void;
  readonly stopping: AbortSignal;
}

/** A claim is renewed on every round, at least every five seconds; a dead process's channels are taken up after this. */
export const CLAIM_SECONDS = 15;
const ROUND_MS = 5000;
/** A lane that has to wait longer than this is let go of. */
const LINGER_MS = 5000;
const LOCKED_OUT_SECONDS = 60;

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
  try {
    while (!broken && !deps.stopping.aborted && (await outbox.hold(name, owner, CLAIM_SECONDS))) {
      if (gone !== null) await Promise.all(underWay.values());
      const lane = await outbox.lane(name);
      if (lane === null) return;
      const now = performance.now();
      posts = filled(posts ?? { tokens: lane.tokens, at: now - restedMs(lane) }, paces.posts, now);
      deps.edits.bucket = filled(deps.edits.bucket, paces.edits, now);
      if (gone !== null) {
        await placeGone(deps, lane, gone);
        gone = null;
        continue;
      }
      if (lane.waitMs > 0) {
        if (lane.waitMs > LINGER_MS) return;
        await bell.wait(lane.waitMs, [], deps.stopping);
        continue;
      }
      if (lane.place === null) {
        const person = directOf(name);
        const known = namedOf(name);
        if (lane.wanted === null && person === null && known === null) return;
        const trouble =
          person !== null
            ? await openDirect(deps, lane, person)
            : known !== null
              ? await findNamed(deps, lane, known)
              : await makeChannel(deps, lane);
        if (trouble !== null) await settleLane(deps, lane, trouble);
        else if (lane.stream !== null) deps.onPlace(lane.stream);
        continue;
      }
      if ((lane.furnishDue || toPin) && furnishing === null) furnishing = beginFurnishing(lane);
      const busy = new Set(underWay.keys());
      const choice = choose(await outbox.pending(name), busy, posts, deps.edits.bucket, rate);
      // Something ended while the outbox was read: what it made possible is not in what was read.
      if (underWay.size < busy.size) continue;
      posts = choice.posts;
      deps.edits.bucket = choice.edits;
      for (const item of choice.start) underWay.set(item.id, begin(item, lane));
      const going: Promise<void>[] = [...underWay.values(), ...(furnishing === null ? [] : [furnishing])];
      if (going.length === 0 && (choice.waitMs === null || choice.waitMs > LINGER_MS)) return;
      await bell.wait(Math.min(choice.waitMs ?? ROUND_MS, ROUND_MS), going, deps.stopping);
    }
  } finally {
    await Promise.all([...underWay.values(), furnishing]);
    const tokens = posts === null ? 0 : filled(posts, paces.posts, performance.now()).tokens;
    await outbox.release(name, owner, tokens).catch(() => {});
  }

  async function begin(item: Item, lane: Lane): Promise<void> {
    try {
      const trouble = await deliver(deps, item, lane.place as string);
      if (trouble?.kind === "place gone") gone = trouble.error;
      else if (trouble !== null) await settleLane(deps, lane, trouble);
      else if (lane.failures > 0) await outbox.answered(name);
      toPin ||= isPost(item) && ((lane.wanted as WantedChannel | null)?.pinned.includes(item.key) ?? false);
    } catch (error) {
      broken = true;
      deps.log.error({ err: error, lane: name }, "What Slack shows could not be written down.");
    } finally {
      underWay.delete(item.id);
    }
  }

  async function beginFurnishing(lane: Lane): Promise<void> {
    toPin = false;
    try {
      await furnish(deps, lane);
    } catch (error) {
      deps.log.error({ err: error, lane: name }, "A channel could not be furnished.");
    } finally {
      furnishing = null;
    }
  }
}

/** What a failure means for the channel it happened in, and for no other. */
async function settleLane(deps: Working, lane: Lane, trouble: Trouble): Promise<void> {
  const { outbox, owner } = deps;
  const putOff = (seconds: number, failed: boolean) => outbox.putOff(lane.lane, owner, seconds, trouble.says, failed);
  switch (trouble.kind) {
    case "limited":
      await putOff(trouble.seconds, false);
      return;
    case "locked out":
      deps.onLockedOut(trouble.says);
      await putOff(LOCKED_OUT_SECONDS, true);
      return;
    case "unsent":
    case "unknown":
    case "refused":
      await putOff(backoffSeconds(lane.failures), true);
      return;
    default:
      trouble satisfies never;
  }
}

/** An open incident whose channel was archived or deleted gets a new one with everything in it. */
async function placeGone(deps: Working, lane: Lane, error: string): Promise<void> {
  const { outbox, client, owner } = deps;
  deps.log.warn({ channel: lane.place, says: error }, "A channel can't be written to.");
  const about = lane.stream === null ? null : ((await outbox.drawn(lane.stream))?.about as About | undefined);
  if (about?.live && !lane.borrowed && error !== "not_in_channel") {
    await outbox.lost(lane.lane, owner);
    return;
  }
  const joined = error === "not_in_channel" && (await join(client, lane.place as string));
  await outbox.putOff(lane.lane, owner, joined ? 0 : backoffSeconds(Math.max(3, lane.failures)), error, !joined);
}

/** Works in public channels, where the installation grants `channels:join`. */
async function join(client: WebClient, channel: string): Promise<boolean> {
  return client.conversations.join({ channel }).then(
    () => true,
    () => false,
  );
}

/** A lane nobody ever worked on starts with a full bucket. */
function restedMs(lane: Lane): number {
  return lane.tokensAgoMs === 0 && lane.tokens === 0 ? 60_000 : lane.tokensAgoMs;
}
