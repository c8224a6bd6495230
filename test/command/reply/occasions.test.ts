import { describe, expect, test } from "@jest/globals";
import { foldCalendar } from "../../../src/calendar/state.ts";
import { takenPlace } from "../../../src/calendar/taken.ts";
import { toCalendar } from "../../../src/catalog/calendar.ts";
import type { Catalog, Runbook } from "../../../src/catalog/types.ts";
import { lineFor } from "../../../src/command/reply/line.ts";
import { occasionsOf } from "../../../src/command/reply/occasions.ts";
import type { IncidentState } from "../../../src/incident/state.ts";
import { orders } from "../../support/orders-system.ts";

/** The first Tuesday of January, April, July and October at 10:00. */
const calendar = toCalendar({
  drill: {
    ...{ title: "Region drill", runbook: "leave", kind: "drill", schedule: "quarterly", timezone: "UTC" },
    ...{ takes: 7200, tells: ["vp-engineering"], unannounced: false },
  },
});
const system = { ...orders, calendar };
const leave = { id: "leave", system: "orders", title: "Leave", starts: null, component: null, modes: ["planned"] };
const catalog = { systems: [system], runbooks: [leave as unknown as Runbook] } satisfies Catalog;

const since = { type: "occasion.planned", data: { occasion: "drill", schedule: "x", timezone: "UTC" } };

function standing(now: string, done: string | null, planned = "2026-03-01T00:00:00Z", more: object = {}) {
  const before = foldCalendar([{ ...since, actor: null, at: new Date(planned), version: 1 }]);
  const run = { id: "run-1", runbook: "leave", mode: "planned", dryRun: false, ending: { as: "verified" }, ...more };
  const runs = new Map(done === null ? [] : [["run-1", { ...run, endedAt: new Date(done), steps: new Map() }]]);
  const incident = { id: "inc-1", declared: null, roles: new Map(), runs } as unknown as IncidentState;
  const events = takenPlace(system, before, incident).map((event, n) => ({
    ...event,
    at: new Date(now),
    version: n + 2,
  }));
  const [one] = occasionsOf(catalog, system, foldCalendar(events, before), null, new Date(now));
  return { overdue: one?.overdueSince?.toISOString() ?? null, last: one?.last?.at.toISOString() ?? null };
}

describe("given a drill of every quarter, when someone asks how it stands", () => {
  const april = "2026-04-07T10:00:00.000Z";

  test.each([
    ["it was done in the quarter that runs", "2026-05-01T00:00:00Z", "2026-04-08T09:00:00.000Z", null],
    ["it was done a little early", "2026-05-01T00:00:00Z", "2026-03-30T09:00:00.000Z", null],
    ["it was done the time before only", "2026-05-01T00:00:00Z", "2026-01-06T12:00:00.000Z", april],
    ["its hours are not over yet", "2026-04-07T11:00:00Z", "2026-01-06T12:00:00.000Z", null],
    ["its hours are over", "2026-04-07T12:00:01Z", "2026-01-06T12:00:00.000Z", april],
    ["it was never done", "2026-05-01T00:00:00Z", null, april],
  ])("then %s", (_, now, done, overdue) => {
    expect(standing(now, done)).toEqual({ overdue, last: done });
  });

  test.each([
    { dryRun: true },
    { mode: "unplanned", runbook: "other" },
    { ending: { as: "aborted" } },
    { ending: null },
  ])("then a run that is %p does not count", (more) =>
    expect(standing("2026-05-01T00:00:00Z", "2026-04-08T09:00:00.000Z", undefined, more).last).toBeNull(),
  );
});

test("a review that names a runbook is ticked off, not run", () => {
  const [drill] = calendar;
  const review = { ...system, calendar: drill === undefined ? [] : [{ ...drill, kind: "review" as const }] };
  const lines = [system, review].map((of) => occasionsOf(catalog, of, foldCalendar([]), null, new Date())[0]?.line);
  expect(lines).toEqual(["/dr runbook leave --drill", null]);
});

describe("the line to type", () => {
  const book = (id: string, target: string | null, of = "orders") =>
    ({
      id,
      system: of,
      starts: target && { verb: "failover", target },
      component: target,
      modes: ["planned", "unplanned"],
    }) as unknown as Runbook;

  test("is as short as it is clear", () => {
    const [one, other, elsewhere] = [
      book("db-failover", "database"),
      book("check", null),
      book("db-failover", "database", "billing"),
    ];
    const billing = { ...orders, id: "billing" };
    expect(lineFor({ systems: [orders], runbooks: [one, other] }, one, "unplanned")).toBe(
      "/dr failover database --unplanned",
    );
    expect(lineFor({ systems: [orders], runbooks: [one, other] }, other, null)).toBe("/dr runbook check");
    expect(lineFor({ systems: [orders, billing], runbooks: [one, elsewhere] }, elsewhere, null)).toBe(
      "/dr failover database --system billing",
    );
  });
});
