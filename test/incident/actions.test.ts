import { expect, test } from "@jest/globals";
import { dueAt, openActions, remindersOf } from "../../src/incident/actions.ts";
import { codeOf, IncidentScenario, MIDNIGHT } from "../support/incident-scenario.ts";

const today = new Date(MIDNIGHT).toISOString().slice(0, 10);
const add = { type: "addAction", text: "Build a standby", owner: "bo", due: today, link: null } as const;

test("an item is added, is due, and is done once", () => {
  const story = new IncidentScenario().declared();
  expect(codeOf(story.asks("ana", add))).toBe("accepted");
  expect(codeOf(story.asks("ana", { ...add, text: "Fence orders-a", owner: null, due: null }))).toBe("accepted");
  expect(story.state.actions?.map(({ id, text, owner }) => [id, text, owner])).toEqual([
    ["A1", "Build a standby", "bo"],
    ["A2", "Fence orders-a", null],
  ]);
  expect(remindersOf(story.state).map(({ item, at }) => [item.id, at.toISOString()])).toEqual([
    ["A1", `${today}T08:00:00.000Z`],
  ]);
  story.happened({ type: "action.reminded", data: { action: "A1" } }, null);
  expect(remindersOf(story.state)).toEqual([]);
  expect(codeOf(story.asks("oli", { type: "doneAction", action: "a1", note: "built" }))).toBe("accepted");
  expect(codeOf(story.asks("oli", { type: "doneAction", action: "A1", note: null }))).toBe("action-done");
  expect(codeOf(story.asks("oli", { type: "doneAction", action: "A9", note: null }))).toBe("action-unknown");
  expect(openActions(story.state).map(({ id }) => id)).toEqual(["A2"]);
});

test.each([
  ["an empty text", { ...add, text: " " }, "action-empty"],
  ["no day", { ...add, due: "soon" }, "due-unclear"],
  ["a day that no month has", { ...add, due: "2026-02-30" }, "due-unclear"],
  ["a day that is over", { ...add, due: "1999-01-01" }, "due-past"],
] as const)("%s is refused", (_given, command, code) => {
  expect(codeOf(new IncidentScenario().declared().asks("ana", command))).toBe(code);
});

test("an item belongs to something that was declared, and is for people on the roster", () => {
  expect(codeOf(new IncidentScenario().asks("ana", add))).toBe("not-declared");
  const stranger = { kind: "person", person: null, slackUser: "U_NEW", name: "New", door: "slack" } as const;
  expect(codeOf(new IncidentScenario().declared().asks(stranger, add))).toBe("not-on-roster");
});

test("what is due is told in the morning of that day", () => {
  expect(dueAt("2026-12-24")).toEqual(new Date("2026-12-24T08:00:00Z"));
  expect(dueAt("24.12.2026")).toBeNull();
});
