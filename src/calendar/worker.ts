import type { Occasion, System } from "../catalog/types.ts";
import type { Incidents } from "../incidents/index.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { keepFolds } from "../projection/kept-folds.ts";
import { createProjector, isIncident, type Projector } from "../projection/projector.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { Schedule } from "../timeline/schedule.ts";
import { type AheadDue, aheadDue, type GateOf, usableAhead } from "./ahead.ts";
import { AGAIN_MS, calendarDue, eventOf, heldUpEvent, type Start } from "./due.ts";
import { type CalendarEvent, calendarStream, isCalendar, systemOfCalendar } from "./events.ts";
import { type SeatFacts, seatsDue } from "./seats.ts";
import { heldSlot } from "./slots.ts";
import { blankCalendar, type CalendarState, foldCalendar } from "./state.ts";
import { doneBy, takenPlace } from "./taken.ts";

const NO_ONE_ASKED: SeatFacts = { chain: [], gone: new Map(), enrolled: null };

/** What became of an attempt to start what is due. */
export type Started =
  | { readonly ok: true; readonly incident: string; readonly run: string }
  /** It was not started, and nothing was changed: it's tried again within its hours. A clause: "INC-42 is open". */
  | { readonly ok: false; readonly reason: string };

export interface CalendarOptions {
  readonly timeline: Pick<Timeline, "decide" | "read" | "follow" | "now" | "onReread" | "onJump">;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp" | "lastVerified">;
  readonly schedule: Schedule;
  /** Those that may run here, as they are now. */
  readonly systems: () => readonly System[];
  /** Requests the run of an entry as its organiser. The same key starts it once. */
  readonly start: (system: System, start: Start) => Promise<Started>;
  /** What this key of a start has started, no matter who did; null: nothing. */
  readonly startedAs: (key: string) => Promise<Started | null>;
  readonly seats: (system: System) => Promise<SeatFacts>;
  /** A system without the roles of who has left, as far as anyone can tell: they are told nothing. Absent: no one has. */
  readonly present?: (system: System) => Promise<System>;
  /** True: entries are recorded, and nothing is announced or started yet. Absent: never. */
  readonly waits?: () => boolean;
  /** Of entries that may be approved ahead. Absent: none is. */
  readonly ahead?: {
    readonly gateOf: GateOf;
    /** The hash of the plan the entry would run now; null: no plan can be made, so no one can tell. */
    readonly planHash: (system: System, occasion: Occasion) => Promise<string | null>;
  };
  readonly log: Logger;
  readonly everyMs?: number;
}

/** What was approved ahead is held against what would be planned now this often, after every edit, and before each start. */
const PLAN_AGAIN_MS = 3_600_000;
/** A plan this old is good for a start. */
const PLAN_FRESH_MS = 60_000;

/** While practice waits for its clock to be moved. */
const LOOK_AGAIN_MS = 30_000;

/** A start plans, and so looks at targets; a process that dies meanwhile is followed by another after this. */
const CLAIM_SECONDS = 60;
const AT_ONCE = 10;
/** What is written makes the next due; more than this in a row is looked at by the next round. */
const ROUNDS_MAX = 8;
/** How many closed incidents are looked at again for what was missed. */
const CLOSED_AGAIN = 50;

/**
 * Makes calendars act: announces, reminds, starts, and records what took place and what did not. What is due is decided in the transaction that
 * writes it, and one process at a time starts what is due, so any number of processes do it once.
 */
export function createCalendar(options: CalendarOptions): Projector {
  const { timeline, incidents, schedule, log } = options;
  const records = keepFolds<CalendarState>(timeline, blankCalendar, (before, more) => foldCalendar(more, before));
  const claimed = new Set<string>();
  const planned = new Map<string, number | null>();
  /** Keys of starts that failed for the same reason again: when they are tried next, milliseconds. */
  const paused = new Map<string, number>();
  /** Plans of entries that are approved ahead, by system and entry: of which catalogue, and when they were made. */
  const plans = new Map<string, { readonly of: System; readonly at: number; readonly hash: string | null }>();
  let seen: readonly System["calendar"][] = [];
  const systemOf = (id: string | undefined) => options.systems().find((one) => one.id === id);
  const present = options.present ?? (async (system: System) => system);

  /** Rejects nothing that is due: decided once more where it is written. */
  async function record(
    system: System,
    due: (state: CalendarState, now: Date) => readonly CalendarEvent[],
  ): Promise<number> {
    const decided = await timeline.decide(calendarStream(system.id), (events, now) => ({
      events: due(records.of(calendarStream(system.id), events), now),
      value: null,
    }));
    return decided.kind === "written" ? decided.events.length : 0;
  }

  async function lookAtIncident(id: string): Promise<void> {
    const incident = await incidents.read(id);
    const system = systemOf(incident.declared?.system);
    if (system === undefined || (system.calendar ?? []).length === 0) return;
    const told = await present(system);
    const taken = (state: CalendarState) => takenPlace(system, state, incident, told);
    if (taken(await stateOf(system)).length > 0) await record(system, taken);
  }

  async function stateOf(system: System): Promise<CalendarState> {
    return records.read(calendarStream(system.id));
  }

  async function lookAtCalendar(stream: string): Promise<void> {
    const system = systemOf(systemOfCalendar(stream));
    if (system === undefined) return schedule.set(stream, 0, null);
    const facts = system.seats?.confirm ? await options.seats(system) : NO_ONE_ASKED;
    const told = await present(system);
    const dueNow = (state: CalendarState, now: Date) => {
      const [calendar, seats] = [calendarDue(told, state, now), seatsDue(system, state, facts, now)];
      const ahead = aheadNow(system, told, state, now);
      if (options.waits?.()) {
        // What is asked at once is asked once time passes.
        const nextAt = ahead.events.length > 0 ? new Date(now.getTime() + LOOK_AGAIN_MS) : null;
        const events = calendar.events.filter(({ type }) => isOfEntry(type));
        return { ...{ events, starts: [], lapsed: [] }, nextAt: earliest(calendar.nextAt, nextAt) };
      }
      return {
        ...calendar,
        starts: calendar.starts.map((start) => withAhead(start, told, state, now)),
        events: [...calendar.events, ...seats.events, ...ahead.events],
        nextAt: [seats.nextAt, ahead.nextAt].reduce(earliest, calendar.nextAt),
      };
    };
    for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
      const state = await stateOf(system);
      await planAgain(system, told, state);
      const due = dueNow(state, timeline.now());
      if (await foundStarted(system, due.lapsed)) continue;
      // What is written is looked at once more, from what it makes.
      if (due.events.length > 0 && (await record(system, (then, now) => dueNow(then, now).events)) > 0) continue;
      const isClaimed = claimed.has(stream);
      const now = timeline.now();
      const ready = due.starts.filter(({ key }) => (paused.get(key) ?? 0) <= now.getTime());
      if (ready.length > 0 && isClaimed) {
        for (const start of ready) await begin(system, start);
        continue;
      }
      // The one who only heard of it leaves the start to a round, which one process has at a time.
      const later = due.starts.map(({ key }) => new Date(paused.get(key) ?? 0)).reduce(earliest, due.nextAt);
      const nextAt = ready.length > 0 || due.events.length > 0 ? now : later;
      claimed.delete(stream);
      if (!isClaimed && planned.get(stream) === (nextAt?.getTime() ?? null)) return;
      await schedule.set(stream, state.version, nextAt);
      planned.set(stream, nextAt?.getTime() ?? null);
      return;
    }
  }

  /** Plans what is approved ahead once more where that is due, and after each approval: a plan of before says nothing about it. What can't be planned now leaves what was approved as it is. */
  async function planAgain(system: System, told: System, state: CalendarState): Promise<void> {
    const { ahead } = options;
    if (ahead === undefined) return;
    const now = timeline.now();
    const starting = new Set(calendarDue(told, state, now).starts.map(({ occasion }) => occasion.id));
    for (const occasion of system.calendar ?? []) {
      const given = state.occasions.get(occasion.id)?.ahead.approvals.at(-1);
      if (given === undefined || ahead.gateOf(system, occasion) === null) continue;
      const key = `${system.id}/${occasion.id}`;
      const last = plans.get(key);
      const goodFor = starting.has(occasion.id) ? PLAN_FRESH_MS : PLAN_AGAIN_MS;
      const isOlder = (last?.at ?? 0) < Date.parse(given.at);
      if (last?.of === system && !isOlder && now.getTime() - last.at < goodFor) continue;
      const hash = await ahead.planHash(system, occasion).catch(() => null);
      plans.set(key, { of: system, at: timeline.now().getTime(), hash });
    }
  }

  function aheadNow(system: System, told: System, state: CalendarState, now: Date): AheadDue {
    if (options.ahead === undefined) return { events: [], nextAt: null };
    const own = [...plans].filter(([key, { of }]) => key.startsWith(`${system.id}/`) && of === system);
    const hashes = own.flatMap(([key, { hash }]) =>
      hash === null ? [] : [[key.slice(system.id.length + 1), hash] as const],
    );
    const due = aheadDue(told, state, options.ahead.gateOf, new Map(hashes), now);
    return { ...due, nextAt: own.map(([, { at }]) => new Date(at + PLAN_AGAIN_MS)).reduce(earliest, due.nextAt) };
  }

  function withAhead(start: Start, told: System, state: CalendarState, now: Date): Start {
    const record = state.occasions.get(start.occasion.id);
    if (options.ahead === undefined || record === undefined) return start;
    const gate = options.ahead.gateOf(told, start.occasion);
    const ahead = usableAhead(told, start.occasion, gate, record.ahead, now);
    return ahead === null ? start : { ...start, ahead };
  }

  async function begin(system: System, start: Start): Promise<void> {
    const { occasion, slot } = start;
    const result = await options
      .start(system, start)
      .catch((error): Started => ({ ok: false, reason: messageOf(error) }));
    if (!result.ok)
      log.warn(
        { event: "calendar.not_started", system: system.id, occasion: occasion.id, says: result.reason },
        "a calendar entry was not started",
      );
    if (result.ok) {
      await recordStarted(system, start, result);
      return;
    }
    paused.set(start.key, timeline.now().getTime() + AGAIN_MS);
    const told = await present(system);
    await record(system, (state) => {
      const held = heldSlot(occasion, state.occasions.get(occasion.id), slot);
      if (held.recorded?.started || held.recorded?.outcome) return [];
      return [heldUpEvent(told, occasion, held, result.reason, state.version)].filter((one) => one !== null);
    });
  }

  /** Also where someone recorded it as missed meanwhile: what becomes of its run counts. How many events were written. */
  async function recordStarted(
    system: System,
    { occasion, slot, key }: Start,
    { incident, run }: Extract<Started, { ok: true }>,
  ): Promise<number> {
    paused.delete(key);
    return record(system, (state) => {
      const held = heldSlot(occasion, state.occasions.get(occasion.id), slot);
      if (held.recorded?.started || held.recorded?.outcome?.as === "done") return [];
      return [eventOf({ type: "occasion.started", data: { occasion: occasion.id, slot, incident, run } }, held)];
    });
  }

  /** The one who started one of these may have died before that was recorded. */
  async function foundStarted(system: System, lapsed: readonly Start[]): Promise<boolean> {
    let written = 0;
    for (const start of lapsed) {
      paused.delete(start.key);
      const found = await options.startedAs(start.key);
      if (found?.ok) written += await recordStarted(system, start, found);
    }
    return written > 0;
  }

  /** Entries may be new, gone or at other times. */
  function lookAtNewCatalog(): void {
    const systems = options.systems();
    const mark = systems.map(({ calendar }) => calendar);
    if (seen.length === mark.length && mark.every((one, n) => one === seen[n])) return;
    seen = mark;
    for (const { id, calendar = [] } of systems) if (calendar.length > 0) projector.changed(calendarStream(id));
  }

  /** What ran before the calendar had a record counts too. */
  async function seed(system: System): Promise<void> {
    const last = await incidents.lastVerified();
    const missing = (state: CalendarState) =>
      (system.calendar ?? []).flatMap((occasion) => {
        const found = occasion.runbook === null ? null : last(system.id, occasion.runbook, occasion.mode);
        const record = state.occasions.get(occasion.id);
        if (found === null || record?.done.some(({ run, at }) => run === found.run || at >= found.at)) return [];
        const facts = { incident: null, run: found.run, note: null, people: [] };
        return doneBy(occasion, record, found.at, facts) ?? [];
      });
    if (missing(await stateOf(system)).length > 0) await record(system, missing);
  }

  const projector: Projector = createProjector({
    name: "calendar",
    timeline,
    log,
    concerns: (stream) => isIncident(stream) || isCalendar(stream),
    look: (stream) => (isIncident(stream) ? lookAtIncident(stream) : lookAtCalendar(stream)),
    async missed() {
      const systems = options.systems().filter(({ calendar = [] }) => calendar.length > 0);
      const all = await incidents.toCatchUp();
      const closed = all.filter(({ over }) => over).slice(0, CLOSED_AGAIN);
      for (const { id } of [...all.filter(({ over }) => !over), ...closed]) await lookAtIncident(id);
      for (const system of systems) await seed(system);
      return systems.map(({ id }) => calendarStream(id));
    },
    async round() {
      lookAtNewCatalog();
      for (const stream of await schedule.claim(CLAIM_SECONDS, AT_ONCE, calendarStream(""))) {
        claimed.add(stream);
        projector.changed(stream);
      }
    },
    ...(options.everyMs !== undefined && { everyMs: options.everyMs }),
  });
  let unjumped = () => {};
  return {
    ...projector,
    start() {
      unjumped = timeline.onJump(projector.wake);
      projector.start();
    },
    stop() {
      unjumped();
      return projector.stop();
    },
  };
}

function isOfEntry(type: string): boolean {
  return type === "occasion.planned" || type === "occasion.dropped";
}

function earliest(one: Date | null, other: Date | null): Date | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}
