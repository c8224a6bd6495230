import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { seatFactsOf } from "../../commands/seats.ts";
import { createPracticeClock } from "../../practice/session/clock.ts";
import { readCalendar } from "../../src/calendar/read.ts";
import { createCalendar } from "../../src/calendar/worker.ts";
import type { Occasion, System } from "../../src/catalog/types.ts";
import { startedAs, startOccasion } from "../../src/command/execute/start-occasion.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createSchedule } from "../../src/timeline/schedule.ts";
import { quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { TestApp } from "../support/test-app.ts";

/** The calendar over a real store, in practice time: two bots, one record. */
const given = { aPort: 5501, bPort: 5502, appUrl: "http://127.0.0.1:5503", hostsUrl: "http://127.0.0.1:5504" };
const drilled = { aPort: 6501, bPort: 6502, appUrl: "http://127.0.0.1:6503", hostsUrl: "http://127.0.0.1:6504" };
const DAY = 86_400;
const DAY_MS = DAY * 1000;

const stranger = { id: "dana-cole", name: "Dana Cole", slack: ["UDANA"], roles: ["incident-commander"] };

let server: TestServer;
let url: string;
let app: TestApp;
/** Thrown at the next attempts to start: before something is started, and after it was. */
let faults: { readonly before: (() => never)[]; readonly after: (() => never)[] };
const fault = (): never => {
  throw new Error("the store is gone");
};
const open: { stop(): Promise<unknown> }[] = [];

beforeAll(async () => {
  server = await testServer();
}, 60_000);
afterAll(() => server.close());
beforeEach(async () => {
  faults = { before: [], after: [] };
  url = await server.database();
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function bot(change: (system: System) => System = (system) => system): Promise<Store> {
  const store = await storeOn(url);
  open.push({ stop: () => store.close() });
  app = new TestApp(store, "practice", given);
  const { catalog } = app.context;
  Object.assign(app.context, {
    catalog: { ...catalog, systems: catalog.systems.map(change) },
    drillVariables: new Map([["practice", new Map(Object.entries(drilled))]]),
    gone: async () => null,
  });
  const { context } = app;
  const calendar = createCalendar({
    timeline: store.timeline,
    incidents: context.incidents,
    schedule: createSchedule(store.pool),
    systems: () => context.catalog.systems,
    start: async (system, start) => {
      faults.before.shift()?.();
      const started = await startOccasion(context, async () => null, system, start);
      faults.after.shift()?.();
      return started;
    },
    startedAs: (key) => startedAs(context, key),
    seats: (system) => seatFactsOf(context, system),
    log: quiet,
    everyMs: 50,
  });
  calendar.start();
  open.push(calendar);
  return store;
}

/** Only this entry, one hour from now and then every year. */
function only(id: string, more: object = {}) {
  const at = new Date(Date.now() + 3_600_000);
  const cron = `${at.getUTCMinutes()} ${at.getUTCHours()} ${at.getUTCDate()} ${at.getUTCMonth() + 1} *`;
  return (system: System): System => ({
    ...system,
    calendar: (system.calendar ?? []).filter((one) => one.id === id).map((one) => ({ ...one, cron, ...more })),
  });
}

const recorded = async (store: Store) => (await store.timeline.read("cal-practice")).map(({ type }) => type);
const count = async (store: Store, type: string) => (await recorded(store)).filter((one) => one === type).length;

describe("given two bots on one store, when the hour of a drill comes", () => {
  test("then it is started once, as its organiser, who can't approve it; and what became of it is recorded once", async () => {
    const change = only("failover", { organiser: "responder" });
    const [one, other] = [await bot(change), await bot(change)];
    await until(async () => (await count(one, "occasion.planned")) === 1);
    await createPracticeClock(url).moveForward(3_700);
    await until(async () => (await count(one, "occasion.started")) === 1, 20);
    const started = (await one.timeline.read("cal-practice")).at(-1)?.data as { incident: string; run: string };
    const state = await app.context.incidents.read(started.incident);
    const run = state.runs.get(started.run);
    expect(state.declared).toMatchObject({ kind: "drill", by: { person: "alex-rivera", door: "calendar" } });
    expect(run).toMatchObject({ requester: "alex-rivera", runbook: "database-failover", mode: "planned" });
    expect(run?.plan).toMatchObject({ kind: "drill", drill: { on: "practice" } });
    await app.engine(started.run, { type: "run.aborted", data: { reason: "Enough" } } as never);
    await until(async () => (await count(other, "occasion.missed")) === 1);
    const missed = (await other.timeline.read("cal-practice")).at(-1);
    expect(missed?.data).toMatchObject({
      occasion: "failover",
      run: started.run,
      reason: expect.stringContaining("aborted"),
    });
    await createPracticeClock(url).moveForward(DAY);
    await until(async () => one.timeline.now().getTime() - Date.now() > DAY * 1000);
    expect(await count(one, "occasion.started")).toBe(1);
    expect(await app.context.incidents.open()).toHaveLength(1);
  }, 60_000);

  test("then it is not started while an incident is open: it is missed, with the reason", async () => {
    const store = await bot(only("failover", { organiser: "responder" }));
    await app.ask("sam", "declare Orders are down --severity P1");
    await until(async () => (await count(store, "occasion.planned")) === 1);
    await createPracticeClock(url).moveForward(3_700);
    await until(async () => (await count(store, "occasion.waiting")) === 1, 20);
    expect(await count(store, "occasion.missed")).toBe(0);
    await createPracticeClock(url).moveForward(3_700);
    await until(async () => (await count(store, "occasion.missed")) === 1, 20);
    expect((await store.timeline.read("cal-practice")).at(-1)?.data).toMatchObject({ reason: "INC-1 is open" });
    expect(await count(store, "occasion.started")).toBe(0);
  }, 60_000);

  test("then a start that fails is tried again within its hours, with a pause", async () => {
    faults.before.push(fault, fault);
    const store = await bot(only("failover", { organiser: "responder" }));
    await until(async () => (await count(store, "occasion.planned")) === 1);
    await createPracticeClock(url).moveForward(3_700);
    await until(async () => (await count(store, "occasion.waiting")) === 1, 20);
    expect((await store.timeline.read("cal-practice")).at(-1)?.data).toMatchObject({ reason: "the store is gone" });
    expect(faults.before).toHaveLength(1);
    await createPracticeClock(url).moveForward(70);
    await until(async () => faults.before.length === 0, 20);
    await createPracticeClock(url).moveForward(70);
    await until(async () => (await count(store, "occasion.started")) === 1, 20);
    expect(await recorded(store)).toEqual(["occasion.planned", "occasion.waiting", "occasion.started"]);
  }, 60_000);

  test("then what was started before its bot died is not recorded as missed", async () => {
    faults.after.push(fault);
    const store = await bot(only("failover", { organiser: "responder" }));
    await until(async () => (await count(store, "occasion.planned")) === 1);
    await createPracticeClock(url).moveForward(3_700);
    await until(async () => (await count(store, "occasion.waiting")) === 1, 20);
    await createPracticeClock(url).moveForward(2 * 3_600);
    await until(async () => (await recorded(store)).length === 3, 20);
    expect((await recorded(store)).at(-1)).toBe("occasion.started");
  }, 60_000);

  test("then without values of a drill environment nothing starts, and the reason says so", async () => {
    const store = await bot(only("failover", { organiser: "responder" }));
    const { catalog } = app.context;
    const systems = catalog.systems.map((system) => ({ ...system, environment: "production" as const }));
    Object.assign(app.context, { drillVariables: undefined, practice: false, catalog: { ...catalog, systems } });
    await until(async () => (await count(store, "occasion.planned")) === 1);
    await createPracticeClock(url).moveForward(3_700);
    await until(async () => (await count(store, "occasion.waiting")) === 1, 20);
    await createPracticeClock(url).moveForward(3_700);
    await until(async () => (await count(store, "occasion.missed")) === 1, 20);
    const [missed] = (await store.timeline.read("cal-practice")).slice(-1);
    expect(missed?.data).toMatchObject({ reason: expect.stringMatching(/LIFEBOAT_DRILL_VALUES|drill environment/) });
    expect(await app.context.incidents.open()).toHaveLength(0);
  }, 60_000);
});

describe("given a tabletop on the calendar, when its hour comes", () => {
  test("then the runbook is walked without an action, and counts for the tabletop and for nothing else", async () => {
    const store = await bot(only("failover", { organiser: "responder", kind: "tabletop" }));
    await until(async () => (await count(store, "occasion.planned")) === 1);
    await createPracticeClock(url).moveForward(3_700);
    await until(async () => (await count(store, "occasion.started")) === 1, 20);
    const started = (await store.timeline.read("cal-practice")).at(-1)?.data as { incident: string; run: string };
    const { runs } = await app.context.incidents.read(started.incident);
    const steps = [...(runs.get(started.run)?.steps.values() ?? [])].map(({ step }) => step.kind);
    expect(runs.get(started.run)?.plan).toMatchObject({ tabletop: true, kind: "drill", resources: [] });
    expect(new Set(steps)).toEqual(new Set(["manual", "gate"]));
    expect(app.looks).toBe(0);
    await app.engine(started.run, { type: "run.verified", data: { dryRun: false } });
    await until(async () => (await count(store, "occasion.done")) === 1);
    const last = await app.context.incidents.lastVerified();
    expect(last("practice", "database-failover", null)).toBeNull();
  }, 60_000);
});

describe("given people", () => {
  test("when they postpone, tick off and start what is on the calendar, then it shows", async () => {
    const store = await bot();
    await until(async () => (await count(store, "occasion.planned")) === 4);
    const then = new Date(Math.ceil(Date.now() / DAY_MS) * DAY_MS + 30 * DAY_MS + 9 * 3_600_000).toISOString();
    await app.ask("alex", `calendar postpone failover --to ${then} --reason "Release week"`);
    await app.ask("alex", 'calendar postpone failover --to "2131-05-07 09:00" --reason "Release week"');
    await app.ask("alex", "calendar postpone failover --to yesterday --reason x");
    await app.ask("alex", "calendar postpone practice/region --to 2031-05-07T09:00Z --reason x");
    await app.ask("alex", "calendar done failover");
    await app.ask("sam", 'calendar done review --people "Sam Okafor, Vera"');
    await app.ask("sam", "calendar done review");
    await app.ask("alex", "calendar start review");
    await app.ask("alex", "calendar start failover");
    await app.ask("alex", "seats");
    const { occasions } = await readCalendar(store.timeline, "practice");
    expect([...(occasions.get("failover")?.slots.values() ?? [])][0]?.postponedTo?.toISOString()).toBe(then);
    expect(occasions.get("review")?.done[0]?.people).toEqual(["sam-okafor", "vera-lindqvist"]);
    const script = app.script();
    for (const said of [
      "📅 Postponed to",
      "At most 92 days from now",
      "It's done when its run ends verified",
      "recorded as done already",
      "No runbook is named",
    ])
      expect(script).toContain(said);
    expect(script).not.toContain("region*");
    expect((await app.context.incidents.open()).map(({ state }) => state.declared?.kind)).toEqual(["drill"]);
  }, 60_000);

  test("when people of another system, or who have no part in an entry, would change it, then nothing is recorded", async () => {
    const store = await bot((system) => ({ ...system, people: system.people.filter(({ id }) => id !== "dee-park") }));
    const { catalog } = app.context;
    const [own] = catalog.systems as readonly [System];
    const elsewhere: System = { ...own, id: "billing", title: "Billing", calendar: [], people: [stranger] };
    await until(async () => (await count(store, "occasion.planned")) === 4);
    Object.assign(app.context, { catalog: { ...catalog, systems: [own, elsewhere] } });
    const to = new Date(Date.now() + 3 * DAY_MS).toISOString();
    const lines = [`postpone failover --to ${to} --reason x`, "check failover", "done review", "start look"];
    for (const line of lines) await app.ask("dana", `calendar ${line}`);
    expect(app.script().split("You're not on its roster")).toHaveLength(lines.length + 1);
    await app.ask("vera", `calendar ${lines[0]}`);
    expect(app.script()).toContain("You can't tick its checklist or postpone it");
    expect((await recorded(store)).filter((type) => type !== "occasion.planned")).toEqual([]);
    expect(await app.context.incidents.open()).toHaveLength(0);
    await app.ask("sam", `calendar ${lines[0]}`);
    expect(await count(store, "occasion.postponed")).toBe(1);
  }, 60_000);

  test("when what was done or is in progress would be postponed, then it stays as it is", async () => {
    const store = await bot();
    await until(async () => (await count(store, "occasion.planned")) === 4);
    const to = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();
    await app.ask("sam", "calendar done review");
    const [done] = (await readCalendar(store.timeline, "practice")).occasions.get("review")?.done ?? [];
    const postponed = (days: number, slot: string) =>
      app.press("sam", "calendar.postpone", `cal-practice/review/${slot}`, { form: { to: to(days), reason: "x" } });
    await postponed(3, done?.slot ?? "");
    expect(await count(store, "occasion.postponed")).toBe(0);
    expect(app.script()).toContain("can't be postponed");
  }, 60_000);
});

describe("given what the calendar would start", () => {
  const startNow = (id: string, key: string) => {
    const [system] = app.context.catalog.systems as readonly [System];
    const occasion = (system.calendar ?? []).find((one) => one.id === id) as Occasion;
    return startOccasion(app.context, async () => null, system, { occasion, key, postponedBy: null });
  };
  const organised = (system: System): System => ({
    ...system,
    calendar: (system.calendar ?? []).map((one) => ({ ...one, organiser: "responder" })),
  });

  test("when a private incident is open, then its name is said to no one", async () => {
    await bot(organised);
    await app.ask("sam", "declare Somebody got in --severity P1 --private");
    expect(await app.context.incidents.open()).toHaveLength(1);
    expect(await startNow("look", "one")).toEqual({ ok: false, reason: "an incident is open" });
    await app.ask("sam", "declare Orders are down --severity P1");
    expect(await startNow("look", "one")).toEqual({ ok: false, reason: "INC-2 is open" });
  }, 60_000);

  test("when an incident begins while it is planned, then it isn't started and joins nothing", async () => {
    await bot(organised);
    const { lookAt } = app.context;
    Object.assign(app.context, {
      lookAt: async (...args: Parameters<NonNullable<typeof lookAt>>) => {
        if ((await app.context.incidents.open()).length === 0)
          await app.ask("sam", "declare Orders are down --severity P1");
        return lookAt?.(...args);
      },
    });
    expect(await startNow("failover", "one")).toEqual({ ok: false, reason: "INC-1 is open" });
    const [incident] = await app.context.incidents.open();
    expect(incident?.state.runs.size).toBe(0);
  }, 60_000);

  test("when another drill is open, then a drill has a record of its own", async () => {
    await bot(organised);
    await app.ask("sam", "declare Practise talking --drill");
    const [talk] = await app.context.incidents.open();
    const started = await startNow("failover", "one");
    expect(started).toMatchObject({ ok: true });
    expect(started.ok && started.incident).not.toBe(talk?.state.id);
    expect(await app.context.incidents.open()).toHaveLength(2);
    expect(await startNow("failover", "one")).toEqual(started);
  }, 60_000);
});
