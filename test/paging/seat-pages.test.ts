import { describe, expect, test } from "@jest/globals";
import type { SeatFacts } from "../../src/calendar/seats.ts";
import { foldCalendar } from "../../src/calendar/state.ts";
import { calendarSchema, toCalendar } from "../../src/catalog/calendar.ts";
import type { Person, System } from "../../src/catalog/types.ts";
import { seatPages } from "../../src/paging/seat-pages.ts";
import { pageWords } from "../../templates/messages/comms/page-text.ts";
import { CalendarYear } from "../support/calendar-year.ts";
import { SYSTEM } from "../support/incident-scenario.ts";

/** Test pages of the monthly round: who gets one, when it is day for them, and once. */
const person = (id: string, timezone?: string): Person => ({
  ...{ id, name: id, slack: [`U${id.toUpperCase()}`], roles: ["dba"] },
  ...(timezone !== undefined && { timezone }),
});
const system: System = {
  ...SYSTEM,
  calendar: toCalendar(calendarSchema.parse({ review: { title: "Review", kind: "review", schedule: "annually" } })),
  timezone: "Europe/Berlin",
  people: [person("ana", "America/Los_Angeles"), person("bo"), person("cy", "Asia/Tokyo"), person("nell")],
  seats: { confirm: "monthly", answerWithinSeconds: 7 * 86_400, drillsAYear: null },
  paging: {
    ...{ service: "PSHOP", routingKeyFrom: "KEY", tokenFrom: "TOKEN", from: "lifeboat@example.com", policies: [] },
    people: ["ana", "bo", "cy"].map((one) => ({ person: one, user: `P${one.toUpperCase()}` })),
  },
};
const facts: SeatFacts = {
  chain: [{ role: "dba", needed: 1, stepUp: false }],
  gone: new Map(),
  enrolled: null,
  pageable: new Set(["ana", "bo", "cy"]),
};

/** A calendar that was there before the first round. */
function begun(more: Partial<SeatFacts> = {}, of: System = system): CalendarYear {
  const year = new CalendarYear(
    "2026-11-20T00:00:00Z",
    () => of,
    () => ({ ...facts, ...more }),
    () => [],
  );
  year.until("2026-11-20T00:00:01Z");
  return year;
}

function confirm(year: CalendarYear, who: string): void {
  const data = { round: "2026-12", person: who };
  year.append({ type: "seats.confirmed", data, key: `confirmed/${who}`, actor: { kind: "bot" } });
}

const seatsOnly = (year: CalendarYear) => year.script().filter((line) => line.includes(" seats."));
const wanted = (year: CalendarYear) =>
  seatPages(system, year.state, pageWords(false))
    .map(({ key, wanted: page }) => [key, "open" in page && page.open])
    .toSorted();

describe("given a round of asking whether people can be reached", () => {
  test("when it is day for a person, then they get one test page; by night no one does", () => {
    const year = begun();
    year.until("2026-12-20T00:00:00Z");
    expect(seatsOnly(year)).toEqual([
      "2026-12-01T09:00 seats.asked 2026-12 · ana+bo+cy+nell",
      // 10:00 in Berlin; it is 18:00 in Tokyo and 01:00 in Los Angeles.
      "2026-12-01T09:00 seats.paged 2026-12 · bo",
      "2026-12-01T17:00 seats.paged 2026-12 · ana",
      "2026-12-02T00:00 seats.paged 2026-12 · cy",
      "2026-12-08T09:00 seats.silent 2026-12 · ana+bo+cy+nell",
    ]);
  });

  test("when they have answered in Slack before it is day, left, or can't be paged, then they get none", () => {
    const year = begun({ gone: new Map([["cy", "left"]]) });
    year.until("2026-12-01T10:00:00Z");
    confirm(year, "ana");
    year.until("2026-12-07T00:00:00Z");
    expect(seatsOnly(year).filter((line) => line.includes("paged"))).toEqual([
      "2026-12-01T09:00 seats.paged 2026-12 · bo",
    ]);
  });

  test("when no zone is known, then it is day by UTC", () => {
    const { timezone: _, ...nowhere } = system;
    const year = begun({}, { ...nowhere, people: [person("bo")] });
    year.until("2026-12-02T00:00:00Z");
    expect(seatsOnly(year)[1]).toBe("2026-12-01T09:00 seats.paged 2026-12 · bo");
  });

  test("when its time to answer is over before it is day, then no page is sent by night", () => {
    const short = { ...system, seats: { confirm: "monthly" as const, answerWithinSeconds: 3_600, drillsAYear: null } };
    const year = begun({}, short);
    year.until("2026-12-03T00:00:00Z");
    expect(seatsOnly(year)).toEqual([
      "2026-12-01T09:00 seats.asked 2026-12 · ana+bo+cy+nell",
      "2026-12-01T09:00 seats.paged 2026-12 · bo",
      "2026-12-01T10:00 seats.silent 2026-12 · ana+bo+cy+nell",
    ]);
  });

  test("then the page is theirs alone, of low urgency, says that it is a test, and is open until they answer or are silent", () => {
    const year = begun();
    year.until("2026-12-02T12:00:00Z");
    const first = seatPages(system, year.state, pageWords(false)).find(({ key }) => key.endsWith("/bo"));
    expect(first?.wanted).toMatchObject({ people: ["bo"], to: { users: ["PBO"] }, urgency: "low", ask: null });
    const said = JSON.stringify(first?.wanted);
    expect(said).toContain("TEST, no incident");
    expect(said).toContain("2026-12-08");
    expect(said).not.toMatch(/INC-|P0|P1/);
    confirm(year, "ana");
    expect(wanted(year)).toEqual([
      ["lifeboat/seats/shop/2026-12/ana", false],
      ["lifeboat/seats/shop/2026-12/bo", true],
      ["lifeboat/seats/shop/2026-12/cy", true],
    ]);
    year.until("2026-12-09T00:00:00Z");
    expect(wanted(year).map(([, open]) => open)).toEqual([false, false, false]);
  });

  test("then a round that this version half knows is read: another event of seats changes nothing", () => {
    const year = begun();
    year.until("2026-12-01T12:00:00Z");
    const unknown = { ...year.events[0], type: "seats.of-tomorrow", data: { round: "2026-12" }, version: 99 } as never;
    const round = foldCalendar([unknown], year.state).rounds.get("2026-12");
    expect(round?.askedAt.size).toBe(4);
    expect(round).toBe(year.state.rounds.get("2026-12"));
  });
});
