import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { calendarStream } from "../../src/calendar/events.ts";
import { createCalendar } from "../../src/calendar/worker.ts";
import type { Gate, Occasion, System } from "../../src/catalog/types.ts";
import { createSchedule } from "../../src/timeline/schedule.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { orders } from "../support/orders-system.ts";
import { quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";

/** The calendar holds what was approved ahead against what it would plan now. */
const gate: Gate = { role: "dba", quorum: 1, expiresSeconds: 3600, stepUp: false, escalate: [] };
const nightly: Occasion = {
  ...{ id: "nightly", title: "Nightly backup", runbook: "backup", mode: null, kind: "backup", organiser: "dba" },
  ...{ schedule: "0 2 * * *", cron: "0 2 * * *", timezone: "UTC", takesSeconds: 7200, tells: [], audiences: [] },
  ...{ unannounced: false, environment: null, checklist: null, afterwards: null },
  approvedAhead: { expiresSeconds: 30 * 86_400 },
};
const system: System = { ...orders, calendar: [nightly] };

let server: TestServer;
const open: { stop(): Promise<unknown> }[] = [];
beforeAll(async () => {
  server = await testServer();
}, 60_000);
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});
afterAll(() => server?.close());

test("what is approved after another server serves holds, though the plan of before was another", async () => {
  const store = await storeOn(await server.database());
  open.push({ stop: () => store.close() });
  const { timeline } = store;
  let [hash, planned] = ["plan-1", 0];
  const calendar = createCalendar({
    ...{ timeline, incidents: incidentsOn(store), schedule: createSchedule(store.pool), log: quiet, everyMs: 50 },
    systems: () => [system],
    start: async () => ({ ok: false, reason: "nothing is started here" }),
    startedAs: async () => null,
    seats: async () => ({ chain: [], gone: new Map(), enrolled: null }),
    ahead: {
      gateOf: () => gate,
      async planHash() {
        planned++;
        return hash;
      },
    },
  });
  calendar.start();
  open.push(calendar);
  const stream = calendarStream("orders");
  const count = async (type: string) => (await timeline.read(stream)).filter((one) => one.type === type).length;
  const approve = (planHash: string) =>
    timeline.decide(stream, (_, now) => {
      const until = new Date(now.getTime() + 86_400_000 * 30).toISOString();
      const given = {
        occasion: "nightly",
        person: "ana",
        role: "dba",
        planHash,
        until,
        proved: false,
        vouchedBy: null,
      };
      const event = { type: "occasion.approved", data: given, key: planHash, actor: { kind: "bot" as const } };
      return { events: [event], value: null };
    });
  await until(async () => (await count("occasion.approvalAsked")) === 1, 20);
  await approve("plan-1");
  await until(async () => planned === 1, 20);
  hash = "plan-2";
  await approve("plan-2");
  await until(async () => planned === 2 || (await count("occasion.approvalEnded")) > 0, 20);
  expect(await count("occasion.approvalEnded")).toBe(0);
  await approve("plan-1 again");
  await until(async () => (await count("occasion.approvalEnded")) === 1, 20);
}, 90_000);
