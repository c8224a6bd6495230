import { expect, test } from "@jest/globals";
import type { CalendarFact } from "../../src/calendar/events.ts";
import { calendarSchema, toCalendar } from "../../src/catalog/calendar.ts";
import type { System } from "../../src/catalog/types.ts";
import { renderCalendar } from "../../templates/messages/incident/calendar-notices.ts";
import { orders } from "../support/orders-system.ts";
import { keepPages, printBlocks } from "../support/printed-page.ts";

const system: System = {
  ...orders,
  calendar: toCalendar(
    calendarSchema.parse({
      region: {
        ...{ title: "Region drill", runbook: "leave", schedule: "quarterly", takes: "4h", organiser: "dba" },
        ...{ tells: ["incident-commander"], checklist: "before" },
      },
      review: {
        title: "Review of <the plan>",
        kind: "review",
        runbook: "leave",
        schedule: "quarterly",
        tells: ["dba"],
      },
    }),
  ),
  checklists: [{ id: "before", title: "Before", items: ["Backups are fresh", "On-call knows"] }],
  seats: { confirm: "monthly", answerWithinSeconds: 7 * 86_400, drillsAYear: 2 },
};
const slot = "2026-04-07T10:00:00.000Z";
const people = ["ana", "bo"];
const facts: readonly CalendarFact[] = [
  { type: "occasion.planned", data: { occasion: "region", title: "x", kind: "drill", schedule: "x", timezone: "UTC" } },
  { type: "occasion.announced", data: { occasion: "region", slot, at: slot, people } },
  { type: "occasion.reminded", data: { occasion: "review", slot, at: slot, people: ["ana"] } },
  { type: "occasion.waiting", data: { occasion: "region", slot, until: "2026-04-07T14:00:00.000Z", people: ["ana"] } },
  {
    type: "occasion.waiting",
    data: { occasion: "region", slot, until: "2026-04-07T14:00:00.000Z", people: ["ana"], reason: "INC-42 is open" },
  },
  { type: "occasion.missed", data: { occasion: "region", slot, reason: "INC-42 is open", people, run: null } },
  { type: "occasion.missed", data: { occasion: "review", slot, reason: "not done", people: ["ana"], run: null } },
  { type: "occasion.postponed", data: { occasion: "region", slot, to: slot, reason: "Release & rest", people } },
  {
    type: "occasion.needsPeople",
    data: { occasion: "region", slot, run: "run-1", reason: "No room in <the folder>", people: ["ana"] },
  },
  { type: "occasion.approvalAsked", data: { occasion: "region", people: ["ana"], until: null } },
  { type: "occasion.approvalAsked", data: { occasion: "region", people: ["ana"], until: slot } },
  { type: "occasion.approvalEnded", data: { occasion: "region", reason: "its time is over", people: ["ana"] } },
  { type: "occasion.revoked", data: { occasion: "region", reason: "Disk swap", people: ["bo"] } },
  { type: "occasion.announced", data: { occasion: "gone", slot, at: slot, people } },
  { type: "seats.asked", data: { round: "2026-05", people: ["ana", "nobody-we-know"] } },
  { type: "seats.silent", data: { round: "2026-05", people: ["ana"], told: ["bo"] } },
];

test("what people are told of the calendar: each directly, once, with what they may do about it", () => {
  const events = facts.map((fact, n) => ({ ...fact, version: n + 1, actor: { kind: "bot" } }));
  const around = { systems: [system], practice: false, names: (who: string) => `@${who}` };
  const shown = renderCalendar(system, events, around);
  const page = shown.map(({ key, in: place, message }) => {
    return `== ${key} to ${JSON.stringify(place)}\n${printBlocks(message.blocks ?? [])}`;
  });
  keepPages(import.meta.dirname)("notices.out", `${page.join("\n")}\n`);
  expect(shown.every(({ once }) => once === true)).toBe(true);
  expect(new Set(shown.map(({ key }) => key)).size).toBe(shown.length);
});
