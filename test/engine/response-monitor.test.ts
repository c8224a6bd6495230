import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { System } from "../../src/catalog/types.ts";
import { createResponseMonitor } from "../../src/engine/response-monitor.ts";
import { decide } from "../../src/incident/decide.ts";
import { fold } from "../../src/incident/evolve.ts";
import { desiredPages } from "../../src/paging/desired-pages.ts";
import type { Store } from "../../src/timeline/index.ts";
import { pageWords } from "../../templates/messages/comms/page-text.ts";
import { byPerson, SYSTEM } from "../support/incident-scenario.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";

/** Levels that are due at once and in a second, so that nothing has to wait for a quarter of an hour. */
const system: System = {
  ...SYSTEM,
  paging: {
    ...{ service: "PSHOP", routingKeyFrom: "SHOP_ROUTING_KEY", tokenFrom: "PAGERDUTY_TOKEN", from: "a@example.com" },
    policies: [
      { role: "database-administrator", policy: "PDBA0" },
      { role: "vp-engineering", policy: "PVPE0" },
    ],
    people: [],
  },
  severities: [{ id: "P1", title: "Much is down", respondWithinSeconds: 1 }],
  ifUnresolved: {
    until: "resolved",
    levels: [
      { role: "database-administrator", afterSeconds: 0, severities: null },
      { role: "vp-engineering", afterSeconds: 1, severities: null },
    ],
  },
};

let server: TestServer;
let url: string;
let store: Store;

beforeAll(async () => {
  server = await testServer();
  url = await server.database();
  store = await storeOn(url);
}, 60_000);
afterAll(async () => {
  await store.close();
  await server.close();
});

test("two processes and a restart reach each level once, and whom it wakes is one page each", async () => {
  const monitorOn = (on: Store) =>
    createResponseMonitor({
      timeline: on.timeline,
      incidents: incidentsOn(on),
      systems: () => [system],
      log: quiet,
      everyMs: 20,
    });
  const ask = (command: Parameters<typeof decide>[0]) =>
    store.timeline.decide("inc-1", (events, now) => {
      const context = { now, actor: byPerson("ana"), blocked: null, system, key: `asked-${command.type}` };
      const outcome = decide(command, fold("inc-1", events, new Map()), context);
      return { events: outcome.events, value: null };
    });
  const types = async () => (await store.timeline.read("inc-1")).map(({ type }) => type);
  const other = await storeOn(url);
  const first = monitorOn(store);
  first.start();
  const common = { title: "Orders fail", system: "shop", severity: "P1", kind: "real" } as const;
  await ask({ type: "declare", ...common, impactStartedAt: null, announceIn: null });
  await until(async () => (await types()).includes("incident.escalated"));
  // Gone in the middle: the others find on the timeline how far it came.
  await first.stop();
  const rest = [monitorOn(store), monitorOn(other)];
  for (const one of rest) one.start();
  await until(async () => (await types()).length === 4);
  const read = async () => fold("inc-1", await store.timeline.read("inc-1"), new Map());
  expect((await types()).sort()).toEqual([
    ...["incident.declared", "incident.escalated", "incident.escalated", "incident.responseLate"],
  ]);
  const pages = async () =>
    desiredPages(await read(), system, pageWords(false), new Date())
      .filter(({ key }) => key.includes("unresolved"))
      .map(({ wanted }) => wanted);
  expect(await pages()).toMatchObject([
    { kind: "summons", open: true, role: "database-administrator", to: { policy: "PDBA0" } },
    { kind: "summons", open: true, role: "vp-engineering", to: { policy: "PVPE0" } },
  ]);
  await ask({ type: "resolve", summary: null });
  expect(await pages()).toEqual([
    { kind: "summons", open: false },
    { kind: "summons", open: false },
  ]);
  await Promise.all(rest.map((one) => one.stop()));
  await other.close();
}, 60_000);
