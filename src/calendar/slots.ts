import { lastOf, nextOf } from "../catalog/calendar.ts";
import type { Occasion } from "../catalog/types.ts";
import type { OccasionRecord, Slot } from "./state.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** One holding of an entry, with its times. */
export interface Held {
  readonly id: string;
  /** When it is held: as planned, or where it was postponed to. */
  readonly at: Date;
  /** When its time is over. */
  readonly until: Date;
  /** From here on what is done counts for the next one. */
  readonly closes: Date;
  readonly recorded: Slot | null;
}

export function heldSlot(occasion: Occasion, record: OccasionRecord | undefined, id: string): Held {
  const planned = new Date(id);
  const recorded = record?.slots.get(id) ?? null;
  const at = recorded?.postponedTo ?? planned;
  const until = new Date(at.getTime() + occasion.takesSeconds * 1000);
  const closes = new Date(Math.max(middleAfter(occasion, planned).getTime(), until.getTime()));
  return { id, at, until, closes, recorded };
}

/** What makes the key of a postponed holding another than that of the one before, also where it is put to the same date again. */
export function postponedPart(recorded: Slot | null | undefined): string {
  if (!recorded?.postponedTo) return "";
  const again = recorded.postponements > 1 ? `#${recorded.postponements}` : "";
  return `@${recorded.postponedTo.toISOString()}${again}`;
}

/** The slot before and the one after this moment, and those that were postponed or started and have no end yet; by when they are held. */
export function slotsAround(occasion: Occasion, record: OccasionRecord | undefined, now: Date): readonly Held[] {
  const planned = [slotBefore(occasion, now), nextOf(occasion, now)];
  const since = record?.planned?.since ?? null;
  const due = planned.flatMap((at) => (at === null || (since !== null && at <= since) ? [] : [at.toISOString()]));
  const open = [...(record?.slots.values() ?? [])].filter(
    ({ outcome, postponedTo, started }) => outcome === null && (postponedTo !== null || started !== null),
  );
  const ids = [...new Set([...open.map(({ id }) => id), ...due])];
  return ids.map((id) => heldSlot(occasion, record, id)).sort((one, other) => one.at.getTime() - other.at.getTime());
}

/** How many times no one looked are made up for. */
const PASSED_MAX = 100;

/**
 * Times before the last one of which nothing was recorded, since the last of which something was, oldest first: the bot was down, or
 * the next came before their hours were over.
 */
export function slotsPassed(occasion: Occasion, record: OccasionRecord | undefined, now: Date): readonly Held[] {
  const latest = slotBefore(occasion, now);
  const planned = record?.planned ?? null;
  if (latest === null || planned === null) return [];
  const known = [...(record?.slots.values() ?? [])].filter(({ outcome, started, postponedTo }) => {
    return outcome !== null || started !== null || postponedTo !== null;
  });
  const times = known.map(({ id }) => new Date(id).getTime()).filter((at) => at < latest.getTime());
  const after = Math.max(planned.since.getTime(), ...times);
  const passed: Held[] = [];
  let at = lastOf(occasion, latest);
  for (; at !== null && at.getTime() > after && passed.length < PASSED_MAX; at = lastOf(occasion, at))
    passed.unshift(heldSlot(occasion, record, at.toISOString()));
  return passed;
}

/** True of a time that something was recorded of, or that is due around now or was passed over. */
export function isKnownSlot(occasion: Occasion, record: OccasionRecord | undefined, id: string, now: Date): boolean {
  if (record?.slots.has(id)) return true;
  return [...slotsAround(occasion, record, now), ...slotsPassed(occasion, record, now)].some((held) => held.id === id);
}

/** Which slot something that was done then counts for: half a period early counts for the time that follows. */
export function slotFor(
  occasion: Occasion,
  record: OccasionRecord | undefined,
  at: Date,
  run: string | null,
): string | null {
  const open = [...(record?.slots.values() ?? [])].filter(({ outcome }) => outcome?.as !== "done");
  const started = open.find((slot) => run !== null && slot.started?.run === run);
  const postponed = open.find((slot) => slot.postponedTo !== null && slot.outcome === null);
  const found = started ?? postponed;
  if (found !== undefined) return found.id;
  const before = slotBefore(occasion, at);
  const isEarly = before === null || at >= middleAfter(occasion, before);
  return ((isEarly ? nextOf(occasion, at) : before) ?? before)?.toISOString() ?? null;
}

/** Since when it is overdue: the first time after the last one that took place whose hours are over. Null: it isn't. */
export function overdueSince(occasion: Occasion, record: OccasionRecord | undefined, now: Date): Date | null {
  const last = record?.done.at(-1) ?? null;
  const since = last === null ? (record?.planned?.since ?? null) : new Date(last.slot);
  const due = since === null ? null : nextOf(occasion, since);
  if (due === null) return null;
  const { at, until } = heldSlot(occasion, record, due.toISOString());
  return until <= now ? at : null;
}

/** The last time it was planned for, this moment included. */
function slotBefore(occasion: Occasion, now: Date): Date | null {
  return lastOf(occasion, new Date(now.getTime() + 1));
}

function middleAfter(occasion: Occasion, planned: Date): Date {
  return new Date(planned.getTime() + periodMs(occasion, planned) / 2);
}

function periodMs(occasion: Occasion, planned: Date): number {
  const next = nextOf(occasion, planned);
  return next === null ? 365 * DAY_MS : next.getTime() - planned.getTime();
}

/** How long ahead people are told, and reminded, milliseconds; 0: not at all. What is held every few days is told of to no one. */
export function leadsOf(occasion: Occasion, planned: Date): { readonly announce: number; readonly remind: number } {
  const period = periodMs(occasion, planned);
  if (period >= 25 * DAY_MS) return { announce: 7 * DAY_MS, remind: DAY_MS };
  if (period >= 6 * DAY_MS) return { announce: DAY_MS, remind: HOUR_MS };
  return { announce: 0, remind: 0 };
}
