import { describe, expect, test } from "@jest/globals";
import type { Cadence, System } from "../../src/catalog/types.ts";
import { cadenceDue, duesOf, nextUpdateAt } from "../../src/incident/cadence.ts";
import type { Event, Moment, NewEvent, PostedUpdate } from "../../src/incident/events.ts";
import { evolveStrictly, fold, type LogEvent } from "../../src/incident/evolve.ts";
import { MIDNIGHT, SYSTEM } from "../support/incident-scenario.ts";

const MINUTE = 60;
const P1: Cadence = {
  severity: "P1",
  firstNoticeSeconds: 15 * MINUTE,
  updatesSeconds: 30 * MINUTE,
  resolutionSeconds: 15 * MINUTE,
  postmortemSeconds: 48 * 60 * MINUTE,
  remindSeconds: 5 * MINUTE,
  counts: ["responders", "executives", "customers", "status-page"],
};
const P0: Cadence = { ...P1, severity: "P0", updatesSeconds: 15 * MINUTE };
const system: System = { ...SYSTEM, cadence: [P0, P1] };

/** An incident as its log: each event at so many minutes after midnight. */
class CadenceScenario {
  readonly log: LogEvent[] = [];

  at(minutes: number, event: Event | NewEvent): this {
    const version = this.log.length + 1;
    const at = new Date(MIDNIGHT + minutes * 60_000);
    const written = { key: `k${version}`, run: null, actor: { kind: "bot" as const }, ...event, version, at };
    evolveStrictly(this.state, written, new Map());
    this.log.push(written);
    return this;
  }

  declared(minutes = 0): this {
    return this.at(minutes, {
      type: "incident.declared",
      data: {
        ...{ title: "Orders fail", system: "shop", severity: "P1", kind: "real", impactStartedAt: null },
        announceIn: null,
      },
    });
  }

  told(minutes: number, moment: Moment = "progress", audience: PostedUpdate["audience"] = "customers"): this {
    const update = `upd-${this.log.length}`;
    return this.at(minutes, {
      type: "update.posted",
      data: {
        ...{ update, template: `${audience}-${moment}`, title: "An update", audience, moment, fields: {} },
        ...{ channels: [], slack: null, email: null, page: null },
      },
    });
  }

  get state() {
    return fold("inc-night", this.log, new Map());
  }

  /** What the clock records when it looks at this minute; it is written, as the clock would. */
  look(minutes: number, by: System = system): string[] {
    const { events } = cadenceDue(this.state, by, new Date(MIDNIGHT + minutes * 60_000));
    const known = new Set(this.log.map(({ key }) => key));
    const fresh = events.filter(({ key }) => !known.has(key));
    for (const event of fresh) this.at(minutes, event);
    return fresh.map(({ type, data }) => `${type} ${(data as { due: string }).due}`);
  }

  next(minutes: number, by: System = system): number | null {
    const { nextAt } = cadenceDue(this.state, by, new Date(MIDNIGHT + minutes * 60_000));
    return nextAt === null ? null : (nextAt.getTime() - MIDNIGHT) / 60_000;
  }

  dueUpdate(by: System = system): string[] {
    return duesOf(this.state, by).map(({ id, dueAt }) => `${id} by ${(dueAt.getTime() - MIDNIGHT) / 60_000}`);
  }
}

describe("what updates are due", () => {
  test("first notice, then updates, then the resolution and the post-mortem", () => {
    const scenario = new CadenceScenario().declared();
    expect(scenario.dueUpdate()).toEqual(["firstNotice@1 by 15"]);
    scenario.told(12, "initial");
    expect(scenario.dueUpdate()).toEqual(["update@2 by 42"]);
    scenario.told(40);
    expect(scenario.dueUpdate()).toEqual(["update@3 by 70"]);
    scenario.at(50, { type: "incident.resolved", data: { summary: null } });
    expect(scenario.dueUpdate()).toEqual(["resolution@4 by 65", "postmortem@4 by 2930"]);
    scenario.told(55, "resolution");
    expect(scenario.dueUpdate()).toEqual(["postmortem@4 by 2930"]);
    expect(scenario.told(600, "postmortem").dueUpdate()).toEqual([]);
  });

  test("nothing where nothing is promised", () => {
    expect(new CadenceScenario().declared().dueUpdate(SYSTEM)).toEqual([]);
    expect(new CadenceScenario().dueUpdate()).toEqual([]);
  });

  test("reopened, it is due again from there, and the resolution no longer is", () => {
    const scenario = new CadenceScenario()
      .declared()
      .told(5)
      .at(20, { type: "incident.resolved", data: { summary: null } });
    scenario.at(30, { type: "incident.reopened", data: { reason: "it came back" } });
    expect(scenario.dueUpdate()).toEqual(["firstNotice@4 by 45"]);
  });

  test("by today's severity, whatever it was", () => {
    const scenario = new CadenceScenario().declared().told(10);
    scenario.at(11, { type: "incident.severityChanged", data: { from: "P1", to: "P0", reason: null } });
    expect(scenario.dueUpdate()).toEqual(["update@2 by 25"]);
    scenario.at(12, { type: "incident.severityChanged", data: { from: "P0", to: "P2", reason: null } });
    expect(scenario.dueUpdate()).toEqual([]);
  });

  test("only what reaches the promised audiences keeps the promise", () => {
    const promised = { ...system, cadence: [{ ...P1, counts: ["customers", "status-page"] }] } satisfies System;
    const scenario = new CadenceScenario().declared().told(5, "initial", "responders");
    expect(scenario.dueUpdate(promised)).toEqual(["firstNotice@1 by 15"]);
    expect(scenario.told(6, "initial", "status-page").dueUpdate(promised)).toEqual(["update@3 by 36"]);
  });

  test("the next word is promised from now, and not once it is over", () => {
    const scenario = new CadenceScenario().declared();
    const now = new Date(MIDNIGHT + 7 * 60_000);
    expect(nextUpdateAt(scenario.state, system, now)).toEqual(new Date(MIDNIGHT + 37 * 60_000));
    scenario.at(8, { type: "incident.resolved", data: { summary: null } });
    expect(nextUpdateAt(scenario.state, system, now)).toBeNull();
  });
});

describe("the clock", () => {
  test("reminds once before it is due, and says once that it is late", () => {
    const scenario = new CadenceScenario().declared();
    expect(scenario.look(9.99)).toEqual([]);
    expect(scenario.next(1)).toBe(10);
    expect(scenario.look(10)).toEqual(["comms.reminded firstNotice@1"]);
    expect(scenario.look(11)).toEqual([]);
    expect(scenario.next(11)).toBe(15);
    expect(scenario.look(15)).toEqual(["comms.late firstNotice@1"]);
    expect([16, 100, 1000].map((minute) => scenario.look(minute))).toEqual([[], [], []]);
    expect(scenario.next(16)).toBeNull();
  });

  test("said in time, it neither reminds nor is late", () => {
    const scenario = new CadenceScenario().declared().told(9);
    expect(scenario.look(15)).toEqual([]);
    expect(scenario.next(15)).toBe(34);
  });

  test("a snooze moves the reminder and never the due time", () => {
    const scenario = new CadenceScenario().declared();
    scenario.look(10);
    const until = new Date(MIDNIGHT + 13 * 60_000).toISOString();
    scenario.at(11, { type: "comms.snoozed", data: { due: "firstNotice@1", kind: "firstNotice", until } });
    expect(scenario.dueUpdate()).toEqual(["firstNotice@1 by 15"]);
    expect(scenario.look(12)).toEqual([]);
    expect(scenario.look(13)).toEqual(["comms.reminded firstNotice@1"]);
    expect(scenario.look(15)).toEqual(["comms.late firstNotice@1"]);
  });

  test("snoozed past its time it is late when it is late, and reminded once more afterwards", () => {
    const scenario = new CadenceScenario().declared();
    const until = new Date(MIDNIGHT + 20 * 60_000).toISOString();
    scenario.at(12, { type: "comms.snoozed", data: { due: "firstNotice@1", kind: "firstNotice", until } });
    expect(scenario.look(16)).toEqual(["comms.late firstNotice@1"]);
    expect(scenario.next(16)).toBe(20);
    expect(scenario.look(20)).toEqual(["comms.reminded firstNotice@1"]);
    expect(scenario.look(30)).toEqual([]);
  });

  test("what was missed while no one looked collapses: late, once, without the reminder", () => {
    const scenario = new CadenceScenario().declared();
    expect(scenario.look(600)).toEqual(["comms.late firstNotice@1"]);
    expect(scenario.look(601)).toEqual([]);
  });

  test("a short promise is reminded of halfway, not before it began", () => {
    const hasty = { ...system, cadence: [{ ...P1, firstNoticeSeconds: 4 * MINUTE }] };
    const scenario = new CadenceScenario().declared();
    expect(scenario.look(1.9, hasty)).toEqual([]);
    expect(scenario.look(2, hasty)).toEqual(["comms.reminded firstNotice@1"]);
  });
});
