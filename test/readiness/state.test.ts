import { describe, expect, test } from "@jest/globals";
import type { DataOf, ReadinessVerdict } from "../../src/incident/events.ts";
import { changeIn } from "../../src/readiness/record.ts";
import { reportDue } from "../../src/readiness/report.ts";
import { samplesOf } from "../../src/readiness/samples.ts";
import {
  isDrift,
  isPersonNote,
  notesOf,
  provenIn,
  type ReadEvent,
  readinessOf,
  runbookKey,
} from "../../src/readiness/state.ts";
import { orders } from "../support/orders-system.ts";

/** Given what proofs recorded and when they were made; when it is asked how ready a runbook is; then that, and since when. */
const MINUTE = 60_000;
const begin = new Date("2026-03-02T06:00:00Z").getTime();
const at = (minutes: number) => new Date(begin + minutes * MINUTE);
const runbook = { id: "failover", title: "Fail over the database" };
const everyMs = 30 * MINUTE;

function found(to: ReadinessVerdict, minutes: number, more: Partial<DataOf<"readiness.changed">> = {}): ReadEvent {
  const findings = to === "ready" ? [] : [{ code: "lag", step: "promote", says: "It is behind" }];
  const data = {
    system: "orders",
    runbook: "failover",
    title: runbook.title,
    mode: "planned",
    from: null,
    to,
    findings,
  };
  return { type: "readiness.changed", at: at(minutes), data: { ...data, digest: "one", ...more } };
}

function now(events: readonly ReadEvent[], minutes: number, look = { digest: "one", provenAt: minutes }) {
  const proven = provenIn(events).get(runbookKey("failover", "planned"));
  const last = { digest: look.digest, provenAt: at(look.provenAt) };
  return readinessOf(runbook, "planned", { proven, look: last, digest: "one", now: at(minutes), everyMs });
}

describe("what is told beside reasons", () => {
  const of = (code: string, says: string, minutes: number) => ({
    provenAt: at(minutes),
    findings: [{ code, step: null, says }],
  });

  test("of one person is as the newest check says it, whichever runbook it was of", () => {
    const deactivated = of("person.reach.dee", "Dee Park can't approve: deactivated", 3);
    const before = of("person.reach.dee", "Dee Park can't approve: reads nothing any more", 1);
    expect(notesOf([deactivated, before], isPersonNote)).toEqual(["Dee Park can't approve: deactivated"]);
  });

  test("of things with one name in two places is both", () => {
    const found = [of("drift.database/x", "x in orders-a", 1), of("drift.database/x", "x in orders-b", 2)];
    expect(notesOf([...found, ...found], isDrift)).toEqual(["x in orders-a", "x in orders-b"]);
  });
});

describe("a runbook", () => {
  test("no one has looked at was never proven", () => {
    expect(now([], 1)).toMatchObject({ state: "neverProven", since: null, provenAt: null });
  });

  test("is ready since its first proof, however often that is repeated", () => {
    const events = [found("ready", 0), found("ready", 30, { digest: "one" }), found("notNeeded", 60)];
    expect(now(events, 61)).toMatchObject({ state: "ready", notNeeded: true, since: at(0), provenAt: at(61) });
  });

  test("is not ready since it stopped being, with its reason and who was told", () => {
    const events = [
      found("ready", 0),
      found("notReady", 30, { tells: ["sre"] }),
      found("notReady", 60, { digest: "one" }),
    ];
    expect(now(events, 61)).toMatchObject({
      ...{ state: "notReady", since: at(30), tells: ["sre"], findings: [{ says: "It is behind" }] },
    });
  });

  test("is stale at once when it was edited, without a new event", () => {
    const proven = provenIn([found("ready", 0)]).get(runbookKey("failover", "planned"));
    const look = { digest: "one", provenAt: at(0) };
    const edited = readinessOf(runbook, "planned", { proven, look, digest: "two", now: at(1), everyMs });
    expect(edited).toMatchObject({ state: "stale", why: "edited since it was proven" });
  });

  test("is stale when nothing proved it for two intervals", () => {
    expect(now([found("ready", 0)], 64, { digest: "one", provenAt: 0 }).state).toBe("ready");
    expect(now([found("ready", 0)], 66, { digest: "one", provenAt: 0 })).toMatchObject({
      ...{ state: "stale", why: "not proven for too long" },
    });
  });

  test("that needs what only the night knows was never proven, and says what", () => {
    const needs = [{ code: "input-missing", step: null, says: "needs node" }];
    expect(now([found("unprovable", 0, { findings: needs })], 1)).toMatchObject({
      state: "neverProven",
      why: "needs node",
    });
  });
});

describe("what is recorded of a proof", () => {
  const due = (provenAt: number | null, digest = "one") => {
    const id = { system: "orders", runbook: "failover", mode: "planned", digest: "one", wantedAt: null };
    const look = provenAt === null ? undefined : { ...id, provenAt: at(provenAt) };
    return { system: orders, runbook: runbook as never, mode: "planned" as const, digest, look };
  };
  const ready = { verdict: "ready", findings: [], way: null } as const;
  const broken = {
    verdict: "notReady",
    findings: [{ code: "lag", step: "promote", says: "4 s behind" }],
    way: null,
  } as const;

  test("is nothing where it found what the last one found", () => {
    expect(changeIn(provenIn([found("ready", 0)]), { due: due(30), proof: ready, now: at(31), everyMs })).toEqual([]);
    expect(changeIn(provenIn([found("notReady", 0)]), { due: due(30), proof: broken, now: at(31), everyMs })).toEqual(
      [],
    );
  });

  test.each([
    ["its first proof", [], due(null), ready, { from: null, to: "ready" }],
    ["another verdict", [found("ready", 0)], due(30), broken, { from: "ready", to: "notReady" }],
    ["an edit", [found("ready", 0)], due(30, "two"), ready, { from: "ready", to: "ready", digest: "two" }],
    [
      "another way",
      [found("ready", 0)],
      due(30),
      { ...ready, way: { from: "b", to: "a" } },
      { way: { from: "b", to: "a" } },
    ],
  ] as const)("is a change after %s", (_, events, of, proof, data) => {
    const [event, ...others] = changeIn(provenIn(events), { due: of, proof, now: at(31), everyMs });
    expect(event).toMatchObject({ type: "readiness.changed", data, actor: { kind: "bot" } });
    expect(others).toEqual([]);
  });

  test("has a key of its own each time", () => {
    const keys = [[], [found("ready", 0)], [found("ready", 0), found("notReady", 1)]].map(
      (events) => changeIn(provenIn(events), { due: due(1, "two"), proof: ready, now: at(2), everyMs })[0]?.key,
    );
    expect(new Set(keys).size).toBe(3);
  });

  test("says that nothing proved it for a while: what was so meanwhile is not known", () => {
    const [event] = changeIn(provenIn([found("ready", 0)]), { due: due(30), proof: ready, now: at(600), everyMs });
    expect(event?.data).toMatchObject({ from: "ready", to: "ready", unprovenSince: at(30).toISOString() });
  });

  test("names who is told: whom the system says, else its administrators", () => {
    const told = (system: object) => {
      const of = { ...due(30), system: { ...orders, ...system } };
      const [event] = changeIn(provenIn([found("ready", 0)]), { due: of, proof: broken, now: at(31), everyMs });
      return (event?.data as { tells?: unknown } | undefined)?.tells;
    };
    expect(told({ administrators: ["cto"] })).toEqual(["cto"]);
    expect(told({ administrators: ["cto"], readiness: { tells: ["sre"] } })).toEqual(["sre"]);
  });
});

describe("the weekly digest", () => {
  // 2026-03-02 is a Monday.
  const first = { ...found("ready", 0), key: "failover/planned/1" };
  const system = { id: "orders", timezone: "America/New_York" };

  test("is due on Monday at nine by the clock of the system's people, once", () => {
    const week = (moment: string, more: readonly (typeof first)[] = []) =>
      reportDue([first, ...more], system, new Date(moment));
    expect(week("2026-03-02T20:00:00Z")).toBeNull();
    expect(week("2026-03-09T12:59:00Z")).toBeNull();
    const due = week("2026-03-09T13:01:00Z");
    const [event] = due?.({ system: "orders", title: "Orders", runbooks: [now([found("ready", 0)], 1)] }) ?? [];
    expect(event).toMatchObject({ key: "report/2026-03-09", data: { ready: 1, notReady: [], stale: 0 } });
    expect(week("2026-03-09T13:02:00Z", [{ ...first, key: "report/2026-03-09" }])).toBeNull();
  });
});

describe("what a proof says of inputs", () => {
  const input = { description: "", default: null, example: null, pattern: null, min: null, max: null, choices: [] };
  const of = (...inputs: readonly object[]) =>
    samplesOf({ inputs: inputs.map((one) => ({ ...input, ...one })) as never }, at(0));

  test("is each choice, and several moments of which one is enough", () => {
    const samples = of({ name: "service", type: "choice", choices: ["api", "web"] }, { name: "to", type: "moment" });
    if (!samples.ok) throw new Error("It can be said beforehand");
    expect(samples.all.map(({ tries }) => tries.map((one) => one.get("service"))[0])).toEqual(["api", "web"]);
    expect(samples.all[0]?.tries[0]?.get("to")).toBe("2026-03-02T05:50:00Z");
    expect(samples.all[0]?.tries.length).toBeGreaterThan(2);
  });

  test("is nothing where only the night knows it; what has a default needs none", () => {
    expect(of({ name: "node", type: "text" }, { name: "revision", type: "number", default: 3 })).toEqual({
      ...{ ok: false, needs: ["node"] },
    });
    expect(of({ name: "set", type: "text", default: "newest" })).toMatchObject({
      ok: true,
      all: [{ tries: [new Map()] }],
    });
  });
});
