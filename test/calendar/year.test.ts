import { describe, expect, test } from "@jest/globals";
import { calendarDue, eventOf, missedEvent, recipientsOf } from "../../src/calendar/due.ts";
import { BOT, type CalendarEvent, startsItself } from "../../src/calendar/events.ts";
import { drillsTaken, peopleNotes, type SeatFacts, seatsOf } from "../../src/calendar/seats.ts";
import { heldSlot, overdueSince } from "../../src/calendar/slots.ts";
import { foldCalendar } from "../../src/calendar/state.ts";
import { doneBy } from "../../src/calendar/taken.ts";
import { calendarSchema, toCalendar } from "../../src/catalog/calendar.ts";
import type { Occasion, System } from "../../src/catalog/types.ts";
import { CalendarYear } from "../support/calendar-year.ts";
import { orders } from "../support/orders-system.ts";
import { keepPages } from "../support/printed-page.ts";

const calendar = toCalendar(
  calendarSchema.parse({
    region: {
      ...{ title: "Region drill", runbook: "leave", schedule: "quarterly", takes: "4h" },
      ...{ organiser: "dba", tells: ["incident-commander"], checklist: "before" },
    },
    restore: { title: "Restore test", runbook: "restore", kind: "restore-test", schedule: "monthly", organiser: "dba" },
    surprise: {
      ...{ title: "Surprise", runbook: "surprise", schedule: "annually", week: 30, unannounced: true },
      ...{ organiser: "vp-engineering", tells: ["vp-engineering"] },
    },
    review: { title: "Review of the plan", kind: "review", schedule: "semi-annually", week: 2, tells: ["dba"] },
    nightly: {
      title: "Look at the backups",
      runbook: "look",
      kind: "verification",
      schedule: "daily",
      organiser: "dba",
    },
  }),
);
const base: System = {
  ...orders,
  calendar,
  seats: { confirm: "monthly", answerWithinSeconds: 7 * 86_400, drillsAYear: 2 },
};
const chain = [
  { role: "dba", needed: 1, stepUp: false },
  { role: "vp-engineering", needed: 1, stepUp: true },
];
const expectPage = keepPages(import.meta.dirname);
const entry = (id: string) => calendar.find((one) => one.id === id) as Occasion;

describe("given a year of a calendar, in practice time", () => {
  let gone = new Map<string, string>();
  const facts = (): SeatFacts => ({ chain, gone, enrolled: new Set(["ana", "bo", "vera"]) });
  let open: string | null = null;
  const year: CalendarYear = new CalendarYear(
    "2026-01-02T12:00:00Z",
    () => base,
    facts,
    ({ occasion, slot }) => {
      const held = heldSlot(occasion, year.state.occasions.get(occasion.id), slot);
      if (open !== null) return [missedEvent(base, occasion, held, `${open} is open`, null)];
      const run = `run-${occasion.id}-${slot.slice(0, 10)}`;
      const started = eventOf(
        { type: "occasion.started", data: { occasion: occasion.id, slot, incident: "inc-1", run } },
        held,
      );
      year.append(started);
      const facts = { incident: "inc-1", run, note: null, people: ["ana", "bo"] };
      return [doneBy(occasion, year.state.occasions.get(occasion.id), year.now, facts)].filter((one) => one !== null);
    },
  );
  const by = (person: string) => ({ kind: "person", person, slackUser: null, name: person, door: "slack" }) as const;
  const record = (event: Omit<CalendarEvent, "key" | "actor">, person: string | null = null) =>
    year.append({ ...event, key: "k", actor: person === null ? BOT : by(person) } as CalendarEvent);
  const check = (slot: string) => record({ type: "occasion.checked", data: { occasion: "region", slot } }, "ana");

  test("then drills start, one is missed, one is postponed, an approver leaves, and all of it is on the record", () => {
    const began = performance.now();
    // The first quarter: the list is gone through, and the drill starts at its hour.
    year.until("2026-01-05T12:00:00Z");
    check("2026-01-06T10:00:00.000Z");
    for (const day of ["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"]) {
      year.until(`${day}T10:00:00Z`);
      for (const person of ["ana", "bo", "vera"])
        record({ type: "seats.confirmed", data: { round: day.slice(0, 7), person } }, person);
    }
    // The second quarter's was missed: no one went through the list. The third's is postponed.
    year.until("2026-07-01T12:00:00Z");
    const data = {
      occasion: "region",
      slot: "2026-07-07T10:00:00.000Z",
      to: "2026-07-21T10:00:00.000Z",
      reason: "Release",
    };
    record({ type: "occasion.postponed", data: { ...data, people: recipientsOf(base, entry("region")) } }, "ana");
    year.until("2026-07-20T12:00:00Z");
    check("2026-07-07T10:00:00.000Z");
    // Vera leaves in August. An incident is open when September's restore test is due.
    year.until("2026-08-15T00:00:00Z");
    gone = new Map([["vera", "the account is deactivated"]]);
    year.until("2026-09-01T00:00:00Z");
    open = "INC-42";
    year.until("2026-09-02T00:00:00Z");
    open = null;
    year.until("2027-01-02T12:00:00Z");
    expectPage(
      "year.out",
      `${year
        .script()
        .filter((line) => !line.includes("nightly"))
        .join("\n")}\n`,
    );
    expect((performance.now() - began) / 1000).toBeLessThan(60);
  });

  test("then what was done is counted without limit, and what never was is overdue", () => {
    const { occasions } = year.state;
    const counted = Object.fromEntries(
      calendar.map(({ id }) => {
        const record = occasions.get(id);
        const missed = [...(record?.slots.values() ?? [])].filter(({ outcome }) => outcome?.as === "missed");
        return [id, [record?.done.length, missed.length]];
      }),
    );
    expect(counted).toEqual({ region: [2, 2], restore: [11, 1], surprise: [1, 0], review: [0, 2], nightly: [364, 1] });
    expect(overdueSince(entry("review"), occasions.get("review"), year.now)?.toISOString()).toBe(
      "2026-01-13T10:00:00.000Z",
    );
    expect(overdueSince(entry("nightly"), occasions.get("nightly"), year.now)).toBeNull();
    expect(overdueSince(entry("surprise"), undefined, year.now)).toBeNull();
  });

  test("then the seats say by name who left and who did not answer, and who was in too few drills", () => {
    const seats = seatsOf(base, year.state, facts(), year.now);
    expect(seats.map(({ role, ok }) => [role, ok])).toEqual([
      ["dba", false],
      ["vp-engineering", false],
    ]);
    expect(Object.fromEntries(seats.flatMap(({ people }) => people.map((one) => [one.person, one.problems])))).toEqual({
      ana: ["not confirmed since 2026-06-01"],
      bo: ["not confirmed since 2026-06-01"],
      vera: ["the account is deactivated"],
    });
    expect(Object.fromEntries(drillsTaken(base, year.state, chain, year.now))).toEqual({ ana: 14, bo: 14, vera: 0 });
    const noted = (now: Date, of: readonly (typeof chain)[number][] = chain) =>
      peopleNotes(base, year.state, seatsOf(base, year.state, { ...facts(), chain: of }, now), now).map(
        ({ says, roles }) => [says, roles],
      );
    // Roles that are not filled say it themselves; Vera took part in nothing all year.
    expect(noted(year.now)).toEqual([["Vera Prins took part in 0 of 2 drills within a year", ["vp-engineering"]]]);
    // In its first half year a calendar asks no one for a drill.
    expect(noted(new Date("2026-06-20T00:00:00Z"))).toEqual([]);
  });

  test("then a role that is filled without one of them names that one beside it", () => {
    const now = new Date("2026-03-20T12:00:00Z");
    const facts = { chain: [chain[0] as (typeof chain)[number]], gone: new Map([["bo", "left"]]), enrolled: null };
    const seats = seatsOf(base, foldCalendar([]), facts, now);
    expect(seats.map(({ ok }) => ok)).toEqual([true]);
    expect(peopleNotes(base, foldCalendar([]), seats, now)).toEqual([
      { person: "bo", roles: ["dba"], about: "reach", says: "Bo Ek can't approve: left" },
    ]);
  });

  test("then what starts by itself has a runbook and an organiser, and a surprise is announced to its organiser alone", () => {
    expect(calendar.filter(startsItself).map(({ id }) => id)).toEqual(["region", "restore", "surprise", "nightly"]);
    expect(recipientsOf(base, entry("surprise"))).toEqual(["vera"]);
    expect(recipientsOf(base, entry("region"))).toEqual(["ana", "bo"]);
  });
});

describe("given a holding that was postponed to the same date again", () => {
  const [slot, to] = ["2026-04-07T10:00:00.000Z", "2026-04-09T10:00:00.000Z"];
  const postponed = { type: "occasion.postponed", data: { occasion: "restore", slot, to, reason: "x", people: [] } };
  const recordOf = (times: number) =>
    foldCalendar(
      Array.from({ length: times }, (_, n) => ({ ...postponed, actor: BOT, at: new Date(slot), version: n + 1 })),
    ).occasions.get("restore");
  const facts = { incident: null, run: null, note: null, people: [] };

  test("then what becomes of it is recorded under keys of its own", () => {
    const keys = [0, 1, 2].flatMap((times) => {
      const held = heldSlot(entry("restore"), recordOf(times), slot);
      const done = doneBy(entry("restore"), recordOf(times), new Date(to), facts, slot);
      return [done?.key, missedEvent(base, entry("restore"), held, "x", null).key];
    });
    expect(new Set(keys).size).toBe(6);
  });
});

describe("given times at which no one looked", () => {
  const restart = (id: string, until: string, more: Partial<Occasion> = {}) => {
    const system = { ...base, calendar: [{ ...entry(id), ...more }], seats: undefined } as unknown as System;
    const noOne = { chain: [], gone: new Map(), enrolled: null };
    const year = new CalendarYear(
      "2026-03-01T12:00:00Z",
      () => system,
      () => noOne,
      () => [],
    );
    year.until("2026-03-01T12:00:00Z");
    year.now = new Date(until);
    const due = calendarDue(system, year.state, year.now);
    return { due, missed: due.events.filter(({ type }) => type === "occasion.missed") };
  };
  const slots = (events: readonly CalendarEvent[]) => events.map(({ data }) => (data as { slot: string }).slot);

  test("then each is recorded as missed, and people hear of the last", () => {
    const { missed } = restart("restore", "2026-06-20T12:00:00Z");
    expect(slots(missed).map((slot) => slot.slice(0, 7))).toEqual(["2026-03", "2026-04", "2026-05", "2026-06"]);
    expect(missed.map(({ data }) => (data as { people: readonly string[] }).people.length > 0)).toEqual([
      ...[false, false, true, true],
    ]);
  });

  test("then no more than a hundred are, besides the last", () => {
    expect(restart("nightly", "2026-12-01T12:00:00Z").missed).toHaveLength(101);
  });

  test("then what takes longer than its period is missed when the next begins, and that alone is started", () => {
    const { missed, due } = restart("nightly", "2026-03-03T12:00:00Z", { takesSeconds: 2 * 86_400 });
    expect(slots(missed)).toEqual(["2026-03-02T10:00:00.000Z"]);
    expect(due.starts.map(({ slot }) => slot)).toEqual(["2026-03-03T10:00:00.000Z"]);
    expect(due.lapsed.map(({ slot }) => slot)).toEqual(["2026-03-02T10:00:00.000Z"]);
  });
});
