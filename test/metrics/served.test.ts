import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { serveHealth } from "../../src/health.ts";
import { createHttpAddresses } from "../../src/http/addresses.ts";
import { createIncidents, type Incidents } from "../../src/incidents/index.ts";
import { withDeadline } from "../../src/lib/deadline.ts";
import { createMetrics, type Metrics } from "../../src/metrics/index.ts";
import { createDeliveries } from "../../src/projection/deliveries.ts";
import { readOutboxNow } from "../../src/projection/outbox-now.ts";
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
      outbox: () => readOutboxNow(store.pool),
      doubt: () => false,
      slack: () => null,
      catalogue: () => ({ systems: 1 }),
      readiness: async () => [],
    },
    log: quiet,
  });
  health = await serveHealth(
    createHttpAddresses(quiet),
    { host: "127.0.0.1", port: 0 },
    { ready: async () => fine },
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

test("what places outside are not shown yet, since when, and what was given up", async () => {
  const deliveries = createDeliveries(store.pool);
  const of = (key: string, desired: unknown) => ({ sink: "mail", queue: `mail/${key}`, key, once: false, desired });
  const gauges = async () => (await scraped()).match(/^lifeboat_outbox_\w+\{.*$/gm) ?? [];
  expect(await gauges()).toEqual([]);

  await deliveries.enqueue("inc-1", 1, [of("a", 1), of("b", 1)]);
  await store.pool.query("update lifeboat.outbox set desired_at = desired_at - interval '1 hour' where key = 'a'");
  // What is desired again before it was ever shown has waited since it was desired first.
  await deliveries.enqueue("inc-1", 2, [of("a", 2)]);
  const [waiting, oldest] = await gauges();
  expect(waiting).toBe('lifeboat_outbox_waiting{sink="mail"} 2');
  expect(Math.round(Number(oldest?.split(" ")[1]) / 60)).toBe(60);

  for (const item of await deliveries.claim("me", ["mail"], 60, 2)) {
    await deliveries.sending(item, "me");
    if (item.key === "a") await deliveries.delivered(item, "me", { told: {}, reference: null, says: null }, true);
    else await deliveries.giveUp(item, "me", "no such mailbox", true);
  }
  expect(await gauges()).toEqual([
    'lifeboat_outbox_waiting{sink="mail"} 0',
    'lifeboat_outbox_oldest_seconds{sink="mail"} 0',
    'lifeboat_outbox_given_up{sink="mail"} 1',
  ]);

  // Shown before, and something else is desired now: it waits since now.
  await deliveries.enqueue("inc-1", 3, [of("a", 3)]);
  expect(Number((await gauges())[1]?.split(" ")[1])).toBeLessThan(60);
});

test("how long a write took, and nothing for what was only read or refused", async () => {
  const count = async () =>
    Number(/^lifeboat_store_write_seconds_count\{outcome="written"\} (\d+)$/m.exec(await scraped())?.[1]);
  const counted = metrics.counted(store.timeline);
  const before = await count();
  await counted.decide("inc-1", () => ({ events: [event("note.added", { key: "noted" })], value: null }));
  await counted.decide("inc-1", () => ({ events: [], value: null }));
  const refused = counted.decide("inc-1", () => {
    throw new Error("no");
  });
  await expect(refused).rejects.toThrow("no");
  expect(await count()).toBe(before + 1);
});

test("a call that gave no answer in time, and not one that was stopped", async () => {
  const hits = async () => Number(/^lifeboat_deadlines_hit_total (\d+)$/m.exec(await scraped())?.[1]);
  const before = await hits();
  await expect(withDeadline("It", 0.01, () => new Promise(() => {}))).rejects.toThrow("no answer");
  await expect(withDeadline("It", 10, () => new Promise(() => {}), AbortSignal.abort())).rejects.toThrow("stopped");
  expect(await hits()).toBe(before + 1);
});
