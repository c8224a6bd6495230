import { expect, test } from "@jest/globals";
import { scheduled } from "../../src/incident/scheduled.ts";
import { IncidentScenario, MIDNIGHT } from "../support/incident-scenario.ts";

const DAY = 86_400;
const at = (seconds: number) => new Date(MIDNIGHT + seconds * 1000);
const look = (story: IncidentScenario, archiveAfterSeconds: number | null) =>
  scheduled(story.state, { ...story.system, cadence: [] }, story.now, { archiveAfterSeconds });
const typesOf = (story: IncidentScenario, after: number | null) => look(story, after).events.map(({ type }) => type);

function closed(): IncidentScenario {
  const story = new IncidentScenario().declared();
  story.asks("ana", { type: "resolve", summary: null });
  story.asks("ana", { type: "close", waived: "A false alarm" });
  return story;
}

test("a closed incident's channel is announced to be archived, then archived, each once", () => {
  const story = closed();
  expect(look(story, null)).toEqual({ events: [], nextAt: null });
  story.write(look(story, 7 * DAY).events);
  expect(story.state.closing?.archiveAt).toEqual(at(7 * DAY));
  expect(look(story, 7 * DAY)).toEqual({ events: [], nextAt: at(7 * DAY) });
  story.at(7 * DAY);
  expect(typesOf(story, 7 * DAY)).toEqual(["channel.archiveDue"]);
  // Two that look at once write the same key.
  story.write([...look(story, 7 * DAY).events, ...look(story, 7 * DAY).events]);
  expect(story.log.filter(({ type }) => type === "channel.archiveDue")).toHaveLength(1);
  expect(look(story, 7 * DAY)).toEqual({ events: [], nextAt: null });
});

test("what was said about it holds, whatever the setting is later; reopening takes it back", () => {
  const story = closed();
  story.write(look(story, 7 * DAY).events);
  expect(look(story, null).nextAt).toEqual(at(7 * DAY));
  story.asks("ana", { type: "reopen", reason: "It is back" });
  expect(story.state.closing).toBeUndefined();
  expect(look(story.at(8 * DAY), 7 * DAY)).toEqual({ events: [], nextAt: null });
  story.asks("ana", { type: "resolve", summary: null });
  story.asks("ana", { type: "close", waived: "Again" });
  expect(typesOf(story, DAY)).toEqual(["channel.archiveAnnounced"]);
});

test("who owns an action item is told in the morning of its day, once, also after the incident is closed", () => {
  const story = new IncidentScenario().declared();
  const due = at(2 * DAY)
    .toISOString()
    .slice(0, 10);
  story.asks("ana", { type: "addAction", text: "Build a standby", owner: "bo", due, link: null });
  story.asks("ana", { type: "addAction", text: "No one's", owner: null, due, link: null });
  const morning = new Date(`${due}T08:00:00Z`);
  expect(look(story, null)).toEqual({ events: [], nextAt: morning });
  story.asks("ana", { type: "resolve", summary: null });
  story.asks("ana", { type: "close", waived: "x" });
  story.at((morning.getTime() - MIDNIGHT) / 1000);
  story.write(look(story, null).events);
  expect(story.log.at(-1)).toMatchObject({ type: "action.reminded", data: { action: "A1" } });
  expect(look(story, null)).toEqual({ events: [], nextAt: null });
});
