import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type Hearing, hear } from "../../src/alerts/hear.ts";
import type { Notice } from "../../src/alerts/notice.ts";
import { noticeOf } from "../../src/alerts/notice.ts";
import { createProposals, type Looked } from "../../src/alerts/proposals.ts";
import { createAlertWorker } from "../../src/alerts/worker.ts";
import type { Alert, System } from "../../src/catalog/types.ts";
import { decide } from "../../src/incident/decide.ts";
import { fold } from "../../src/incident/evolve.ts";
import type { IncidentState } from "../../src/incident/state.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createTally } from "../../src/timeline/tally.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import { byPerson, SYSTEM } from "../support/incident-scenario.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { around } from "../support/surroundings.ts";

const known = (id: string, more: Partial<Alert> = {}): Alert => ({
  ...{ id, title: `${id} of the shop`, when: "up == 0", severity: "P1", component: "database" },
  ...{ runbook: "db-failover", mode: "unplanned", link: null },
  ...more,
});
const shopOf = (id: string): System => ({
  ...SYSTEM,
  id,
  alerts: [
    known("DatabaseDown"),
    known("LagHigh", { severity: "P2", runbook: null }),
    known("Slow", { match: { app: "web" } }),
  ],
});
const otherOf = (id: string): System => ({
  ...SYSTEM,
  id,
  title: "Other",
  alerts: [known("LagHigh"), known("DiskFull")],
});

/** Each test has its own two systems in one store. */
let SHOP: System;
let OTHER: System;
let server: TestServer;
let url: string;
let store: Store;
let hearing: Hearing;
let systems: readonly System[];

beforeAll(async () => {
  server = await testServer();
  url = await server.database();
  store = await storeOn(url);
  hearing = hearingOn(store);
}, 60_000);
afterAll(async () => {
  await store.close();
  await server.close();
});
let count = 0;
beforeEach(() => {
  count += 1;
  SHOP = shopOf(`shop-${count}`);
  OTHER = otherOf(`other-${count}`);
  systems = [SHOP, OTHER];
});

const hearingOn = (on: Store): Hearing => ({
  timeline: on.timeline,
  incidents: incidentsOn(on),
  inbox: on.inbox,
  tally: createTally(on.pool),
  systems: () => systems,
  books: () => [
    { system: SHOP.id, id: "db-failover", title: "Fail over the database", modes: ["planned", "unplanned"] as const },
  ],
});

/** One notice, received a millisecond after the one before it. */
let serial = 0;
function notice(name: string, more: Partial<Notice> = {}): Notice {
  const { status = "firing", labels: asked = { instance: "a" } } = more;
  const own = asked.system && { system: { shop: SHOP.id, other: OTHER.id }[asked.system] ?? asked.system };
  const labels = { ...asked, ...own };
  const given = { name, status, labels, summary: null, startedAt: null, link: null };
  const one = noticeOf("alertmanager", given, new Date(store.timeline.now().getTime() + ++serial));
  return { ...one, ...more, labels };
}

const streams = async () => {
  const all = await incidentsOn(store).toCatchUp();
  const states = await Promise.all(all.map(async ({ id }) => fold(id, await store.timeline.read(id), new Map())));
  return states.filter(({ declared }) => declared?.system === SHOP.id || declared?.system === OTHER.id);
};
const types = async (stream: string) => (await store.timeline.read(stream)).map(({ type }) => type);
async function only(): Promise<IncidentState> {
  const [first, ...more] = await streams();
  if (first === undefined || more.length > 0) throw new Error(`There are ${more.length + (first ? 1 : 0)} incidents`);
  return first;
}
async function ask(stream: string, command: Parameters<typeof decide>[0]): Promise<void> {
  await store.timeline.decide(stream, (events, now) => {
    const state = fold(stream, events, new Map());
    const context = { now, actor: byPerson("cy"), blocked: null, system: SHOP, key: `asked-${++serial}` };
    const outcome = decide(command, state, context);
    if (outcome.kind === "refused") throw new Error(outcome.refusal.code);
    return { events: outcome.events, value: null };
  });
}
const declare = (stream: string, kind: "real" | "drill" = "real") =>
  ask(stream, {
    type: "declare",
    ...{ title: "Orders fail", system: SHOP.id, severity: "P2", kind, impactStartedAt: null, announceIn: null },
  });

describe("which incident", () => {
  test("a new one where none is open, with the catalogue's severity, title and runbook", async () => {
    await hear(hearing, [notice("DatabaseDown")]);
    const state = await only();
    expect(state).toMatchObject({
      severity: "P1",
      declared: { system: SHOP.id, kind: "real", title: "DatabaseDown of the shop" },
    });
    expect(state.alerts?.get("DatabaseDown")?.runbook).toEqual({
      ...{ id: "db-failover", title: "Fail over the database", modes: ["unplanned"] },
    });
    expect([...state.runs.values()]).toEqual([]);
  });

  test("the open one of the system, no matter who declared it", async () => {
    await declare(`inc-by-hand-${count}`);
    await hear(hearing, [notice("DatabaseDown"), notice("LagHigh", { labels: { system: "shop" } })]);
    expect(await types(`inc-by-hand-${count}`)).toEqual([
      ...["incident.declared", "alert.fired", "alert.fired", "incident.severityChanged"],
    ]);
    expect((await only()).severity).toBe("P1");
  });

  test("never a drill", async () => {
    await declare(`inc-drill-${count}`, "drill");
    await hear(hearing, [notice("DatabaseDown")]);
    expect(await types(`inc-drill-${count}`)).toEqual(["incident.declared"]);
    expect(await streams()).toHaveLength(2);
  });

  test("the one that was resolved a moment ago, when its alert fires again: it is reopened, and says why", async () => {
    await hear(hearing, [notice("DatabaseDown")]);
    const { id } = await only();
    await hear(hearing, [notice("DatabaseDown", { status: "resolved" })]);
    await ask(id, { type: "resolve", summary: null });
    await hear(hearing, [notice("DatabaseDown")]);
    expect(await types(id)).toEqual([
      ...[
        "incident.declared",
        "alert.fired",
        "alert.resolved",
        "incident.resolved",
        "incident.reopened",
        "alert.fired",
      ],
    ]);
    expect((await only()).status).toBe("investigating");
  });

  test("a new one when it was closed", async () => {
    await hear(hearing, [notice("DatabaseDown")]);
    const { id } = await only();
    await hear(hearing, [notice("DatabaseDown", { status: "resolved" })]);
    await ask(id, { type: "resolve", summary: null });
    await ask(id, { type: "draftPostmortem" });
    await ask(id, { type: "close" } as never);
    await hear(hearing, [notice("DatabaseDown")]);
    expect(await streams()).toHaveLength(2);
  });

  test("a repeat of what fired when people resolved it is no news; that it is over is written there", async () => {
    const first = notice("DatabaseDown");
    await hear(hearing, [first]);
    const { id } = await only();
    await ask(id, { type: "resolve", summary: null });
    await hear(hearing, [{ ...first, receivedAt: notice("DatabaseDown").receivedAt }]);
    await hear(hearing, [notice("DatabaseDown", { status: "resolved" })]);
    expect(await types(id)).toEqual(["incident.declared", "alert.fired", "incident.resolved", "alert.resolved"]);
    expect(await streams()).toHaveLength(1);
  });

  test("one, when several processes hear of it at once", async () => {
    const others = await Promise.all([storeOn(url), storeOn(url), storeOn(url)]);
    const all = [store, ...others].map(hearingOn);
    await Promise.all(all.map((one, n) => hear(one, [notice("DatabaseDown", { labels: { instance: `pod-${n}` } })])));
    expect((await only()).alerts?.get("DatabaseDown")?.instances.size).toBe(4);
    await Promise.all(others.map((one) => one.close()));
  });
});

describe("what is no alert of the catalogue", () => {
  const counted = async () => (await createTally(store.pool).read("alerts/")).map(({ who, last }) => `${who}: ${last}`);

  test.each<[string, Partial<Notice> & { name: string }, RegExp]>([
    ["an unknown name", { name: "Unheard" }, /alertmanager: Unheard: no system of the catalogue has/],
    ["a name of two systems", { name: "LagHigh" }, /could be shop-\d+\/LagHigh, other-\d+\/LagHigh/],
    ["a name with other labels", { name: "Slow", labels: { app: "api" } }, /Slow: no system/],
    ["a system there is not", { name: "DatabaseDown", labels: { system: "mars" } }, /there is no system mars/],
    ["another system's", { name: "DatabaseDown", labels: { system: "other" } }, /no system of the catalogue has/],
  ])("%s is counted, and opens nothing", async (_, { name, ...more }, says) => {
    await hear(hearing, [notice(name, more)]);
    expect(await streams()).toEqual([]);
    expect(await counted()).toContainEqual(expect.stringMatching(says));
  });

  test("opens an incident only where the system says so", async () => {
    systems = [{ ...SHOP, otherAlerts: { severity: "P2", component: "database" } }];
    await hear(hearing, [notice("Unheard <!channel>", { labels: { system: "shop" } })]);
    const state = await only();
    expect(state).toMatchObject({ severity: "P2", declared: { title: "Alert Unheard <!channel>" } });
    const { messages } = renderIncident(state, around({ system: SHOP, now: new Date() } as never));
    expect(JSON.stringify(messages.map(({ message }) => message.text))).not.toContain("<!channel>");
  });

  test("labels tell two systems' alerts of one name apart", async () => {
    await hear(hearing, [
      notice("LagHigh", { labels: { system: "other" } }),
      notice("Slow", { labels: { app: "web" } }),
    ]);
    expect((await streams()).length).toBe(2);
  });
});

describe("a storm", () => {
  test("of 1,000 alerts makes one incident, few events and few messages; a restart in the middle loses none", async () => {
    const worker = (on: Store) =>
      createAlertWorker({
        inbox: on.inbox,
        hearing: hearingOn(on),
        confirm: async () => {},
        log: quiet,
        settings: { pollMs: 20, gatherMs: 20 },
      });
    const first = worker(store);
    first.start();
    const all = [...Array(1000)].map((_, n) =>
      notice(n % 2 === 0 ? "DatabaseDown" : "LagHigh", { labels: { pod: `${n}`, system: "shop" } }),
    );
    const received = async (one: Notice) => {
      await store.inbox.receive(`alerts/${one.fingerprint}`, "alert.notices", { notices: [one] });
      first.now();
    };
    await Promise.all(all.slice(0, 500).map(received));
    await first.stop();
    // Taken by a process that died before it was done with them: they are another's once the claim is over, here at once.
    await store.inbox.take(100, 0, "alert.notices");
    const second = worker(store);
    second.start();
    await Promise.all(all.slice(500).map(received));
    await until(
      async () => (await store.pool.query("select from lifeboat.inbox where done_at is null")).rowCount === 0,
      60,
    );
    await second.stop();
    const state = await only();
    const instances = [...(state.alerts?.values() ?? [])].map(({ instances: found }) => found.size);
    expect(instances).toEqual([500, 500]);
    // A decision for each look at the inbox, of at most 200 at once, and not one for each alert.
    expect(state.version).toBeLessThan(200);
    const { messages } = renderIncident(state, around({ system: SHOP, now: new Date() } as never));
    expect(messages.filter(({ key }) => key.startsWith("alerts"))).toHaveLength(1);
    expect(messages.length).toBeLessThanOrEqual(4);
  }, 120_000);

  test("what flaps waits in the inbox, and its last word counts", async () => {
    for (let n = 0; n < 3; n++) {
      await hear(hearing, [notice("DatabaseDown")]);
      if (n < 2) await hear(hearing, [notice("DatabaseDown", { status: "resolved" })]);
    }
    const { id, version } = await only();
    await hear(hearing, [notice("DatabaseDown", { status: "resolved" })]);
    await hear(hearing, [notice("DatabaseDown")]);
    const last = notice("DatabaseDown", { status: "resolved" });
    await hear(hearing, [last]);
    expect((await only()).version).toBe(version);
    // No one takes them before then.
    expect(await store.inbox.take(10, 60, "alert.notices")).toEqual([]);
    const { rows } = await store.pool.query(
      "select body, claimed_until > clock_timestamp() + interval '200s' as waits from lifeboat.inbox where key like 'alerts/held/%' order by id",
    );
    expect(rows.map(({ waits }) => waits)).toEqual([true, true, true]);
    const later = { ...store.timeline, now: () => new Date(store.timeline.now().getTime() + 301_000) };
    await hear(
      { ...hearing, timeline: later },
      rows.flatMap(({ body }) => body.notices),
    );
    expect((await types(id)).at(-1)).toBe("alert.resolved");
    expect((await only()).version).toBe(version + 1);
  });
});

describe("what an alert proposes", () => {
  const proposing = (on: Store, look: () => Promise<Looked>, lookSeconds = 5) =>
    createProposals({ timeline: on.timeline, incidents: incidentsOn(on), look, log: quiet, lookSeconds });
  const looked = async () => (await only()).alerts?.get("DatabaseDown")?.looked;

  test("is looked at before it is offered, once, by the quickest process, and nothing is started", async () => {
    const other = await storeOn(url);
    const both = [
      proposing(store, async () => ({ ok: true, says: ["one saw"] })),
      proposing(other, async () => ({ ok: true, says: ["two saw"] })),
    ];
    for (const one of both) one.start();
    await hear(hearing, [notice("DatabaseDown")]);
    await until(async () => (await looked()) != null);
    await Promise.all(both.map((one) => one.stop()));
    const state = await only();
    expect((await types(state.id)).filter((type) => type === "alert.looked")).toHaveLength(1);
    expect(state.runs.size).toBe(0);
    await other.close();
  });

  test("is offered unchecked where a look does not answer in time", async () => {
    await hear(hearing, [notice("DatabaseDown")]);
    const one = proposing(store, () => new Promise(() => {}), 0.05);
    one.start();
    await until(async () => (await looked()) != null);
    await one.stop();
    expect(await looked()).toMatchObject({ ok: true, says: [expect.stringMatching(/^Not checked: /)] });
  });
});
