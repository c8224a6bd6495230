import { describe, expect, test } from "@jest/globals";
import {
  alertEvents,
  allResolvedAt,
  firingCount,
  type Heard,
  heldUntil,
  INSTANCES_MAX,
  isFlapping,
} from "../../src/incident/alerts.ts";
import { decide } from "../../src/incident/decide.ts";
import { IncidentScenario } from "../support/incident-scenario.ts";

const heard = (more: Partial<Heard> = {}): Heard => ({
  alert: "DatabaseDown",
  sender: "alertmanager",
  title: "The database does not answer",
  severity: "P1",
  component: "database",
  runbook: { id: "db-failover", title: "Fail over", modes: ["unplanned"] },
  summary: "orders-a does not answer",
  link: null,
  startedAt: null,
  status: "firing",
  instance: "a",
  labels: "instance=a",
  receivedAt: "2026-03-01T00:00:00.000Z",
  ...more,
});

function night(severity: "P1" | "P2" = "P1"): IncidentScenario {
  const story = new IncidentScenario();
  story.asks("ana", {
    type: "declare",
    ...{ title: "Orders fail", system: "shop", severity, kind: "real", impactStartedAt: null, announceIn: null },
  });
  return story;
}

const at = (story: IncidentScenario) => story.now.toISOString();
const hear = (story: IncidentScenario, ...all: Partial<Heard>[]) =>
  story.write(
    alertEvents(
      story.state,
      all.map((one) => heard({ receivedAt: at(story), ...one })),
    ),
  );
const types = (story: IncidentScenario) => story.log.map(({ type }) => type).slice(1);
const alert = (story: IncidentScenario, id = "DatabaseDown") => {
  const found = story.state.alerts?.get(id);
  if (found === undefined) throw new Error(`No alert ${id}`);
  return found;
};

describe("what is heard", () => {
  test("many instances at once are one event, and hearing them again is none", () => {
    const story = night();
    const many = [...Array(300)].map((_, n) => ({ instance: `pod-${n}` }));
    hear(story, ...many);
    expect(types(story)).toEqual(["alert.fired"]);
    expect(firingCount(alert(story))).toBe(300);
    hear(story.at(60), ...many);
    expect(types(story)).toEqual(["alert.fired"]);
  });

  test("is over when the last instance is, and fires again when one does", () => {
    const story = night();
    hear(story, { instance: "a" }, { instance: "b" });
    hear(story.at(10), { instance: "a", status: "resolved" });
    expect(allResolvedAt(story.state)).toBeNull();
    hear(story.at(20), { instance: "b", status: "resolved" });
    expect(allResolvedAt(story.state)).toEqual(story.now);
    hear(story.at(30), { instance: "b" });
    expect(allResolvedAt(story.state)).toBeNull();
    expect(types(story)).toEqual(["alert.fired", "alert.resolved", "alert.resolved", "alert.fired"]);
  });

  test("what came in before what is known changes nothing, in whatever order it is heard", () => {
    const story = night();
    hear(story.at(10), { instance: "a" });
    hear(story.at(20), { instance: "a", status: "resolved" });
    hear(story.at(30), { instance: "a", receivedAt: "2026-03-01T00:00:15.000Z" });
    expect(types(story)).toEqual(["alert.fired", "alert.resolved"]);
  });

  test("of several words on one instance that came in together the last counts", () => {
    const story = night();
    const moment = (seconds: number) => `2026-03-01T00:00:0${seconds}.000Z`;
    hear(
      story.at(9),
      { status: "resolved", receivedAt: moment(3) },
      { status: "firing", receivedAt: moment(1) },
      { status: "firing", receivedAt: moment(4) },
    );
    expect(types(story)).toEqual(["alert.fired"]);
    expect(firingCount(alert(story))).toBe(1);
  });

  test("that an unknown alert is over is nothing", () => {
    expect(types(hear(night(), { status: "resolved" }))).toEqual([]);
  });

  test("no more instances are kept than an incident has room for", () => {
    const story = night();
    hear(story, ...[...Array(INSTANCES_MAX + 10)].map((_, n) => ({ instance: `pod-${n}` })));
    expect(alert(story).instances.size).toBe(INSTANCES_MAX);
    hear(story.at(1), { instance: "one-more" });
    expect(types(story)).toEqual(["alert.fired"]);
    const labels = [...alert(story).instances.values()].filter((one) => one.labels !== "");
    expect(labels).toHaveLength(50);
  });
});

describe("severity", () => {
  test("an alert that is worse than the incident makes it as bad, once: what people say after it stands", () => {
    const story = night("P2");
    hear(story, {});
    expect(story.state.severity).toBe("P1");
    story.asks("cy", { type: "changeSeverity", to: "P2", reason: "one shard" });
    hear(story.at(10), { instance: "b" });
    hear(story.at(20), { status: "resolved" }, { instance: "b", status: "resolved" });
    hear(story.at(30), {});
    expect(story.state.severity).toBe("P2");
  });

  test("one that is not as bad changes nothing", () => {
    const story = hear(night("P1"), { severity: "P2" });
    expect(story.state.severity).toBe("P1");
  });
});

describe("an alert that flaps", () => {
  const flapping = () => {
    const story = night();
    for (const seconds of [0, 60, 120]) {
      hear(story.at(seconds), {});
      if (seconds < 120) hear(story.at(seconds + 30), { status: "resolved" });
    }
    return story;
  };

  test("began three times in a quarter of an hour, and is then heard every five minutes", () => {
    const story = flapping();
    expect(isFlapping(alert(story), story.now)).toBe(true);
    expect(heldUntil(story.state, "DatabaseDown", story.now)).toEqual(new Date(story.now.getTime() + 300_000));
    expect(heldUntil(story.state, "DatabaseDown", new Date(story.now.getTime() + 300_000))).toBeNull();
    expect(heldUntil(story.state, "AnotherOne", story.now)).toBeNull();
  });

  test("is none any more when it stays as it is", () => {
    const story = flapping();
    expect(isFlapping(alert(story), new Date(story.now.getTime() + 900_000))).toBe(false);
  });

  test("is none for two beginnings", () => {
    const story = night();
    hear(story, {});
    hear(story.at(30), { status: "resolved" });
    hear(story.at(60), {});
    expect(isFlapping(alert(story), story.now)).toBe(false);
  });
});

test("what was seen when it fired before says nothing when it fires again", () => {
  const story = hear(night(), {});
  story.happened(
    { type: "alert.looked", data: { alert: "DatabaseDown", ok: true, says: ["orders-a is silent"] } },
    null,
  );
  expect(alert(story).looked?.says).toEqual(["orders-a is silent"]);
  hear(story.at(10), { instance: "b" });
  expect(alert(story).looked).not.toBeNull();
  hear(story.at(20), { status: "resolved" }, { instance: "b", status: "resolved" });
  hear(story.at(30), {});
  expect(alert(story).looked).toBeNull();
});

test("an incident may be declared by the bot for an alert", () => {
  const story = new IncidentScenario();
  const outcome = decide(
    {
      type: "declare",
      ...{ title: "x", system: "shop", severity: "P1", kind: "real", impactStartedAt: null, announceIn: null },
    },
    story.state,
    story.context({ kind: "bot" }),
  );
  expect(outcome.kind).toBe("accepted");
});
