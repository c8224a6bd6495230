import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { cards } from "../../src/actions/index.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { Runbook } from "../../src/catalog/types.ts";
import { fold } from "../../src/incident/evolve.ts";
import { COMMANDER } from "../../src/incident/people.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import * as nights from "../support/incident-states.ts";
import type { RecordedIncident } from "../support/recorded-incident.ts";
import { around } from "../support/surroundings.ts";

/** How loud an incident is: lines Slack writes by itself, and messages where it is followed. */
const stories: readonly (readonly [string, () => RecordedIncident])[] = Object.entries(nights);

describe("the topic", () => {
  test.each(stories)("%s: changes only with severity, status or commander, and never with time", (_, tell) => {
    const story = tell();
    const shown = story.events.map((event, index) => {
      const state = fold(story.state.id, story.events.slice(0, index + 1), story.plans);
      const topicAt = (now: Date) => renderIncident(state, { ...around(story), now }).channel?.topic;
      const topic = topicAt(event.at);
      expect(topicAt(new Date(event.at.getTime() + 3_600_000))).toBe(topic);
      return { topic, means: [state.severity, state.status, state.roles.get(COMMANDER)].join() };
    });
    for (const [before, after] of shown.slice(1).map((after, n) => [shown[n], after] as const))
      if (before?.means === after.means && before.topic !== undefined) expect(after.topic).toBe(before.topic);
  });
});

/**
 * A calm run, told where it is followed: its card, its preflight, its list of steps and its result, and one message for each
 * decision and each manual step.
 */
function messagesOf({ stages }: Runbook): number {
  const steps = stages.flatMap((stage) => stage.steps).filter(({ mode }) => mode !== "unplanned");
  return 4 + steps.filter(({ does }) => does.kind === "gate" || does.kind === "manual").length;
}

describe("a calm run", () => {
  const systems = join(dirname(fileURLToPath(import.meta.url)), "../../templates/systems");
  const { runbooks } = loadCatalog(systems, cards).catalog;
  const failovers = runbooks.filter(
    ({ starts, modes, drill, exercise }) =>
      starts?.verb === "failover" && modes.includes("planned") && !drill && !exercise,
  );
  const regions = failovers.filter(({ leavesSite, id }) => leavesSite || /region|dc-|route53/.test(id));

  test("of a planned failover makes at most six messages, of a region's at most nine", () => {
    expect(regions.length).toBeGreaterThan(2);
    const loud = failovers
      .map((one) => ({ of: `${one.system}/${one.id}`, messages: messagesOf(one), most: regions.includes(one) ? 9 : 6 }))
      .filter(({ messages, most }) => messages > most);
    expect(loud).toEqual([]);
  });
});
