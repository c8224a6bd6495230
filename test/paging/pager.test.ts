import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Pager } from "../../practice/pagerduty/index.ts";
import type { Paging } from "../../src/paging/index.ts";
import type { Store } from "../../src/timeline/index.ts";
import { away, EngineScenario, engineOn, folder, go, ledgerStep, planOf } from "../support/engine-harness.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { openPager, pagingOn, phones, plans } from "./scenario.ts";

let server: TestServer;
let store: Store;
let pager: Pager;
let scenario: EngineScenario;
let dir: string;
let url: string;
const running: { stop(): Promise<unknown> }[] = [];

beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  url = await server.database();
  store = await storeOn(url);
  pager = await openPager();
  scenario = new EngineScenario(store);
  dir = await folder();
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  await store.close();
  await pager.close();
  await away(dir);
});

async function paging(more: Parameters<typeof pagingOn>[2] = {}, on = store): Promise<Paging> {
  const started = await pagingOn(on, pager, more);
  running.push(started);
  return started;
}

function engine(): void {
  const started = engineOn(store, { systems: new Map([["shop", phones]]) });
  started.start();
  running.push(started);
}

/** A run with one gate and one thing to do, asked for by Ana. */
async function asked(gate: Parameters<typeof go>[0] = {}): Promise<void> {
  const plan = planOf([[go({ expiresSeconds: 600, ...gate })], [ledgerStep(dir, "put", "fence")]]);
  const { hashOf } = await import("../../src/lib/canonical.ts");
  plans.set(hashOf(plan), plan);
  await scenario.requested(plan);
  await scenario.untilApprovalRequested();
}

async function events(type: string) {
  return (await store.timeline.read("inc-1")).filter((event) => event.type === type).map(({ data }) => data);
}

const page = (key: RegExp) => pager.incidents.filter((one) => key.test(one.key));
const alarms = () => page(/^lifeboat\/inc-1$/);
const summons = () => page(/^lifeboat\/inc-1\/ask-/);

async function declare(severity: "P0" | "P2", kind: "real" | "drill" = "real", tells?: string[]): Promise<void> {
  const entry = { occasion: "quarter", audiences: [], unannounced: false } as const;
  const drill = tells ? { drill: { ...entry, tells } } : {};
  const declare = { title: "Orders fail", system: "shop", severity, kind, ...drill } as const;
  await scenario.asks("oli", { type: "declare", ...declare, impactStartedAt: null, announceIn: null });
}

describe("an incident", () => {
  test("of P0 wakes the service's on-call, is acknowledged once someone takes a role, and ends with it", async () => {
    await paging();
    await declare("P0");
    await until(() => alarms()[0]?.status === "triggered");
    expect(alarms()).toMatchObject([{ title: "INC-1 · P0 Shop: Orders fail", assigned: ["POLI0"] }]);
    await until(async () => (await events("page.sent")).length === 1);
    await scenario.asks("cy", { type: "assignRole", role: "incident-commander", person: "cy", note: null });
    await until(() => alarms()[0]?.status === "acknowledged");
    await scenario.asks("cy", { type: "resolve", summary: null });
    await until(() => alarms()[0]?.status === "resolved");
    await scenario.asks("cy", { type: "reopen", reason: "It is back" });
    await until(() => alarms().length === 2);
    expect(await events("page.failed")).toEqual([]);
  });

  test("of P2 wakes no one, until it is worse", async () => {
    await paging();
    await declare("P2");
    await scenario.asks("oli", { type: "changeSeverity", to: "P0", reason: null });
    await until(() => alarms().length === 1);
    expect(pager.ledger.filter(({ changed }) => changed > 0)).toHaveLength(1);
  });

  test("that is a drill wakes whom its calendar entry names, as a drill, and lets them sleep when it is over", async () => {
    await paging();
    await declare("P0", "drill", ["vp-engineering"]);
    await until(() => alarms()[0]?.status === "triggered");
    expect(alarms()).toMatchObject([{ title: "DRILL · DRILL-1 · P0 Shop: Orders fail", assigned: ["PVERA"] }]);
    await scenario.asks("cy", { type: "resolve", summary: null });
    await until(() => alarms()[0]?.status === "resolved");
    expect(pager.incidents).toHaveLength(1);
  });

  test("that is a drill without an entry wakes no one", async () => {
    await paging();
    await declare("P0", "drill");
    await scenario.asks("cy", { type: "resolve", summary: null });
    // Paging has seen all of it once a later incident, a real one, rings.
    const real = new EngineScenario(store, "inc-2");
    await real.asks("oli", {
      type: "declare",
      title: "Real",
      system: "shop",
      severity: "P0",
      kind: "real",
      impactStartedAt: null,
      announceIn: null,
    });
    await until(() => page(/inc-2$/).length === 1);
    expect(pager.incidents).toHaveLength(1);
  });
});

describe("a question", () => {
  test("wakes who is on call for the role, then the next when no one answers, and lets them sleep when it is decided", async () => {
    await paging();
    engine();
    await asked({ escalate: [{ role: "vp-engineering", afterSeconds: 1 }] });
    await until(() => summons().length === 1);
    expect(summons()).toMatchObject([{ policy: "PDBA0", assigned: ["PBO00"] }]);
    expect((await scenario.gate()).summons).toEqual([
      { level: 0, role: "database-administrator", people: ["bo"], source: "pagerduty", why: null },
    ]);
    await until(() => summons()[0]?.policy === "PVPE0");
    expect(summons()).toMatchObject([{ assigned: ["PVERA"], status: "triggered" }]);
    await scenario.approve("vera");
    await until(() => summons()[0]?.status === "resolved");
    await scenario.until(({ status }) => status === "verified");
    await until(() => (alarms()[0]?.notes.length ?? 0) === 1);
    expect(alarms()[0]?.notes[0]?.content).toContain("is done and verified");
    expect(summons()).toHaveLength(1);
  });

  test("is acknowledged by the person who answers the phone, and decided by no one", async () => {
    await paging();
    engine();
    await asked();
    await until(() => summons().length === 1);
    await until(async () => (await events("page.sent")).length === 2);
    pager.acknowledge(summons()[0]?.id ?? "", "PBO00");
    await until(async () => (await events("page.acknowledged")).length === 1);
    expect(await events("page.acknowledged")).toMatchObject([{ person: "bo", name: "Bo" }]);
    expect((await scenario.gate()).outcome).toBe("open");
    const { paging: shown } = await scenario.state();
    expect([...shown.pages.values()].at(-1)?.acknowledged).toMatchObject([{ person: "bo" }]);
  });

  test.each([
    ["nobody", () => pager.injectFault("nobody"), "PagerDuty has no one on call for it"],
    ["a stranger", () => pager.onCall("PDBA0", [["PNELL"]]), "PagerDuty names Nell, who is not on the roster"],
    [
      "somebody without the role",
      () => pager.onCall("PDBA0", [["POLI0"]]),
      "PagerDuty names Oli, who does not hold this role",
    ],
    [
      "whoever asked for the run",
      () => pager.onCall("PDBA0", [["PANA0"]]),
      "PagerDuty names Ana, who requested this run",
    ],
    ["nothing: it is silent", () => pager.injectFault("hang"), "PagerDuty's GET /oncalls: It gave no answer in time."],
  ])("when PagerDuty names %s, the roster says who is asked, and why", async (_, fault, why) => {
    fault();
    await paging();
    engine();
    await asked();
    await until(async () => (await scenario.gate()).summons.length === 1);
    const people = ["bo", "cy", "duo"];
    expect((await scenario.gate()).summons).toEqual([
      { level: 0, role: "database-administrator", people, source: "roster", why },
    ]);
    pager.injectFault("calm");
    await until(() => summons().length === 1);
    expect(summons()[0]?.assigned).toEqual(["PBO00", "PCY00"]);
  });

  test("someone on call beside a stranger is who is asked", async () => {
    pager.onCall("PDBA0", [["PNELL", "PBO00"]]);
    await paging();
    engine();
    await asked();
    await until(async () => (await scenario.gate()).summons.length === 1);
    expect((await scenario.gate()).summons[0]).toMatchObject({
      people: ["bo"],
      source: "pagerduty",
      why: expect.stringContaining("Nell"),
    });
  });
});

describe("someone decides in another's place", () => {
  const lends = (from: string, to: string) =>
    scenario.asks(from, { type: "delegate", role: "database-administrator", to, seconds: 3600, reason: null });

  test("the delegate from before the request is on call with them, and paged by name", async () => {
    await paging({ settings: { onCallSeconds: 5 } });
    engine();
    await declare("P0");
    await lends("bo", "oli");
    await asked();
    await until(() => summons().length === 1);
    expect((await scenario.gate()).summons).toMatchObject([{ people: ["bo", "oli"], source: "pagerduty" }]);
    expect(summons()[0]?.assigned).toEqual(["PBO00", "POLI0"]);
  });

  test("delegated while the request is open, the page is handed on; taken back, it no longer is theirs", async () => {
    await paging();
    engine();
    await asked();
    await until(() => summons()[0]?.policy === "PDBA0");
    await lends("bo", "oli");
    await until(() => summons()[0]?.assigned.includes("POLI0") === true);
    await scenario.asks("bo", { type: "endDelegation", role: "database-administrator", to: "oli" });
    await until(() => summons()[0]?.policy === "PDBA0" && !summons()[0]?.assigned.includes("POLI0"));
    expect(summons()).toHaveLength(1);
  });
});

describe("in a lesser incident", () => {
  test("no one is woken by a question until they were reminded of it", async () => {
    await paging();
    engine();
    await declare("P2");
    await asked({ escalate: [], remindSeconds: 1 });
    await until(async () => (await scenario.gate()).reminders.length > 0);
    await until(() => summons().length === 1);
    const sent = (await store.timeline.read("inc-1")).filter(({ type }) => /^(gate.reminded|page.sent)$/.test(type));
    expect(sent[0]?.type).toBe("gate.reminded");
    await scenario.approve("bo");
    await until(() => summons()[0]?.status === "resolved");
  });

  test("a gate that reminds no one and that no one comes after wakes at once", async () => {
    await paging();
    engine();
    await declare("P2");
    await asked({ escalate: [], remindSeconds: 0 });
    await until(() => summons().length === 1);
  });
});

describe("a break-glass", () => {
  const breakGlass = () => page(/\/glass$/);
  const broken = () => page(/\/glass-broken$/);

  test("is told to telephones at once, asked for and broken, and stays open until someone else has reviewed it", async () => {
    await paging();
    engine();
    await declare("P2");
    await asked({ escalate: [], remindSeconds: 600 });
    const { ask } = await scenario.gate();
    await scenario.asks("oli", { type: "breakGlass", run: "run-1", ask, reason: "Nobody answers" });
    await until(() => breakGlass().length === 1);
    // Everyone who could be the second person, and is known to PagerDuty; never the first, nor the requester of the run.
    expect(breakGlass()[0]?.assigned.toSorted()).toEqual(["PBO00", "PCY00"]);
    expect(breakGlass()[0]?.title).toContain("BREAK-GLASS requested: Oli");
    await scenario.asks("cy", { type: "confirmBreak", run: "run-1", ask });
    await scenario.until(({ status }) => status === "verified");
    await until(() => broken().length === 1 && breakGlass()[0]?.status === "resolved");
    // Who decides such a gate and had no part in it.
    expect(broken()[0]).toMatchObject({ status: "triggered", assigned: ["PBO00"] });
    expect(broken()[0]?.title).toContain("BREAK-GLASS: Oli overrode the approval");
    await scenario.asks("oli", { type: "review", run: "run-1", ask, finding: "Fine" });
    expect(broken()[0]?.status).toBe("triggered");
    await scenario.asks("bo", { type: "review", run: "run-1", ask, finding: "It was needed" });
    await until(() => broken()[0]?.status === "resolved");
    expect([...breakGlass(), ...broken()]).toHaveLength(2);
  });
});

describe("when PagerDuty is away", () => {
  test("silent from the start: the run is approved from the roster and completes, and the outage is said once", async () => {
    pager.injectFault("hang");
    await paging({ settings: { lastRetrySeconds: 0.1 } });
    engine();
    await asked();
    await scenario.approve("bo");
    await scenario.until(({ status }) => status === "verified");
    await until(async () => (await events("page.failed")).length > 0, 20);
    pager.injectFault("down");
    await until(() => pager.ledger.filter(({ answered }) => answered === "cut").length >= 3, 20);
    expect(await events("page.failed")).toHaveLength(1);
    expect((await scenario.state()).paging.failing).not.toBeNull();
    pager.injectFault("calm");
    await until(() => alarms().length === 1, 20);
    await until(async () => (await scenario.state()).paging.failing === null);
    // What was over before PagerDuty came back wakes no one.
    expect(summons().filter(({ status }) => status !== "resolved")).toEqual([]);
  }, 60_000);

  test("everything is done though it answers 500: once each", async () => {
    pager.injectFault("failAfter");
    await paging();
    await declare("P0");
    await until(() => pager.ledger.length >= 3);
    pager.injectFault("calm");
    await until(async () => (await events("page.sent")).length === 1);
    expect(pager.happened()).toEqual(["triggered"]);
  });

  test("its key revoked: said once, tried on", async () => {
    pager.injectFault("lockOut");
    await paging();
    await declare("P0");
    await until(async () => (await events("page.failed")).length === 1);
    expect(await events("page.failed")).toMatchObject([{ problem: { what: expect.stringContaining("401") } }]);
    pager.injectFault("calm");
    await until(() => alarms().length === 1);
  });
});

describe("once", () => {
  test("from two replicas", async () => {
    const second = await storeOn(url);
    try {
      await paging();
      await paging({}, second);
      engine();
      await asked();
      await until(() => summons().length === 1);
      await scenario.approve("bo");
      await scenario.until(({ status }) => status === "verified");
      await until(() => summons()[0]?.status === "resolved" && (alarms()[0]?.notes.length ?? 0) > 0);
      expect(await events("gate.summoned")).toHaveLength(1);
      expect((await events("page.sent")).length).toBe(2);
      expect(pager.happened().toSorted()).toEqual(["annotated", "resolved", "triggered", "triggered"]);
      for (const one of running.splice(0)) await one.stop();
    } finally {
      await second.close();
    }
  });

  test("over a restart between the call and the word about it", async () => {
    const first = await paging();
    await declare("P0");
    await until(async () => (await events("page.sent")).length === 1);
    await first.stop();
    running.splice(0);
    // As after a crash: PagerDuty was told, and our own table does not know it.
    await store.pool.query(
      "update lifeboat.outbox set delivered = null, delivered_hash = null where sink = 'pagerduty'",
    );
    await paging();
    await until(async () => {
      const { rows } = await store.pool.query(
        "select count(*)::int as due from lifeboat.outbox where sink = 'pagerduty' and delivered_hash is null",
      );
      return rows[0].due === 0;
    });
    expect(pager.happened()).toEqual(["triggered"]);
    expect(await events("page.sent")).toHaveLength(1);
  });

  test("what happened while no one paged is paged when someone does", async () => {
    await declare("P0");
    await paging();
    await until(() => alarms().length === 1);
  });
});

describe("the test page of a round of seats", () => {
  const seat = () => page(/^lifeboat\/seats\/shop\/2026-12\/bo$/);
  const recorded = async (type: string) =>
    (await store.timeline.read("cal-shop")).filter((event) => event.type === type).map(({ data }) => data);

  async function seats(type: string, data: object): Promise<void> {
    await store.timeline.decide("cal-shop", (events) => ({
      events: [{ type, data: { round: "2026-12", ...data }, key: `${type}/${events.length}`, actor: { kind: "bot" } }],
      value: null,
    }));
  }

  async function askBo(): Promise<void> {
    await seats("seats.asked", { people: ["bo", "vera"] });
    await seats("seats.paged", { people: ["bo"] });
  }

  test("rings the phone of that person, as a test of low urgency, and their acknowledgement confirms the seat", async () => {
    await paging();
    await askBo();
    await until(() => seat().length === 1);
    expect(seat()).toMatchObject([{ urgency: "low", assigned: ["PBO00"], direct: true, status: "triggered" }]);
    expect(seat()[0]?.title).toBe("TEST, no incident: acknowledge if you can be reached (Shop)");
    pager.acknowledge(seat()[0]?.id ?? "", "PBO00");
    await until(async () => (await recorded("seats.confirmed")).length === 1);
    expect(await recorded("seats.confirmed")).toEqual([{ round: "2026-12", person: "bo", by: "page" }]);
    await until(() => seat()[0]?.status === "resolved");
    expect(await recorded("page.sent")).toEqual([
      { page: "lifeboat/seats/shop/2026-12", ask: null, role: null, people: ["bo"], to: "people" },
    ]);
    expect(pager.incidents).toHaveLength(1);
    // It's no incident here, whatever PagerDuty tells of it.
    expect((await incidentsOn(store).current()).length).toBe(0);
  });

  test("confirms nothing when another person acknowledges it, and ends when they answer in Slack", async () => {
    await paging();
    await askBo();
    await until(() => seat().length === 1);
    pager.acknowledge(seat()[0]?.id ?? "", "PVERA");
    pager.acknowledge(seat()[0]?.id ?? "", "PNELL");
    // What is heard after it has been heard by then.
    await declare("P0");
    await until(() => alarms().length === 1);
    pager.acknowledge(alarms()[0]?.id ?? "", "PVERA");
    await until(async () => (await events("page.acknowledged")).length === 1);
    expect(await recorded("seats.confirmed")).toEqual([]);
    expect(seat()[0]?.status).not.toBe("resolved");
    await seats("seats.confirmed", { person: "bo" });
    await until(() => seat()[0]?.status === "resolved");
  });

  test("is made once: over a crash before the word about it, on two replicas, and not again once it is over", async () => {
    const first = await paging();
    await askBo();
    await until(async () => (await recorded("page.sent")).length === 1);
    await first.stop();
    running.splice(0);
    await store.pool.query(
      "update lifeboat.outbox set delivered = null, delivered_hash = null where sink = 'pagerduty'",
    );
    const second = await storeOn(url);
    try {
      await paging();
      await paging({}, second);
      await seats("seats.silent", { people: ["bo"], told: [] });
      await until(() => seat()[0]?.status === "resolved");
      for (const one of running.splice(0)) await one.stop();
      await paging();
      await declare("P0");
      await until(() => alarms().length === 1);
      expect(seat()).toHaveLength(1);
      expect(await recorded("page.sent")).toHaveLength(1);
      expect(pager.happened().filter((one) => one === "triggered")).toHaveLength(2);
      for (const one of running.splice(0)) await one.stop();
    } finally {
      await second.close();
    }
  });

  test("that can't be sent is said once, without the words of an incident", async () => {
    pager.injectFault("lockOut");
    await paging();
    await askBo();
    await until(async () => (await recorded("page.failed")).length === 1);
    expect(await recorded("page.failed")).toMatchObject([
      { problem: { stateNow: "The test page isn't sent; they can still confirm in Slack" } },
    ]);
    pager.injectFault("calm");
    await until(() => seat().length === 1);
  });
});
