import { describe, expect, test } from "@jest/globals";
import { calendarDue } from "../../src/calendar/due.ts";
import { calendarStream } from "../../src/calendar/events.ts";
import { readCalendar } from "../../src/calendar/read.ts";
import type { Occasion, System } from "../../src/catalog/types.ts";
import { startOccasion } from "../../src/command/execute/start-occasion.ts";
import type { Store } from "../../src/timeline/index.ts";
import { seen } from "../support/orders-system.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

/** What is tried by way of the calendar: what a press carries, who says when a drill is held, and whose account it is. */
let store: Store;
let app: TestApp;

storeForEach((fresh) => {
  store = fresh;
  app = new TestApp(store);
  const drilled = { aPort: 6501, bPort: 6502, appUrl: "http://127.0.0.1:6503", hostsUrl: "http://127.0.0.1:6504" };
  Object.assign(app.context, { drillVariables: new Map([["practice", new Map(Object.entries(drilled))]]) });
});

const system = () => app.context.catalog.systems[0] as System;
const entry = (id: string) => system().calendar?.find((one) => one.id === id) as Occasion;
const record = () => store.timeline.read(calendarStream("practice"));
const types = async () => (await record()).map(({ type }) => type).filter((type) => type !== "occasion.planned");
const inAnHour = () => new Date(app.context.timeline.now().getTime() + 3_600_000);

describe("a press that names a time of its own", () => {
  const forms = {
    "calendar.done": ["review", { people: "", note: "" }],
    "calendar.postpone": ["failover", { to: "2026-01-01T00:00Z", reason: "x" }],
    "calendar.check": ["failover", {}],
  } as const;
  const slots = ["nonsense", "", "2026-13-45", "2040-01-01T00:00:00.000Z", "-271821-04-20T00:00:00.000Z"];

  test.each(Object.entries(forms))("%s records nothing, and the calendar is read on", async (verb, [id, form]) => {
    await app.calendarLooks();
    Object.assign(entry("failover"), { checklist: "before-a-test" });
    const filled = { ...form, ...("to" in form && { to: inAnHour().toISOString() }) };
    for (const slot of slots)
      expect([slot, await app.press("sam", verb, `cal-practice/${id}/${slot}`, { form: filled })]).toEqual([
        slot,
        expect.objectContaining({ refused: true }),
      ]);
    expect(app.script().split("This button names a time that isn't on the calendar")).toHaveLength(slots.length + 1);
    expect(await types()).toEqual([]);
    expect(await store.timeline.read("workspace")).toHaveLength(slots.length);
    expect(await app.ask("sam", "calendar")).not.toMatchObject({ refused: true });
    await app.calendarLooks();
  });

  test("that stands on the record already is passed over", async () => {
    await app.calendarLooks();
    const data = { occasion: "failover", slot: "nonsense", at: "", to: "", reason: "", people: [], run: null };
    for (const type of ["done", "postponed", "missed", "checked", "announced", "started"])
      await store.timeline.decide(calendarStream("practice"), () => ({
        events: [{ type: `occasion.${type}`, data, key: type, actor: { kind: "bot" } }],
        value: null,
      }));
    expect((await readCalendar(store.timeline, "practice")).occasions.get("failover")?.slots.size).toBe(0);
    expect(await app.ask("sam", "calendar")).not.toMatchObject({ refused: true });
  });
});

describe("who says when a drill is held", () => {
  /** The drill of the calendar, started at its hour as it is recorded by then. */
  async function startedLater(): Promise<string> {
    const state = await readCalendar(store.timeline, "practice");
    const later = new Date(app.context.timeline.now().getTime() + 3_700_000);
    const [start] = calendarDue(system(), state, later).starts.filter(({ occasion }) => occasion.id === "failover");
    if (start === undefined) throw new Error("Nothing is due.");
    const started = await startOccasion(app.context, async () => null, system(), start);
    if (!started.ok) throw new Error(started.reason);
    await app.engine(started.run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
    await app.open(started.run, "approve", "ask-drill");
    return started.incident;
  }

  const approvals = async (incident: string) =>
    (await store.timeline.read(incident)).filter(
      ({ type }) => type.startsWith("approval.") || type === "gate.approved",
    );

  test("requests it, and can't approve it alone", async () => {
    Object.assign(entry("failover"), { organiser: "responder" });
    await app.calendarLooks();
    await app.ask("sam", `calendar postpone failover --to ${inAnHour().toISOString()} --reason "Now is better"`);
    const incident = await startedLater();
    const [run] = (await app.state(incident)).state.runs.values();
    expect(run?.requester).toBe("sam-okafor");
    await app.press("sam", "gate.approve", `${run?.id}/ask-drill`);
    expect((await approvals(incident)).map(({ type, data }) => [type, (data as { code?: string }).code])).toEqual([
      ["approval.refused", "gate-requester"],
    ]);
    await app.press("dee", "gate.approve", `${run?.id}/ask-drill`);
    expect((await approvals(incident)).map(({ type }) => type)).toEqual(["approval.refused", "gate.approved"]);
  });

  test("is its organiser again, once who put it off can do nothing any more", async () => {
    Object.assign(entry("failover"), { organiser: "responder" });
    const gone = async (_: System, person: string) => (person === "sam-okafor" ? "deactivated" : null);
    const start = { occasion: entry("failover"), key: "one", postponedBy: "sam-okafor" };
    const started = await startOccasion(app.context, gone, system(), start);
    const [run] = (await app.state(started.ok ? started.incident : "")).state.runs.values();
    expect(run?.requester).toBe("alex-rivera");
    // By their account alone, where rosters know it by several names.
    const [account = ""] = system().people.find(({ id }) => id === "sam-okafor")?.slack ?? [];
    Object.assign(entry("look"), { organiser: "responder" });
    const byAccount = { occasion: entry("look"), key: "two", postponedBy: account };
    const again = await startOccasion(app.context, async () => null, system(), byAccount);
    const [second] = (await app.state(again.ok ? again.incident : "")).state.runs.values();
    expect(second?.requester).toBe("sam-okafor");
  });
});

test("an account that two people claim ticks off nothing and confirms nothing", async () => {
  const [sam] = system().people.filter(({ id }) => id === "sam-okafor");
  const twice = system().people.map((one) => (one.id === "vera-lindqvist" ? { ...one, slack: sam?.slack ?? [] } : one));
  Object.assign(system(), { people: twice });
  await app.calendarLooks();
  await store.timeline.decide(calendarStream("practice"), () => ({
    events: [
      {
        type: "seats.asked",
        data: { round: "2026-12", people: ["sam-okafor", "vera-lindqvist"] },
        key: "asked",
        actor: { kind: "bot" },
      },
    ],
    value: null,
  }));
  for (const line of [
    "seats confirm",
    "calendar done review",
    `calendar postpone failover --to ${inAnHour().toISOString()} --reason x`,
  ])
    expect([line, await app.ask("sam", line)]).toEqual([line, expect.objectContaining({ refused: true })]);
  expect(await types()).toEqual(["seats.asked"]);
});
