import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Registry } from "prom-client";
import type { Plan } from "../../src/catalog/types.ts";
import { evolveStrictly, fold, type LogEvent } from "../../src/incident/evolve.ts";
import type { IncidentState } from "../../src/incident/state.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createNames } from "../../src/metrics/names.ts";
import { type NowSources, nowMetrics, type SlackNow } from "../../src/metrics/now.ts";
import { recordedMetrics } from "../../src/metrics/recorded.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";

/** The three timelines that 0.1 wrote in practice: a planned failover, the rejoin after it, and a region failover. */
interface Kept {
  readonly stream: string;
  readonly events: readonly (Omit<LogEvent, "at"> & { readonly at: string })[];
  readonly plans: readonly { readonly planHash: string; readonly plan: Plan }[];
}
const kept: readonly Kept[] = JSON.parse(
  readFileSync(join(projectRoot(), "test/incident/fixtures/timelines-0.1.json"), "utf8"),
);

/** Each event with the incident as it is after it. */
function* scenarios(): Generator<readonly [LogEvent, IncidentState]> {
  for (const { stream, events, plans } of kept) {
    const known = new Map(plans.map(({ planHash, plan }) => [planHash, plan]));
    let state = fold(stream, [], known);
    for (const { at, ...rest } of events) {
      const event = { ...rest, at: new Date(at) } as unknown as LogEvent;
      state = evolveStrictly(state, event, known);
      yield [event, state];
    }
  }
}

async function counted(): Promise<string> {
  const registry = new Registry();
  const metrics = recordedMetrics(registry);
  for (const [event, state] of scenarios())
    if (metrics.counts(event.type)) metrics.count(event as unknown as StoredEvent, state);
  return registry.metrics();
}

const linesOf = (text: string, name: string) => text.split("\n").filter((line) => line.startsWith(`${name}{`));
const sum = (lines: readonly string[]) => lines.reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);

describe("what was written on timelines", () => {
  const all = [...scenarios()];
  const ofType = (type: string) => all.filter(([event]) => event.type === type).length;

  test("is counted once an event, under names of the catalogue", async () => {
    const text = await counted();
    expect(sum(linesOf(text, "lifeboat_incidents_declared_total"))).toBe(ofType("incident.declared"));
    expect(linesOf(text, "lifeboat_runs_ended_total").toSorted()).toEqual([
      'lifeboat_runs_ended_total{system="practice",runbook="database-failover",outcome="verified"} 1',
      'lifeboat_runs_ended_total{system="practice",runbook="database-rejoin",outcome="verified"} 1',
      'lifeboat_runs_ended_total{system="practice",runbook="region-failover",outcome="verified"} 1',
    ]);
    expect(linesOf(text, "lifeboat_rto_seconds_count").length).toBeGreaterThan(0);
    expect(sum(linesOf(text, "lifeboat_objectives_total"))).toBeGreaterThan(0);
    expect(sum(linesOf(text, "lifeboat_incident_duration_seconds_count"))).toBe(ofType("incident.resolved"));
    expect(sum(linesOf(text, "lifeboat_step_duration_seconds_count"))).toBe(ofType("step.verified"));
    expect(linesOf(text, "lifeboat_steps_total")).toContain(
      'lifeboat_steps_total{action="postgres.promote",outcome="verified"} 2',
    );
    expect(sum(linesOf(text, "lifeboat_approval_wait_seconds_count"))).toBe(ofType("gate.passed"));
  });

  test("names no incident, run or person, in a bounded number of series", async () => {
    const text = await counted();
    for (const [, state] of all) {
      expect(text).not.toContain(state.id);
      for (const run of state.runs.values())
        for (const id of [run.id, run.requester]) expect(text).not.toContain(`"${id}"`);
    }
    const once = text.split("\n").length;
    const registry = new Registry();
    const metrics = recordedMetrics(registry);
    for (let night = 0; night < 5; night++)
      for (const [event, state] of scenarios()) if (metrics.counts(event.type)) metrics.count(event as never, state);
    expect((await registry.metrics()).split("\n")).toHaveLength(once);
  });

  test("takes a thousand odd names and keeps the number of series and their text in bounds", async () => {
    const registry = new Registry();
    const metrics = recordedMetrics(registry, createNames(50));
    const odd = (index: number) =>
      [`"q${index}`, `\\${index}`, `\n${index}`, `{${index}}`, "x".repeat(300) + index][index % 5] ?? "";
    for (let index = 0; index < 1000; index++)
      for (const [event, state] of scenarios()) {
        if (!metrics.counts(event.type) || state.declared === null) continue;
        const runs = new Map([...state.runs].map(([id, run]) => [id, { ...run, runbook: odd(index) }]));
        const named = { ...state, declared: { ...state.declared, system: odd(index) }, runs };
        metrics.count(event as unknown as StoredEvent, named as IncidentState);
      }
    const text = await registry.metrics();
    const lines = linesOf(text, "lifeboat_runs_requested_total");
    // Fifty names and `other`, each planned and unplanned.
    expect(lines).toHaveLength(2 * 51);
    expect(lines.some((line) => line.includes('system="other",runbook="other"'))).toBe(true);
    expect(sum(lines)).toBe(1000 * ofType("run.requested"));
    for (const line of text.split("\n"))
      expect(line).toMatch(/^$|^# |^\w+(\{(\w+="(?:[^"\\\n]|\\[\\n"])*",?)+\})? [-+.\de]+$/);
    expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThan(400);
  });

  test("counts nothing of an event it was not written for", () => {
    expect(recordedMetrics(new Registry()).counts("constructor")).toBe(false);
  });
});

describe("what is so now", () => {
  /** The night at the moment its first approval waits. */
  const waiting = [...scenarios()].find(([event]) => event.type === "gate.opened") as readonly [
    LogEvent,
    IncidentState,
  ];
  const sockets = { open: 2, ageSeconds: 600, pongSeconds: 4, failures: 3 };
  const calls = { answered: 40, rate_limited: 2, failed: 1, unanswered: 5 };
  const slack: SlackNow = { connected: true, silentSince: null, sockets, calls };
  const sources: NowSources = {
    current: async () => [waiting[1]],
    store: async () => {},
    inbox: async () => ({ waiting: 3, oldestSeconds: 12, givenUp: 1 }),
    doubt: () => false,
    outbox: async () => [],
    slack: () => slack,
    catalogue: () => ({ systems: 1 }),
    readiness: async () => [],
  };
  const later = (seconds: number) => new Date(waiting[0].at.getTime() + seconds * 1000);

  async function looked(changed: Partial<NowSources>, seconds = 90): Promise<string> {
    const registry = new Registry();
    await nowMetrics(registry, { ...sources, ...changed }).look(later(seconds));
    return registry.metrics();
  }

  test("an approval that waits is there with its role and its age", async () => {
    const text = await looked({});
    const [line = ""] = linesOf(text, "lifeboat_approvals_waiting");
    expect(line).toMatch(/^lifeboat_approvals_waiting\{role="[a-z-]+"\} 1$/);
    expect(linesOf(text, "lifeboat_approvals_oldest_seconds").map((one) => one.split(" ").at(-1))).toEqual(["90"]);
    expect(text).toMatch(/^lifeboat_inbox_waiting 3$/m);
    expect(text).toMatch(/^lifeboat_store_up 1$/m);
  });

  test("one that is over is there no more", async () => {
    const registry = new Registry();
    let states: readonly IncidentState[] = [waiting[1]];
    const metrics = nowMetrics(registry, { ...sources, current: async () => states });
    await metrics.look(later(1));
    states = [];
    await metrics.look(later(2));
    const text = await registry.metrics();
    for (const name of ["lifeboat_approvals_waiting", "lifeboat_approvals_oldest_seconds", "lifeboat_incidents_open"])
      expect(linesOf(text, name)).toEqual([]);
  });

  test("a store that is away is said, and what can be known is still there", async () => {
    const away = () => Promise.reject(new Error("connection refused"));
    const text = await looked({ store: away, inbox: away, current: away });
    expect(text).toMatch(/^lifeboat_store_up 0$/m);
    expect(text).toMatch(/^lifeboat_slack_connected 1$/m);
  });

  test("Slack's sockets and calls, as totals that never go back", async () => {
    const text = await looked({});
    expect(linesOf(text, "lifeboat_slack_calls_total")).toEqual([
      'lifeboat_slack_calls_total{outcome="answered"} 40',
      'lifeboat_slack_calls_total{outcome="rate_limited"} 2',
      'lifeboat_slack_calls_total{outcome="failed"} 1',
      'lifeboat_slack_calls_total{outcome="unanswered"} 5',
    ]);
    expect(text).toMatch(/^lifeboat_slack_sockets 2$/m);
    expect(text).toMatch(/^lifeboat_slack_socket_age_seconds 600$/m);
    expect(text).toMatch(/^lifeboat_slack_pong_age_seconds 4$/m);
    expect(text).toMatch(/^lifeboat_slack_socket_failures_total 3$/m);
  });

  test("for how long Slack is silent", async () => {
    const text = await looked({ slack: () => ({ ...slack, connected: false, silentSince: later(30) }) }, 90);
    expect(text).toMatch(/^lifeboat_slack_silent_seconds 60$/m);
    expect(text).toMatch(/^lifeboat_slack_connected 0$/m);
  });
});
