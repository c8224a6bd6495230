import { describe, expect, test } from "@jest/globals";
import type { System } from "../../src/catalog/types.ts";
import { unresolvedDue } from "../../src/incident/unresolved.ts";
import { IncidentScenario, SYSTEM } from "../support/incident-scenario.ts";

const MINUTE = 60;
/** The levels of the document: 15, 30 and 60 minutes, the last where it is critical. */
const levels = [
  { role: "database-administrator", afterSeconds: 15 * MINUTE, severities: null },
  { role: "vp-engineering", afterSeconds: 30 * MINUTE, severities: null },
  { role: "cto", afterSeconds: 60 * MINUTE, severities: ["P0" as const] },
];
const systemUntil = (until: "acknowledged" | "mitigating" | "resolved"): System => ({
  ...SYSTEM,
  ifUnresolved: { until, levels },
});

/** What the monitor writes at so many minutes, as it stands on the timeline after it. */
function look(story: IncidentScenario, minutes: number, system = systemUntil("resolved")) {
  story.at(minutes * MINUTE);
  const { events, nextAt } = unresolvedDue(story.state, system, story.now);
  story.write(events);
  return { wrote: events.map(({ type, data }) => ("level" in data ? `level ${data.level}` : type)), nextAt };
}
const inMinutes = (story: IncidentScenario, at: Date | null) =>
  at === null ? null : (at.getTime() - (story.state.comms.opened?.at.getTime() ?? 0)) / 60_000;

describe("if unresolved", () => {
  test("each level is reached at its time, once, and the last only where it is critical", () => {
    const story = new IncidentScenario().declared();
    expect(inMinutes(story, look(story, 0).nextAt)).toBe(15);
    expect(look(story, 14).wrote).toEqual([]);
    expect(look(story, 15).wrote).toEqual(["level 1", "incident.responseLate"]);
    expect(look(story, 15).wrote).toEqual([]);
    expect(look(story, 31).wrote).toEqual(["level 2"]);
    expect(look(story, 61)).toEqual({ wrote: [], nextAt: null });
    story.asks("cy", { type: "changeSeverity", to: "P0", reason: "worse" });
    expect(look(story, 62).wrote).toEqual(["level 3"]);
  });

  test("what was missed while no one looked is reached when someone does", () => {
    const story = new IncidentScenario().declared();
    expect(look(story, 45).wrote).toEqual(["level 1", "level 2", "incident.responseLate"]);
  });

  test("work does not end it where the document says resolved; resolving does", () => {
    const story = new IncidentScenario().declared().requested();
    expect(look(story, 15).wrote).toEqual(["level 1"]);
    story.asks("cy", { type: "abort", run: "run-1", reason: "not it" });
    story.asks("cy", { type: "resolve", summary: null });
    expect(look(story, 31)).toEqual({ wrote: [], nextAt: null });
  });

  test("where movement ends it, a run in progress does, and its end lets it go on", () => {
    const story = new IncidentScenario().declared().requested();
    const system = systemUntil("mitigating");
    expect(look(story, 20, system).wrote).toEqual([]);
    story.asks("cy", { type: "abort", run: "run-1", reason: "not it" });
    expect(look(story, 21, system).wrote).toEqual(["level 1"]);
    story.asks("cy", { type: "changeStatus", to: "mitigating" });
    expect(look(story, 40, system).wrote).toEqual([]);
  });

  test("where acknowledging ends it, a role that is taken does", () => {
    const story = new IncidentScenario().declared();
    story.asks("cy", { type: "assignRole", role: "incident-commander", person: "cy", note: null });
    expect(look(story, 90, systemUntil("acknowledged"))).toEqual({ wrote: [], nextAt: null });
  });

  test("reopened, it counts from there", () => {
    const story = new IncidentScenario().declared();
    look(story, 16);
    story.asks("cy", { type: "resolve", summary: null });
    story.at(100 * MINUTE).asks("cy", { type: "reopen", reason: "again" });
    expect(look(story, 110).wrote).toEqual([]);
    expect(look(story, 116).wrote).toEqual(["level 1", "incident.responseLate"]);
  });

  test.each(["drill", "maintenance"] as const)("a %s reaches no one", (kind) => {
    expect(look(new IncidentScenario().declared(kind), 90)).toEqual({ wrote: [], nextAt: null });
  });
});

describe("the response its severity promises", () => {
  test.each<[string, (story: IncidentScenario) => unknown]>([
    [
      "a role is taken",
      (story) => story.asks("cy", { type: "assignRole", role: "incident-commander", person: "cy", note: null }),
    ],
    ["a run is requested", (story) => story.requested()],
    ["the status is set", (story) => story.asks("cy", { type: "changeStatus", to: "identified" })],
    [
      "the page is acknowledged",
      (story) =>
        story.happened(
          {
            type: "page.acknowledged",
            data: { page: "lifeboat/inc-1", ask: null, person: "cy", name: "Cy", happenedAt: story.now.toISOString() },
          },
          null,
        ),
    ],
  ])("is there when %s", (_, responds) => {
    const story = new IncidentScenario().declared();
    responds(story.at(5 * MINUTE));
    expect(look(story, 90, SYSTEM)).toEqual({ wrote: [], nextAt: null });
  });

  test("is late once, by the severity of now", () => {
    const story = new IncidentScenario().declared();
    story.asks("cy", { type: "changeSeverity", to: "P0", reason: "worse" });
    expect(inMinutes(story, look(story, 1, SYSTEM).nextAt)).toBe(5);
    expect(look(story, 6, SYSTEM).wrote).toEqual(["incident.responseLate"]);
    expect(look(story, 60, SYSTEM).wrote).toEqual([]);
  });
});
