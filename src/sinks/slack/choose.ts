import type { Item } from "../../projection/outbox/messages.ts";
import { limits } from "./limits.ts";
import { type Bucket, faster, type Pace, spent, waitFor } from "./pace.ts";

export const POSTS: Pace = { perSecond: limits.postsPerSecond, burst: limits.postBurst, debt: 4 };
export const EDITS: Pace = { perSecond: limits.editsPerSecond, burst: limits.editBurst, debt: 10 };

/** Both, so many times as fast as Slack documents. */
export function pacesAt(rate: number): { readonly posts: Pace; readonly edits: Pace } {
  return { posts: faster(POSTS, rate), edits: faster(EDITS, rate) };
}

/** At once in one channel: enough for different threads, few enough to keep Slack's order. */
const AT_ONCE = 4;
/** A message that failed so often no longer holds up those behind it. */
const PATIENCE = 3;

export interface Choice {
  readonly start: readonly Item[];
  readonly posts: Bucket;
  readonly edits: Bucket;
  /** Milliseconds until something else may start, if nothing happens before; null: nothing waits for time. */
  readonly waitMs: number | null;
}

/**
 * What to do next in one channel. The urgent goes first and may go into debt; inside a thread the order is the desired state's,
 * one answered before the next is sent, but for the urgent, which are sent in order without waiting for answers;
 * a thread's root is as urgent as what waits for it; an edit no one waits for comes at most every three seconds, one that may lag every twelve.
 * A post waits for the urgent edits of what stands above it: "done" is never said below "pending".
 */
export function choose(
  items: readonly Item[],
  busy: ReadonlySet<string>,
  posts: Bucket,
  edits: Bucket,
  rate = 1,
): Choice {
  const paces = pacesAt(rate);
  const urgency = urgencies(items);
  const order = items.toSorted((a, b) => urgencyOf(a) - urgencyOf(b) || Number(a.id) - Number(b.id));
  const start: Item[] = [];
  let waitMs: number | null = null;
  for (const item of order) {
    if (busy.has(item.id) || busy.size + start.length >= AT_ONCE) continue;
    const wait = waitOf(item);
    if (wait > 0) {
      if (Number.isFinite(wait)) waitMs = Math.min(waitMs ?? wait, wait);
      continue;
    }
    start.push(item);
    if (isPost(item)) posts = spent(posts);
    else edits = spent(edits);
  }
  return { start, posts, edits, waitMs };

  function urgencyOf(item: Item): number {
    return urgency.get(item.id) ?? item.priority;
  }

  function waitOf(item: Item): number {
    if (item.waitMs > 0) return item.waitMs;
    const urgent = urgencyOf(item) === 0;
    if (!isPost(item)) return Math.max(restOf(item, urgent) / rate, waitFor(edits, paces.edits, urgent));
    if (item.under !== null && item.rootAs === null) return Number.POSITIVE_INFINITY;
    if (items.some((other) => goesBefore(other, item) || isStaleAbove(other, item))) return Number.POSITIVE_INFINITY;
    return waitFor(posts, paces.posts, urgent);
  }

  /** `other` is still to be posted, or on its way, in the same thread. The urgent waits for no answer to another post. */
  function goesBefore(other: Item, item: Item): boolean {
    return (
      urgencyOf(item) > 0 &&
      isPost(other) &&
      other.id !== item.id &&
      other.stream === item.stream &&
      other.under === item.under &&
      other.tries < PATIENCE &&
      (urgencyOf(other) < urgencyOf(item) ||
        (urgencyOf(other) === urgencyOf(item) && Number(other.id) < Number(item.id)))
    );
  }
}

/** What a reader of `item` would see above it does not show yet what is known: an urgent edit is due or on its way. */
function isStaleAbove(other: Item, item: Item): boolean {
  const isShown = other.under === item.under || other.key === item.under || (item.broadcast && other.under === null);
  return (
    isShown &&
    !isPost(other) &&
    other.priority === 0 &&
    other.stream === item.stream &&
    other.tries < PATIENCE &&
    Number(other.id) < Number(item.id)
  );
}

export function isPost(item: Item): boolean {
  return item.deliveredAs === null;
}

function restOf(item: Item, urgent: boolean): number {
  if (urgent || item.deliveredAgoMs === null) return 0;
  const every = item.priority === 2 ? limits.lagEverySeconds : limits.editEverySeconds;
  return Math.max(0, every * 1000 - item.deliveredAgoMs);
}

/** A root not yet posted is as urgent as the most urgent of its replies. */
function urgencies(items: readonly Item[]): Map<string, number> {
  const roots = new Map(items.filter(isPost).map((item) => [`${item.stream}\n${item.key}`, item]));
  const urgency = new Map(items.map((item) => [item.id, item.priority]));
  for (const item of items) {
    const root = item.under === null ? undefined : roots.get(`${item.stream}\n${item.under}`);
    if (root && isPost(item)) urgency.set(root.id, Math.min(urgency.get(root.id) ?? 2, item.priority));
  }
  return urgency;
}
