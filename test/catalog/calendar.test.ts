import { describe, expect, test } from "@jest/globals";
import { calendarSchema, nextOf, toCalendar } from "../../src/catalog/calendar.ts";

/** The next times after 21 November 2026, a Saturday. */
function next(count: number, written: object): readonly string[] {
  const [occasion] = toCalendar(calendarSchema.parse({ it: { title: "It", ...written } }));
  const times: string[] = [];
  let at: Date | null = new Date("2026-11-21T14:00:00Z");
  for (let i = 0; i < count && occasion && at; i++) {
    at = nextOf(occasion, at);
    times.push(at?.toISOString().slice(0, 16) ?? "never");
  }
  return times;
}

describe("given how often something is due, its next times are", () => {
  test.each([
    ["every day", { schedule: "daily", at: "02:00" }, ["2026-11-22T02:00", "2026-11-23T02:00"]],
    ["every week", { schedule: "weekly", day: "sunday", at: "02:30" }, ["2026-11-22T02:30", "2026-11-29T02:30"]],
    ["in the second week of a month", { schedule: "monthly", week: 2 }, ["2026-12-08T10:00", "2027-01-12T10:00"]],
    ["in the first week of a quarter", { schedule: "quarterly" }, ["2027-01-05T10:00", "2027-04-06T10:00"]],
    ["in its third", { schedule: "quarterly", week: 3 }, ["2027-01-19T10:00", "2027-04-20T10:00"]],
    ["in its sixth, of its second month", { schedule: "quarterly", week: 6 }, ["2027-02-09T10:00", "2027-05-11T10:00"]],
    ["twice a year", { schedule: "semi-annually" }, ["2027-01-05T10:00", "2027-07-06T10:00"]],
    ["once a year", { schedule: "annually", week: 48, day: "friday" }, ["2026-12-25T10:00", "2027-12-24T10:00"]],
    ["as cron says", { schedule: "0 1 * * *" }, ["2026-11-22T01:00", "2026-11-23T01:00"]],
    ["by the clock there", { schedule: "daily", at: "09:00", timezone: "Europe/Berlin" }, ["2026-11-22T08:00"]],
  ])("%s", (_, written, times) => {
    expect(next(times.length, written)).toEqual(times);
  });

  test("through a change of the clocks the time of day stays", () => {
    const berlin = { schedule: "0 9 28 3,4 *", timezone: "Europe/Berlin" };
    expect(next(2, berlin)).toEqual(["2027-03-28T07:00", "2027-04-28T07:00"]);
  });
});
