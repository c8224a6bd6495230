import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { serveHealth } from "../../src/health.ts";
import { createHttpAddresses } from "../../src/http/addresses.ts";
import { createIncidents, type Incidents } from "../../src/incidents/index.ts";
import { withDeadline } from "../../src/lib/deadline.ts";
import { createMetrics, type Metrics } from "../../src/metrics/index.ts";
import type { Store } from "../../src/timeline/index.ts";
import { event, quiet, storeOn, type TestServer, testServer } from "../support/postgres.ts";

/** A bot's metrics over HTTP, on a real store. */
let server: TestServer;
let store: Store;
let metrics: Metrics;
let incidents: Incidents;
let health: Awaited<ReturnType<typeof serveHealth>>;

const fine = { ok: true, says: "Fine." };

beforeAll(async () => {
  server = await testServer();
  store = await storeOn(await server.database());
  const nowhere = { channelsOf: async () => new Map<string, string>(), incidentAt: async () => null };
  incidents = createIncidents({ timeline: store.timeline, channels: nowhere, log: quiet });
  metrics = createMetrics({
    version: "0.0.0",
    read: incidents.read,
    now: {
      current: incidents.current,
      store: async () => void (await store.pool.query("select 1")),
      inbox: () => store.inbox.now(),
      doubt: () => false,
      slack: () => null,
      catalogue: () => ({ systems: 1 }),
    },
    log: quiet,
  });
  health = await serveHealth(
    createHttpAddresses(quiet),
    { host: "127.0.0.1", port: 0 },
    { live: async () => fine, ready: () => fine },
    metrics,
  );
}, 60_000);
afterAll(async () => {
  await health?.close();
  metrics?.close();
  await store?.close();
  await server?.close();
});

async function scraped(): Promise<string> {
  await metrics.settled();
  const response = await fetch(`http://127.0.0.1:${health.port}/metrics`);
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  return response.text();
}

const declared = (id: string) =>
  metrics.counted(store.timeline).decide(id, () => ({
    events: [
      event("incident.declared", {
        key: "declared",
        data: {
          title: "Database down",
          system: "practice",
          severity: "P1",
          kind: "real",
          impactStartedAt: null,
          announceIn: null,
        },
      }),
    ],
    value: null,
  }));

const LINE = 'lifeboat_incidents_declared_total{system="practice",kind="real",severity="P1"}';

test("counts what was written, and a repeat that wrote nothing not again", async () => {
  await declared("inc-1");
  await declared("inc-1");
  await declared("inc-2");
  const text = await scraped();
  expect(text).toContain(`${LINE} 2\n`);
  expect(text).toContain('lifeboat_incidents_open{system="practice",kind="real"} 2\n');
});

test("what another bot wrote is that bot's to count", async () => {
  await store.timeline.decide("inc-1", () => ({ events: [event("incident.closed", { key: "over" })], value: null }));
  const text = await scraped();
  expect(text).toContain(`${LINE} 2\n`);
  expect(text).toContain('lifeboat_incidents_open{system="practice",kind="real"} 1\n');
});

test("what waits in the inbox, and since when", async () => {
  expect(await scraped()).toMatch(/^lifeboat_inbox_waiting 0$/m);
  await store.inbox.receive("a", "slack", {});
  expect(await scraped()).toMatch(/^lifeboat_inbox_waiting 1$/m);
  await store.inbox.done("a");
  expect(await scraped()).toMatch(/^lifeboat_inbox_waiting 0$/m);
});

test("a call that gave no answer in time, and not one that was stopped", async () => {
  const hits = async () => Number(/^lifeboat_deadlines_hit_total (\d+)$/m.exec(await scraped())?.[1]);
  const before = await hits();
  await expect(withDeadline("It", 0.01, () => new Promise(() => {}))).rejects.toThrow("no answer");
  await expect(withDeadline("It", 10, () => new Promise(() => {}), AbortSignal.abort())).rejects.toThrow("stopped");
  expect(await hits()).toBe(before + 1);
});
