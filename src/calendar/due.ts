import type { Occasion, System } from "../catalog/types.ts";
import type { ApprovedAhead } from "../incident/events.ts";
import { BOT, type CalendarEvent, type CalendarFact, startsItself } from "./events.ts";
import { type Held, leadsOf, postponedPart, slotsAround, slotsPassed } from "./slots.ts";
import type { CalendarState, OccasionRecord } from "./state.ts";

/** What couldn't be started is tried again after this. */
export const AGAIN_MS = 60_000;

/** What the calendar of a system has to do now, and when to look again. */
export interface CalendarDue {
  readonly events: readonly CalendarEvent[];
  /** To be started now. */
  readonly starts: readonly Start[];
  /** Of the events' missed ones those that may have been started though that was not recorded: to be looked at first. */
  readonly lapsed: readonly Start[];
  readonly nextAt: Date | null;
}

export interface Start {
  readonly occasion: Occasion;
  readonly slot: string;
  /** Stays the same however often it is tried: what it starts is started once. */
  readonly key: string;
  /** Who put it to its date, person id; null: the catalogue did. */
  readonly postponedBy: string | null;
  /** What holds of what people approved of it before its hour; absent: nothing. */
  readonly ahead?: ApprovedAhead & { readonly planHash: string };
}

/** Given the record and the time, nothing else: what is written was due, and is written once. */
export function calendarDue(system: System, state: CalendarState, now: Date): CalendarDue {
  const occasions = system.calendar ?? [];
  const events: CalendarEvent[] = [...changed(occasions, state)];
  const starts: Start[] = [];
  const lapsed: Start[] = [];
  const moments: Date[] = [];
  for (const occasion of occasions) {
    const record = state.occasions.get(occasion.id);
    // What it is due by is recorded first.
    if (!isAsPlanned(occasion, record)) continue;
    const passed = slotsPassed(occasion, record, now).map((held) => ofPassed(system, occasion, held, now));
    // Of many that were missed together people hear of the last.
    const last = passed.findLastIndex(({ events }) => events.length > 0);
    for (const [n, found] of passed.entries()) {
      events.push(...(n === last ? found.events : found.events.map(toldToNoOne)));
      if (found.lapsed) lapsed.push(found.lapsed);
      moments.push(...found.moments.filter((at) => at > now));
    }
    for (const held of slotsAround(occasion, record, now)) {
      const found = ofSlot(system, occasion, held, now, record?.planned?.since ?? now);
      events.push(...found.events);
      if (found.start) starts.push(found.start);
      if (found.lapsed) lapsed.push(found.lapsed);
      moments.push(...found.moments.filter((at) => at > now));
    }
  }
  const nextAt = moments.length === 0 ? null : new Date(Math.min(...moments.map((at) => at.getTime())));
  return { events, starts, lapsed, nextAt };
}

/** Who hears of it beforehand, person ids: the organiser and whom it tells; a surprise is known to its organiser, or where there is none to whom it tells. */
export function recipientsOf(system: System, occasion: Occasion): readonly string[] {
  const { organiser, tells, unannounced } = occasion;
  const organisers = organiser === null ? [] : [...organisersOf(system, organiser).slice(0, 1)];
  if (unannounced && organisers.length > 0) return organisers;
  const told = system.people.filter(({ roles }) => roles.some((role) => tells.includes(role))).map(({ id }) => id);
  return [...new Set([...organisers, ...told])];
}

/** Who may request it, in the order of the roster. */
export function organisersOf({ people }: System, organiser: string): readonly string[] {
  return people.filter(({ roles }) => roles.includes(organiser)).map(({ id }) => id);
}

interface SlotDue {
  readonly events: readonly CalendarEvent[];
  readonly start?: Start;
  readonly lapsed?: Start;
  readonly moments: readonly Date[];
}

const NOTHING: SlotDue = { events: [], moments: [] };

function ofSlot(system: System, occasion: Occasion, held: Held, now: Date, since: Date): SlotDue {
  const { recorded, at } = held;
  if (recorded !== null && (recorded.outcome !== null || recorded.started !== null)) return NOTHING;
  if (at > now) return ahead(system, occasion, held, now, since);
  return startsItself(occasion) ? atItsHour(system, occasion, held, now) : leftToPeople(system, occasion, held, now);
}

/** `since`: when the entry came onto the calendar. What would have been said before that isn't made up for. */
function ahead(system: System, occasion: Occasion, held: Held, now: Date, since: Date): SlotDue {
  const { recorded, at } = held;
  const leads = leadsOf(occasion, new Date(held.id));
  const people = recipientsOf(system, occasion);
  const moments = [new Date(at.getTime() - leads.announce), new Date(at.getTime() - leads.remind), at];
  if (leads.announce === 0 || people.length === 0) return { events: [], moments: [at] };
  const [announceAt, remindAt] = moments as [Date, Date, Date];
  const data = { occasion: occasion.id, slot: held.id, at: at.toISOString(), people };
  if (remindAt <= now && remindAt > since && recorded?.reminded !== true)
    return { events: [eventOf({ type: "occasion.reminded", data }, held)], moments };
  if (announceAt <= now && announceAt > since && remindAt > now && recorded?.announced !== true)
    return { events: [eventOf({ type: "occasion.announced", data }, held)], moments };
  return { events: [], moments };
}

/** Started, as soon as its before-list was gone through, as long as its hours last: what can't be started is tried again. */
function atItsHour(system: System, occasion: Occasion, held: Held, now: Date): SlotDue {
  const { recorded, until } = held;
  const isUnchecked = occasion.checklist !== null && (recorded?.checkedBy ?? null) === null;
  const slot = held.id;
  const postponedBy = recorded?.postponedBy ?? null;
  const start = { occasion, slot, key: startKey(system, occasion, held), postponedBy };
  if (now >= until) {
    const reason = isUnchecked
      ? "its checklist wasn't completed"
      : (recorded?.heldUp?.reason ?? "Lifeboat wasn't there to start it within its hours");
    const events = [missedEvent(system, occasion, held, reason, null)];
    return { events, ...(!isUnchecked && { lapsed: start }), moments: [] };
  }
  if (!isUnchecked) {
    const againAt = new Date((recorded?.heldUp?.at.getTime() ?? 0) + AGAIN_MS);
    return againAt > now ? { events: [], moments: [againAt, until] } : { events: [], start, moments: [until] };
  }
  if (recorded?.waiting === true) return { events: [], moments: [until] };
  const data = {
    occasion: occasion.id,
    slot,
    until: until.toISOString(),
    people: recipientsOf(system, occasion).slice(0, 1),
  };
  return { events: [eventOf({ type: "occasion.waiting", data }, held)], moments: [until] };
}

/** Its next time has come: it isn't started any more, and so never beside the next. */
function ofPassed(system: System, occasion: Occasion, held: Held, now: Date): SlotDue {
  if (!startsItself(occasion)) return leftToPeople(system, occasion, held, now);
  return atItsHour(system, occasion, { ...held, until: now }, now);
}

function toldToNoOne(event: CalendarEvent): CalendarEvent {
  return event.type === "occasion.missed" ? { ...event, data: { ...event.data, people: [] } } : event;
}

/** Overdue once its hours are over; missed when what is done from now on counts for the next time. */
function leftToPeople(system: System, occasion: Occasion, held: Held, now: Date): SlotDue {
  if (now < held.closes) return { events: [], moments: [held.until, held.closes] };
  const reason = `not done by ${held.closes.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return { events: [missedEvent(system, occasion, held, reason, null)], moments: [] };
}

export function missedEvent(
  system: System,
  occasion: Occasion,
  held: Held,
  reason: string,
  run: string | null,
): CalendarEvent {
  const people = recipientsOf(system, occasion);
  return eventOf(
    { type: "occasion.missed", data: { occasion: occasion.id, slot: held.id, reason, people, run } },
    held,
  );
}

/** It couldn't be started, for another reason than the last time. Null: for the same. `version`: of the record. */
export function heldUpEvent(
  system: System,
  occasion: Occasion,
  held: Held,
  reason: string,
  version: number,
): CalendarEvent | null {
  const before = held.recorded?.heldUp ?? null;
  if (before?.reason === reason) return null;
  const people = before === null ? recipientsOf(system, occasion).slice(0, 1) : [];
  const data = { occasion: occasion.id, slot: held.id, until: held.until.toISOString(), people, reason };
  const event = eventOf({ type: "occasion.waiting", data }, held);
  return { ...event, key: `${event.key}/${version}` };
}

/** Under a key of its slot and of where and how often that was postponed, so that it is recorded once. */
export function eventOf(fact: Extract<CalendarFact, { data: { slot: string } }>, held: Held): CalendarEvent {
  const { occasion, slot } = fact.data;
  return {
    ...fact,
    key: `${fact.type}/${occasion}/${slot}${postponedPart(held.recorded)}`,
    actor: BOT,
  } as CalendarEvent;
}

function startKey({ id }: System, occasion: Occasion, held: Held): string {
  return `calendar/${id}/${occasion.id}/${held.id}${postponedPart(held.recorded)}`;
}

/** Entries that are new, gone, or due at other times than was recorded. */
function changed(occasions: readonly Occasion[], state: CalendarState): readonly CalendarEvent[] {
  const mark = `/${state.version}`;
  const planned = occasions
    .filter((occasion) => !isAsPlanned(occasion, state.occasions.get(occasion.id)))
    .map(({ id, title, kind, cron, timezone }): CalendarEvent => {
      const data = { occasion: id, title, kind, schedule: cron, timezone };
      return { type: "occasion.planned", data, key: `occasion.planned/${id}${mark}`, actor: BOT };
    });
  const dropped = [...state.occasions.values()]
    .filter(({ id, planned }) => planned !== null && !occasions.some((one) => one.id === id))
    .map(({ id }): CalendarEvent => {
      return { type: "occasion.dropped", data: { occasion: id }, key: `occasion.dropped/${id}${mark}`, actor: BOT };
    });
  return [...planned, ...dropped];
}

function isAsPlanned({ cron, timezone }: Occasion, record: OccasionRecord | undefined): boolean {
  const planned = record?.planned ?? null;
  return planned !== null && planned.schedule === cron && planned.timezone === timezone;
}
