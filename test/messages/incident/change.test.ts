import { describe, expect, test } from "@jest/globals";
import { fold } from "../../../src/incident/evolve.ts";
import { renderIncident } from "../../../templates/messages/render.ts";
import * as scenarios from "../../support/incident-states.ts";
import type { RecordedIncident } from "../../support/recorded-incident.ts";
import { around } from "../../support/surroundings.ts";

const linesOf = (story: RecordedIncident, state = story.state) =>
  renderIncident(state, around(story))
    .messages.filter(({ key }) => key.startsWith("change:"))
    .map(({ key, in: place, once, message }) => ({ key, place, once, text: message.text }));

const changing = () =>
  scenarios
    .declared()
    .ask("bo", { type: "changeSeverity", to: "P0", reason: "nobody in EU can check out, <!channel>" })
    .ask("bo", { type: "changeStatus", to: "mitigating" })
    .after(150)
    .ask("bo", { type: "resolve", summary: "Power is back" })
    .ask("bo", { type: "reopen", reason: "It went again" });

describe("what everyone has to know is posted where the incident is followed", () => {
  test("severity with who and why, status, the end with its duration, and that it goes on", () => {
    expect(linesOf(changing()).map(({ text }) => text)).toEqual([
      "Severity P1 → P0, by <@U0BO>: nobody in EU can check out, &lt;!channel&gt;.",
      "Status investigating → mitigating, by <@U0BO>.",
      "Resolved by <@U0BO> after 6 min: Power is back.",
      "Reopened by <@U0BO>: It went again.",
    ]);
  });

  test("once each, in the incident's channel", () => {
    const lines = linesOf(changing());
    expect(lines.map(({ key, place, once }) => [key, place, once])).toEqual(
      [1, 2, 3, 4].map((n) => [`change:${n}`, "incident", true]),
    );
  });

  test("not again for what an older version recorded", () => {
    const story = changing();
    const older = story.events.map((event) => {
      const { posted: _, ...data } = event.data as { posted?: true };
      return { ...event, data };
    }) as unknown as typeof story.events;
    const state = fold(story.state.id, older, story.plans);
    expect(state.severity).toBe("P0");
    expect(linesOf(story, state)).toEqual([]);
  });
});
