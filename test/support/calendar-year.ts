import { calendarDue, type Start } from "../../src/calendar/due.ts";
import type { CalendarEvent } from "../../src/calendar/events.ts";
import { type SeatFacts, seatsDue } from "../../src/calendar/seats.ts";
import { type CalendarState, foldCalendar, type RecordedEvent } from "../../src/calendar/state.ts";
import type { System } from "../../src/catalog/types.ts";

/** A calendar that lives through time without a store: what is due is recorded at its moment, and what is started is told to `started`. */
export class CalendarYear {
  now: Date;
  readonly events: RecordedEvent[] = [];
  #state: CalendarState = foldCalendar([]);
  readonly #system: () => System;
  readonly #facts: () => SeatFacts;
  readonly #started: (start: Start) => readonly CalendarEvent[];

  constructor(
    from: string,
    system: () => System,
    facts: () => SeatFacts,
    started: (start: Start) => readonly CalendarEvent[],
  ) {
    this.now = new Date(from);
    [this.#system, this.#facts, this.#started] = [system, facts, started];
  }

  get state(): CalendarState {
    return this.#state;
  }

  append(...events: readonly CalendarEvent[]): void {
    const appended = events.map(({ key: _, ...event }, n) => {
      return { ...event, at: this.now, version: this.events.length + n + 1 };
    });
    this.events.push(...appended);
    this.#state = foldCalendar(appended, this.#state);
  }

  /** Everything that is due until then, each at its moment. */
  until(then: string): void {
    const end = new Date(then);
    for (;;) {
      const next = this.#look();
      if (next === null || next > end) break;
      this.now = next;
    }
    this.now = end;
    this.#look();
  }

  #look(): Date | null {
    for (;;) {
      const due = calendarDue(this.#system(), this.state, this.now);
      const seats = seatsDue(this.#system(), this.state, this.#facts(), this.now);
      const events = [...due.events, ...seats.events];
      this.append(...events);
      const started = due.starts.flatMap((start) => this.#started(start));
      this.append(...started);
      if (events.length + started.length > 0) continue;
      const moments = [due.nextAt, seats.nextAt].filter((at) => at !== null);
      return moments.length === 0 ? null : new Date(Math.min(...moments.map((at) => at.getTime())));
    }
  }

  /** `2026-03-03 occasion.missed region: …`, without what was only planned. */
  script(): readonly string[] {
    return this.events
      .filter(({ type }) => type !== "occasion.planned")
      .map(({ type, at, data }) => {
        const {
          occasion,
          people = [],
          reason,
          round,
          to,
          person,
        } = data as Record<string, string> & { people?: string[] };
        const about = [occasion ?? round, person, people.join("+"), reason, to].filter(
          (one) => one !== undefined && one !== "",
        );
        return `${at.toISOString().slice(0, 16)} ${type} ${about.join(" · ")}`;
      });
  }
}
