import type { Actor, ApprovalAhead } from "../incident/events.ts";
import { idOf } from "../incident/people.ts";
import type { CalendarFact } from "./events.ts";

/** One holding of an entry of the calendar, as far as something was recorded of it. */
export interface Slot {
  /** The time it was planned for first, ISO 8601. */
  readonly id: string;
  readonly postponedTo: Date | null;
  /** How often it was postponed. */
  readonly postponements: number;
  /** Who put it to the date it has now, person id; null: it is held when it was planned for. */
  readonly postponedBy: string | null;
  readonly announced: boolean;
  readonly reminded: boolean;
  readonly waiting: boolean;
  /** Why it couldn't be started the last time, and since when that is so; null: nothing was in its way. */
  readonly heldUp: { readonly reason: string; readonly at: Date } | null;
  /** Who went through its before-list. */
  readonly checkedBy: string | null;
  readonly started: { readonly incident: string; readonly run: string; readonly at: Date } | null;
  /** People were told that its run, which was approved ahead, needs them. */
  readonly needed: boolean;
  readonly outcome: Done | Missed | null;
}

export interface Done {
  readonly as: "done";
  readonly slot: string;
  readonly at: Date;
  readonly incident: string | null;
  readonly run: string | null;
  readonly people: readonly string[];
  readonly note: string | null;
}

export interface Missed {
  readonly as: "missed";
  readonly slot: string;
  /** When it was recorded. */
  readonly at: Date;
  readonly reason: string;
  readonly run: string | null;
}

/** What was approved of an entry before its hour. */
export interface Ahead {
  /** Of one plan, a person each, oldest first; empty: nothing holds. */
  readonly approvals: readonly (ApprovalAhead & { readonly planHash: string })[];
  /** People were asked for it since it last changed, or took it back. */
  readonly asked: boolean;
  /** Why what there was holds no more; null: nothing was, or it holds. */
  readonly ended: string | null;
}

export interface OccasionRecord {
  readonly id: string;
  /** As it was recorded last: what it is due by. Null: it is on the calendar no more. */
  readonly planned: { readonly schedule: string; readonly timezone: string; readonly since: Date } | null;
  /** By when they were planned. */
  readonly slots: ReadonlyMap<string, Slot>;
  /** Every time it took place, oldest first, without limit. */
  readonly done: readonly Done[];
  readonly ahead: Ahead;
}

/** A round of asking whether people can be reached. */
export interface SeatRound {
  /** `2026-12` */
  readonly id: string;
  readonly askedAt: ReadonlyMap<string, Date>;
  /** Who gets a test page, and since when. */
  readonly pagedAt: ReadonlyMap<string, Date>;
  readonly confirmedAt: ReadonlyMap<string, Date>;
  /** Of those who confirmed: who did so by acknowledging the test page. */
  readonly byPage: ReadonlySet<string>;
  /** Said to be silent. */
  readonly silent: ReadonlySet<string>;
}

export interface CalendarState {
  readonly version: number;
  readonly occasions: ReadonlyMap<string, OccasionRecord>;
  readonly rounds: ReadonlyMap<string, SeatRound>;
}

export interface RecordedEvent {
  readonly type: string;
  readonly data: unknown;
  readonly actor: unknown;
  readonly at: Date;
  readonly version: number;
}

export const blankCalendar: CalendarState = { version: 0, occasions: new Map(), rounds: new Map() };

/**
 * What the events of a calendar's stream make, after what the ones before them made (`from`, which stays as it is). What this version doesn't
 * know changes nothing. Linear in the events and the entries they are about.
 */
export function foldCalendar(events: readonly RecordedEvent[], from: CalendarState = blankCalendar): CalendarState {
  if (events.length === 0) return from;
  let { version, rounds } = from;
  const occasions = new Map(from.occasions);
  const drafts = new Map<string, Draft>();
  for (const event of events) {
    version = event.version;
    const fact = { type: event.type, data: event.data } as CalendarFact;
    if (isOfSeats(fact)) rounds = withRound(rounds, fact, event.at);
    else if (event.type.startsWith("occasion.")) {
      const { occasion: id } = fact.data;
      // A record is never changed: what names no time is passed over, or the calendar could be read no more.
      if ("slot" in fact.data && Number.isNaN(Date.parse(fact.data.slot))) continue;
      const draft = drafts.get(id) ?? draftOf(id, from.occasions.get(id));
      drafts.set(id, draft);
      occasions.set(id, draft);
      take(draft, fact, event);
    }
  }
  return { version, rounds, occasions };
}

function draftOf(id: string, record: OccasionRecord | undefined): Draft {
  if (record === undefined) return { id, planned: null, slots: new Map(), done: [], ahead: NOTHING_AHEAD };
  return { ...record, slots: new Map(record.slots), done: [...record.done] };
}

/** A record while it is folded. */
interface Draft {
  readonly id: string;
  planned: OccasionRecord["planned"];
  readonly slots: Map<string, Slot>;
  readonly done: Done[];
  ahead: Ahead;
}

const NOTHING_AHEAD: Ahead = { approvals: [], asked: false, ended: null };

type OccasionFact = Extract<CalendarFact, { data: { occasion: string } }>;

function take(record: Draft, fact: OccasionFact, { at, actor, version }: RecordedEvent): void {
  switch (fact.type) {
    case "occasion.planned":
      record.planned = { schedule: fact.data.schedule, timezone: fact.data.timezone, since: at };
      // How often is a part of what was approved.
      record.ahead = endOf(record.ahead, "it is due at other times now", false);
      return;
    case "occasion.dropped":
      record.planned = null;
      record.ahead = NOTHING_AHEAD;
      return;
    case "occasion.approved": {
      const { person, role, planHash, until, proved, vouchedBy } = fact.data;
      const given = { person, role, at: at.toISOString(), until, proved, vouchedBy, version, planHash };
      const others = record.ahead.approvals.filter((one) => one.planHash === planHash && one.person !== person);
      record.ahead = { approvals: [...others, given], asked: false, ended: null };
      return;
    }
    case "occasion.revoked":
      record.ahead = endOf(record.ahead, fact.data.reason ?? "it was taken back", true);
      return;
    case "occasion.approvalEnded":
      record.ahead = endOf(record.ahead, fact.data.reason, true);
      return;
    case "occasion.approvalAsked":
      record.ahead = { ...record.ahead, asked: true };
      return;
    case "occasion.needsPeople":
      change(record, fact.data.slot, { needed: true });
      return;
    case "occasion.done": {
      const done: Done = { as: "done", ...fact.data, at: new Date(fact.data.at) };
      change(record, fact.data.slot, { outcome: done });
      const after = record.done.findLastIndex((one) => one.at <= done.at) + 1;
      record.done.splice(after, 0, done);
      return;
    }
    case "occasion.missed": {
      const { slot, reason, run } = fact.data;
      // What was done in the end was done.
      if (record.slots.get(slot)?.outcome?.as === "done") return;
      change(record, slot, { outcome: { as: "missed", slot, at, reason, run } });
      return;
    }
    case "occasion.postponed": {
      const postponements = (record.slots.get(fact.data.slot)?.postponements ?? 0) + 1;
      const postponedBy = idOf(actor as Actor);
      change(record, fact.data.slot, {
        ...AHEAD_OF_IT,
        // Who was told hears of the new date at once.
        announced: true,
        ...{ postponements, postponedBy, postponedTo: new Date(fact.data.to) },
      });
      return;
    }
    case "occasion.started":
      change(record, fact.data.slot, { started: { incident: fact.data.incident, run: fact.data.run, at } });
      return;
    case "occasion.announced":
      change(record, fact.data.slot, { announced: true });
      return;
    case "occasion.reminded":
      change(record, fact.data.slot, { announced: true, reminded: true });
      return;
    case "occasion.waiting":
      if (fact.data.reason === undefined) change(record, fact.data.slot, { waiting: true });
      else change(record, fact.data.slot, { heldUp: { reason: fact.data.reason, at } });
      return;
    case "occasion.checked":
      change(record, fact.data.slot, { checkedBy: idOf(actor as Actor) });
      return;
  }
}

function endOf(before: Ahead, reason: string, asked: boolean): Ahead {
  return { approvals: [], asked, ended: before.approvals.length > 0 ? reason : before.ended };
}

/** Nothing of it has happened yet: at its own time, and again at the one it is put off to. */
const AHEAD_OF_IT = {
  ...{ announced: false, reminded: false, waiting: false, heldUp: null, checkedBy: null },
  ...{ started: null, needed: false, outcome: null },
} as const;
const AS_PLANNED = { postponedTo: null, postponements: 0, postponedBy: null } as const;

function change({ slots }: Draft, id: string, changes: Partial<Slot>): void {
  const before: Slot = slots.get(id) ?? { id, ...AS_PLANNED, ...AHEAD_OF_IT };
  slots.set(id, { ...before, ...changes });
}

type SeatFact = Extract<CalendarFact, { type: `seats.${string}` }>;

function isOfSeats(fact: CalendarFact): fact is SeatFact {
  return fact.type.startsWith("seats.");
}

function withRound(rounds: CalendarState["rounds"], fact: SeatFact, at: Date): ReadonlyMap<string, SeatRound> {
  const { round } = fact.data;
  const before = rounds.get(round) ?? blankRound(round);
  const change = changeOf(before, fact, at);
  return change === null ? rounds : new Map(rounds).set(round, { ...before, ...change });
}

function blankRound(id: string): SeatRound {
  const [askedAt, pagedAt, confirmedAt] = [new Map(), new Map(), new Map()];
  return { id, askedAt, pagedAt, confirmedAt, byPage: new Set(), silent: new Set() };
}

function changeOf(before: SeatRound, fact: SeatFact, at: Date): Partial<SeatRound> | null {
  switch (fact.type) {
    case "seats.asked":
      return { askedAt: withFirst(before.askedAt, fact.data.people, at) };
    case "seats.paged":
      return { pagedAt: withFirst(before.pagedAt, fact.data.people, at) };
    case "seats.confirmed": {
      const { person, by } = fact.data;
      const byPage = by === "page" ? new Set([...before.byPage, person]) : before.byPage;
      return { confirmedAt: new Map(before.confirmedAt).set(person, at), byPage };
    }
    case "seats.silent":
      return { silent: new Set([...before.silent, ...fact.data.people]) };
    default:
      fact satisfies never;
      // Of another version.
      return null;
  }
}

/** The first time counts. */
function withFirst(before: ReadonlyMap<string, Date>, people: readonly string[], at: Date): ReadonlyMap<string, Date> {
  return new Map([...people.map((one) => [one, at] as const), ...before]);
}
