import { describe, expect, test } from "@jest/globals";
import { aheadDue, leavesRequester, mayRevoke, roleAhead, usableAhead } from "../../src/calendar/ahead.ts";
import { calendarDue } from "../../src/calendar/due.ts";
import type { CalendarEvent, CalendarFact } from "../../src/calendar/events.ts";
import { type CalendarState, foldCalendar } from "../../src/calendar/state.ts";
import { takenPlace } from "../../src/calendar/taken.ts";
import { calendarSchema, toCalendar } from "../../src/catalog/calendar.ts";
import type { Gate, Occasion, System } from "../../src/catalog/types.ts";
import type { IncidentState } from "../../src/incident/state.ts";
import { orders } from "../support/orders-system.ts";

const calendar = toCalendar(
  calendarSchema.parse({
    nightly: {
      ...{ title: "Nightly backup", runbook: "backup", kind: "backup", schedule: "0 2 * * *", takes: "2h" },
      ...{ organiser: "dba", tells: ["incident-commander"], approvedAhead: { expires: "30d" } },
    },
  }),
);
const nightly = calendar[0] as Occasion;
const system: System = { ...orders, calendar };
const gate: Gate = {
  ...{ role: "vp-engineering", quorum: 1, expiresSeconds: 3600, stepUp: false },
  escalate: [{ role: "dba", afterSeconds: 300 }],
};
const gateOf = () => gate;
const vera = { person: "vera", role: "vp-engineering", planHash: "plan-1", proved: false, vouchedBy: null };

/** One entry's record, in which what is due is written at its moment. */
class Record {
  #state: CalendarState = foldCalendar([]);
  #version = 0;
  now = new Date("2026-03-01T12:00:00Z");

  constructor() {
    const data = { occasion: "nightly", title: "", kind: "backup", schedule: "0 2 * * *", timezone: "UTC" };
    this.write({ type: "occasion.planned", data });
  }

  write(...facts: readonly CalendarFact[]): this {
    const events = facts.map((fact) => ({ ...fact, actor: { kind: "bot" }, at: this.now, version: ++this.#version }));
    this.#state = foldCalendar(events, this.#state);
    return this;
  }

  at(now: string): this {
    this.now = new Date(now);
    return this;
  }

  approved(more: Partial<typeof vera> = {}, until = "2026-03-31T12:00:00.000Z"): this {
    return this.write({ type: "occasion.approved", data: { occasion: "nightly", until, ...vera, ...more } });
  }

  /** Writes what is due. What was written: `occasion.approvalAsked vera`. */
  look({ roster = system, hash = "plan-1", of = gateOf as () => Gate | null } = {}): readonly string[] {
    const { events } = aheadDue(roster, this.#state, of, new Map([["nightly", hash]]), this.now);
    this.write(...(events as readonly CalendarEvent[]));
    return events.map(({ type, data }) => {
      const { people, reason, until } = data as { people: readonly string[]; reason?: string; until?: string | null };
      return [type.replace("occasion.", ""), people.join("+"), reason ?? until]
        .filter((one) => one != null)
        .join(" · ");
    });
  }

  usable(roster = system, asked: Gate | null = gate) {
    const record = this.#state.occasions.get("nightly");
    return record === undefined ? null : usableAhead(roster, nightly, asked, record.ahead, this.now);
  }

  get state(): CalendarState {
    return this.#state;
  }
}

const without = (role: string): System => ({
  ...system,
  people: system.people.map((one) => ({ ...one, roles: one.roles.filter((held) => held !== role) })),
});

describe("what was approved ahead", () => {
  test("is asked for once, is used while it holds, and names who gave it, for which plan, until when", () => {
    const record = new Record();
    expect([record.look(), record.look(), record.usable()]).toEqual([["approvalAsked · vera"], [], null]);
    record.approved();
    expect(record.look()).toEqual([]);
    expect(record.usable()).toMatchObject({
      ...{ occasion: "nightly", planHash: "plan-1" },
      approvals: [{ person: "vera", role: "vp-engineering", until: "2026-03-31T12:00:00.000Z", version: 3 }],
    });
  });

  test.each<[string, (record: Record) => readonly string[], string]>([
    [
      "another plan",
      (record) => record.look({ hash: "plan-2" }),
      "what it runs is no longer the plan that was approved",
    ],
    ["its time being over", (record) => record.at("2026-03-31T12:00:00Z").look(), "its time is over"],
    [
      "a lost role",
      (record) => record.look({ roster: without("vp-engineering") }),
      "Vera Prins no longer decides as VP Engineering",
    ],
  ])("ends by %s, which is said once, with asking again", (_by, ends, reason) => {
    const record = new Record().approved();
    const people = reason.startsWith("Vera") ? "" : "vera";
    expect(ends(record)).toEqual([["approvalEnded", people, reason].join(" · ")]);
    expect([record.look(), record.usable()]).toEqual([[], null]);
    expect(record.state.occasions.get("nightly")?.ahead.ended).toBe(reason);
  });

  test("ends where what it runs can't be approved ahead any more, told to who gave it", () => {
    const record = new Record().approved();
    expect(record.look({ of: () => null })).toEqual(["approvalEnded · vera · it can't be approved ahead any more"]);
    expect(record.look({ of: () => null })).toEqual([]);
  });

  test("ends with the times of its entry, and is asked for again", () => {
    const record = new Record().approved();
    const data = { occasion: "nightly", title: "", kind: "backup", schedule: "*/5 * * * *", timezone: "UTC" };
    record.write({ type: "occasion.planned", data });
    expect([record.usable(), record.look()]).toEqual([null, ["approvalAsked · vera"]]);
  });

  test("is judged at the moment of the start, whatever was recorded: role, time, gate, code", () => {
    const record = new Record().approved();
    expect(record.usable(without("vp-engineering"))).toBeNull();
    expect(record.usable(system, null)).toBeNull();
    expect(record.usable(system, { ...gate, role: "incident-commander" })).toBeNull();
    expect(record.usable(system, { ...gate, stepUp: true })).toBeNull();
    expect(record.at("2026-03-31T12:00:00.000Z").usable()).toBeNull();
  });

  test("that a plan can't be made now ends nothing", () => {
    const record = new Record().approved();
    const { events } = aheadDue(system, record.state, gateOf, new Map(), record.now);
    expect([events, record.usable()]).toMatchObject([[], { planHash: "plan-1" }]);
  });

  test("people are asked a week before it ends, once, and approving again carries on from then", () => {
    const record = new Record().approved().at("2026-03-24T11:59:59Z");
    expect(record.look()).toEqual([]);
    record.at("2026-03-24T12:00:00Z");
    expect([record.look(), record.look()]).toEqual([["approvalAsked · vera · 2026-03-31T12:00:00.000Z"], []]);
    record.approved({}, "2026-04-23T12:00:00.000Z");
    expect(record.usable()?.approvals).toMatchObject([{ until: "2026-04-23T12:00:00.000Z" }]);
  });

  test("of two that are asked for, one is not enough, and only who is missing is asked", () => {
    const two = { ...gate, role: "dba", quorum: 2 };
    const record = new Record().approved({ person: "ana", role: "dba" });
    expect([record.usable(system, two), record.look({ of: () => two })]).toEqual([null, ["approvalAsked · bo"]]);
    record.approved({ person: "bo", role: "dba" });
    expect(record.usable(system, two)?.approvals.map(({ person }) => person)).toEqual(["ana", "bo"]);
    // Of another plan the first one counts no more.
    record.approved({ person: "bo", role: "dba", planHash: "plan-2" });
    expect(record.usable(system, two)).toBeNull();
  });

  test("taken back, it counts for nothing and no one is asked again", () => {
    const record = new Record().approved();
    record.write({ type: "occasion.revoked", data: { occasion: "nightly", reason: "Disk swap", people: ["vera"] } });
    expect([record.usable(), record.look()]).toEqual([null, []]);
  });

  test("may be taken back by who could abort its run", () => {
    const may = (roles: readonly string[]) => mayRevoke({ roles }, nightly, gate);
    expect([["dba"], ["incident-commander"], ["vp-engineering"], ["comms-lead"], []].map(may)).toEqual([
      ...[true, true, true, false, false],
    ]);
  });

  test("may be given by who decides the gate, and leaves someone to request the run", () => {
    expect([roleAhead(["dba"], gate), roleAhead(["comms-lead"], gate)]).toEqual(["dba", null]);
    expect(leavesRequester(system, nightly, "vera", [])).toBe(true);
    expect(leavesRequester(system, nightly, "ana", [])).toBe(true);
    expect(leavesRequester(system, nightly, "ana", ["bo"])).toBe(false);
    expect(leavesRequester(without("dba"), nightly, "vera", [])).toBe(false);
  });
});

describe("a run that was approved ahead", () => {
  const started = new Record().approved().at("2026-03-02T02:00:00Z");
  started.write({
    type: "occasion.started",
    data: { occasion: "nightly", slot: "2026-03-02T02:00:00.000Z", incident: "inc-1", run: "run-1" },
  });
  const run = {
    ...{
      id: "run-1",
      runbook: "backup",
      mode: "planned",
      dryRun: false,
      endedAt: null,
      ending: null,
      steps: new Map(),
    },
    ...{ ahead: {}, problem: { code: "disk-full", what: "No room in the folder" } },
  };
  const told = (more: object, state = started.state) => {
    const incident = { id: "inc-1", declared: null, roles: new Map(), runs: new Map([["run-1", { ...run, ...more }]]) };
    return takenPlace(system, state, incident as unknown as IncidentState);
  };

  test("goes on without a word", () => {
    expect(told({})).toEqual([]);
  });

  test("that can't go on alone reaches its organiser and whom it tells, once", () => {
    const [event] = told({ needed: true });
    expect(event).toMatchObject({
      ...{ type: "occasion.needsPeople", key: "occasion.needsPeople/run-1" },
      data: { slot: "2026-03-02T02:00:00.000Z", run: "run-1", reason: "No room in the folder", people: ["ana", "bo"] },
    });
    const after = foldCalendar([{ ...(event as CalendarEvent), at: started.now, version: 9 }], started.state);
    expect(told({ needed: true }, after)).toEqual([]);
    expect(told({ needed: true, endedAt: started.now, ending: { as: "failed" } }, after)).toMatchObject([
      { type: "occasion.missed", data: { people: ["ana", "bo"] } },
    ]);
  });
});

test("a start is due with or without it: what is missing is asked at its hour, as ever", () => {
  const at = new Date("2026-03-02T02:00:00Z");
  expect(calendarDue(system, new Record().state, at).starts).toHaveLength(1);
  expect(calendarDue(system, new Record().approved().state, at).starts).toHaveLength(1);
});
