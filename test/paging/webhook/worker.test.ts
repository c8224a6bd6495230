import { createHmac } from "node:crypto";
import { request } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Pager } from "../../../practice/pagerduty/index.ts";
import { evolvePaging } from "../../../src/incident/evolve/paging.ts";
import { isSigned } from "../../../src/paging/webhook/signature.ts";
import type { Store } from "../../../src/timeline/index.ts";
import { storeOn, type TestServer, testServer, until } from "../../support/postgres.ts";
import { openPager, pagingOn } from "../scenario.ts";

const SECRETS = ["the-old-secret-000000", "the-new-secret-111111"];
const sign = (body: string, secret = SECRETS[1] as string) =>
  `v1=${createHmac("sha256", secret).update(body).digest("hex")}`;

describe("a signature", () => {
  const body = '{"event":{}}';
  const good = sign(body);
  test.each<[string, string | undefined, readonly string[], boolean]>([
    ["of our secret", good, SECRETS, true],
    ["of the secret that is on its way out", sign(body, SECRETS[0]), SECRETS, true],
    ["among others", `v1=${"0".repeat(64)}, ${good}`, SECRETS, true],
    ["missing", undefined, SECRETS, false],
    ["empty", "", SECRETS, false],
    ["of another secret", sign(body, "somebody-elses-secret"), SECRETS, false],
    ["of other bytes", sign(`${body} `), SECRETS, false],
    ["of another version", good.replace("v1=", "v0="), SECRETS, false],
    ["without a version", good.slice(3), SECRETS, false],
    ["cut short", good.slice(0, -2), SECRETS, false],
    ["in capitals", good.toUpperCase(), SECRETS, false],
    ["when we have no secret", good, [], false],
    ["when our secret is empty", sign(body, ""), [""], false],
    ["behind a heap of others", `${`v1=${"0".repeat(64)},`.repeat(50)}${good}`, SECRETS, false],
  ])("%s", (_, header, secrets, expected) => {
    expect(isSigned(Buffer.from(body), header, secrets)).toBe(expected);
  });
});

describe("at the endpoint", () => {
  let server: TestServer;
  let store: Store;
  let pager: Pager;
  let paging: Awaited<ReturnType<typeof pagingOn>>;
  let serial = 0;

  beforeAll(async () => {
    server = await testServer();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    store = await storeOn(await server.database());
    pager = await openPager();
    paging = await pagingOn(store, pager, { secrets: SECRETS });
  });
  afterEach(async () => {
    await paging.stop();
    await store.close();
    await pager.close();
  });

  /** Sends exactly these bytes and says what was answered. */
  function post(body: string, headers: Record<string, string> = {}, path = "/pagerduty/webhook", method = "POST") {
    return new Promise<number>((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port: paging.port, path, method, agent: false, headers });
      sent.on("response", (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }
  const send = (event: object) => {
    const body = JSON.stringify({ event });
    return post(body, { "x-pagerduty-signature": sign(body) });
  };

  function incident(type: string, more: object = {}, data: object = {}) {
    return {
      id: `01EVENT${++serial}`,
      event_type: `incident.${type}`,
      resource_type: "incident",
      occurred_at: "2026-03-01T00:00:00Z",
      agent: { id: "POLI0", type: "user_reference", summary: "Oli" },
      data: {
        id: "QALARM1",
        type: "incident",
        status: type === "resolved" ? "resolved" : "triggered",
        incident_key: "from-a-monitor",
        created_at: "2026-03-01T00:00:00Z",
        title: "Checkout fails <!channel>",
        urgency: "high",
        service: { id: "PSHOP", type: "service_reference" },
        assignees: [{ id: "POLI0", type: "user_reference" }],
        ...data,
      },
      ...more,
    };
  }

  const kept = async () =>
    (await store.pool.query("select key from lifeboat.inbox order by key")).rows.map(({ key }) => key);
  const done = () =>
    until(async () => (await store.pool.query("select from lifeboat.inbox where done_at is null")).rowCount === 0);
  const types = async (stream = "inc-pd-qalarm1") => (await store.timeline.read(stream)).map(({ type }) => type);

  test("only what is signed is written down, and it is written before the answer", async () => {
    const body = JSON.stringify({ event: incident("triggered") });
    expect(await post(body)).toBe(401);
    expect(await post(body, { "x-pagerduty-signature": sign(body, "somebody-elses-secret") })).toBe(401);
    expect(await post(`${body} `, { "x-pagerduty-signature": sign(body) })).toBe(401);
    expect(await kept()).toEqual([]);
    expect(await post(body, { "x-pagerduty-signature": sign(body) })).toBe(202);
    expect(await kept()).toHaveLength(1);
  });

  test("an alert of the catalogue brings its severity and proposes its runbook, and its end is written", async () => {
    const title = { title: "[FIRING:1] DatabaseDown (orders-a critical)" };
    await send(incident("triggered", {}, title));
    await done();
    expect(await types()).toEqual(["incident.declared", "page.sent", "alert.fired"]);
    const events = await store.timeline.read("inc-pd-qalarm1");
    expect(events[0]?.data).toMatchObject({ severity: "P2" });
    expect(events[2]?.data).toMatchObject({
      alert: "DatabaseDown",
      runbook: { id: "db-failover", modes: ["unplanned"] },
    });
    await send(incident("resolved", { agent: { id: "PMON0", type: "service_reference", summary: "Monitor" } }, title));
    await done();
    expect(await types()).toEqual(["incident.declared", "page.sent", "alert.fired", "alert.resolved"]);
  });

  test.each([
    ["another path", "/", "POST", 404],
    ["another method", "/pagerduty/webhook", "GET", 405],
  ])("%s is no one's", async (_, path, method, expected) => {
    expect(await post("", {}, path, method)).toBe(expected);
  });

  test("what is signed and makes no sense is refused and not kept", async () => {
    for (const body of ["", "null", "{", '{"event":{"id":1}}', `${"[".repeat(20_000)}${"]".repeat(20_000)}`])
      expect(await post(body, { "x-pagerduty-signature": sign(body) })).toBe(400);
    expect(await kept()).toEqual([]);
  });

  test("more than anyone has to say is cut off", async () => {
    const body = "x".repeat(300 * 1024);
    const answered = await post(body, { "x-pagerduty-signature": sign(body) }).catch((error) => error.code);
    expect([413, "ECONNRESET", "EPIPE"]).toContain(answered);
    expect(await kept()).toEqual([]);
  });

  test("PagerDuty's try-out of the address is answered", async () => {
    expect(await send({ ...incident("triggered"), event_type: "pagey.ping", data: {} })).toBe(202);
    expect(await kept()).toEqual([]);
  });

  test("an alarm becomes an incident of the system whose service it is, once, whatever is sent how often", async () => {
    const alarm = incident("triggered");
    await Promise.all(Array.from({ length: 8 }, () => send(alarm)));
    await send({ ...alarm, id: "01ANOTHER" });
    await done();
    expect(await types()).toEqual(["incident.declared", "page.sent"]);
    const [declared, sent] = await store.timeline.read("inc-pd-qalarm1");
    expect(declared?.data).toMatchObject({
      system: "shop",
      severity: "P1",
      kind: "real",
      impactStartedAt: "2026-03-01T00:00:00.000Z",
    });
    expect(sent?.data).toMatchObject({ people: ["oli"] });
    // PagerDuty has woken people already: no one is woken a second time by us.
    expect(pager.incidents).toEqual([]);
  });

  test.each([
    ["a priority that is called like a severity", { priority: { summary: "P0" } }, "P0"],
    ["a low urgency: the mildest the system knows", { urgency: "low" }, "P2"],
    ["a priority nobody here knows", { priority: { summary: "Sev 17" }, urgency: "high" }, "P1"],
  ])("severity: %s", async (_, data, severity) => {
    await send(incident("triggered", {}, data));
    await done();
    const [declared] = await store.timeline.read("inc-pd-qalarm1");
    expect(declared?.data).toMatchObject({ severity });
  });

  test("another service's alarms are not ours", async () => {
    await send(incident("triggered", {}, { service: { id: "POTHER" } }));
    await done();
    expect(await types()).toEqual([]);
  });

  test("in any order it is one incident, with what happened over there beside it", async () => {
    await send(incident("acknowledged"));
    await done();
    await send(incident("triggered"));
    await send(
      incident("annotated", {
        data: { id: "N1", type: "incident_note", content: "Looking", incident: { id: "QALARM1" } },
      }),
    );
    await send(incident("resolved"));
    await done();
    expect(await types()).toEqual([
      "incident.declared",
      "page.sent",
      "page.acknowledged",
      "incident.noted",
      "incident.noted",
    ]);
    const notes = (await store.timeline.read("inc-pd-qalarm1"))
      .slice(3)
      .map(({ data }) => (data as { text: string }).text);
    expect(notes).toEqual([
      "PagerDuty, Oli: Looking",
      "PagerDuty, Oli: resolved it there. Here it is open until it is resolved here",
    ]);
  });

  test("an alarm that arrives when it is long over declares nothing: PagerDuty is asked first", async () => {
    const over = pager.alarm("Over before anybody heard of it");
    pager.resolve(over.id, "POLI0");
    await send(incident("triggered", {}, { id: over.id }));
    await done();
    expect(await types(`inc-pd-${over.id.toLowerCase()}`)).toEqual([]);
  });

  test.each([
    ["of another Lifeboat", {}, { incident_key: "lifeboat/of/somebody/else" }],
    ["that PagerDuty gives back under a key of its own", { client: { name: "Lifeboat" } }, { incident_key: "x" }],
  ])("a page %s is no alarm", async (_, more, data) => {
    await send(incident("triggered", more, data));
    await done();
    expect(await types()).toEqual([]);
  });

  test("six alarms at once, every delivery late, out of order and several times: six incidents, everything on them once", async () => {
    let seed = 7;
    const dice = (sides: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * sides);
    };
    const shuffled = <T>(all: readonly T[]) =>
      all
        .map((one) => [dice(1e6), one] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, one]) => one);
    const happenings = ["triggered", "acknowledged", "escalated", "reassigned", "priority_updated", "resolved"];
    const alarms = [1, 2, 3, 4, 5, 6].map((n) => `QCHAOS${n}`);
    // Only what is over before anything else was heard of it is nothing: it declares no one's incident.
    const firsts = alarms.map((id) => incident(happenings[dice(5)] ?? "", {}, { id, incident_key: `monitor-${id}` }));
    const rest = alarms.flatMap((id) =>
      happenings.map((type) => incident(type, {}, { id, incident_key: `monitor-${id}` })),
    );
    await Promise.all(shuffled([...firsts, ...firsts]).map(send));
    await done();
    await Promise.all(shuffled([...rest, ...rest, ...rest, ...firsts]).map(send));
    await done();
    for (const id of alarms) {
      const told = await types(`inc-pd-${id.toLowerCase()}`);
      const first = firsts.find(({ data }) => data.id === id)?.event_type ?? "";
      const [acks, notes] = [
        1 + Number(first.endsWith("acknowledged")),
        4 + Number(!/triggered|acknowledged/.test(first)),
      ];
      expect(told.slice(0, 2)).toEqual(["incident.declared", "page.sent"]);
      const count = (type: string) => told.filter((one) => one === type).length;
      expect([count("incident.declared"), count("page.acknowledged"), count("incident.noted")]).toEqual([
        1,
        acks,
        notes,
      ]);
    }
    const keys = (await store.pool.query("select key from lifeboat.inbox")).rows.map(({ key }) => key);
    expect(keys).toHaveLength(firsts.length + rest.length);
  });

  test("someone answers before it is written down that they were called: it counts", () => {
    const at = new Date("2026-03-01T00:00:05Z");
    const page = { stream: "inc-1", key: "k", run: null, actor: { kind: "bot" }, version: 1 } as const;
    const ring = { page: "lifeboat/inc-1/ask-1", ask: "ask-1", role: "cto", people: ["tess"], to: "people" } as const;
    const answered = {
      page: ring.page,
      ask: "ask-1",
      person: "tess",
      name: "Tess",
      happenedAt: "2026-03-01T00:00:04Z",
    };
    const early = evolvePaging(
      { pages: new Map(), failing: null },
      { ...page, at, type: "page.acknowledged", data: answered },
    );
    const both = evolvePaging(early, { ...page, at, type: "page.sent", data: ring });
    const known = both.pages.get(ring.page);
    expect(known).toMatchObject({ role: "cto", early: false, acknowledged: [{ person: "tess" }] });
    expect(known?.acknowledged.every((one) => one.at >= known.at)).toBe(true);
  });

  test("with PagerDuty silent, its signed word is enough", async () => {
    pager.injectFault("down");
    await send(incident("triggered"));
    await done();
    expect(await types()).toEqual(["incident.declared", "page.sent"]);
  });

  test("what says it is about a page of ours, and is not, changes nothing", async () => {
    await send(incident("acknowledged", {}, { incident_key: "lifeboat/inc-nothere" }));
    await send(incident("triggered"));
    await send(incident("acknowledged", {}, { incident_key: "lifeboat/inc-pd-qalarm1/ask-never" }));
    await send(incident("acknowledged", {}, { incident_key: "lifeboat/inc-pd-qalarm1", service: { id: "POTHER" } }));
    await done();
    expect(await types("inc-nothere")).toEqual([]);
    expect(await types()).toEqual(["incident.declared", "page.sent"]);
  });
});
