import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { WORKSPACE } from "../../src/command/execute/record.ts";
import { createDeliveries, type DueItem } from "../../src/projection/deliveries.ts";
import { dropUndelivered, pruneDelivered } from "../../src/projection/prune.ts";
import { createOtlp } from "../../src/sinks/otlp/otlp.ts";
import { signedHeaders } from "../../src/sinks/webhook/sign.ts";
import { createWebhook } from "../../src/sinks/webhook/webhook.ts";
import type { Subscribed } from "../../src/telemetry/receivers.ts";
import { createTelemetry, type Telemetry } from "../../src/telemetry/worker.ts";
import type { Store } from "../../src/timeline/index.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { asSuperuser, quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { replay, timelines } from "./recorded-timelines.ts";

/** Events and traces from a real store, over HTTP, to receivers that fail, hang, answer late and lead elsewhere. */
let server: TestServer;
beforeAll(async () => {
  server = await testServer();
}, 60_000);
afterAll(() => server.close());

const SECRET = "a-secret-of-the-receiver";
interface Got {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
type Behave = (response: ServerResponse, got: Got, count: number) => void;

interface Outside {
  readonly url: string;
  readonly got: Got[];
  behave: Behave;
  close(): Promise<void>;
}

async function outside(behave: Behave = (response) => response.writeHead(204).end()): Promise<Outside> {
  const self = { got: [] as Got[], behave };
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const got = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString() };
      self.got.push(got);
      self.behave(response, got, self.got.length);
    });
  });
  await new Promise<void>((open) => http.listen(0, "127.0.0.1", open));
  return Object.assign(self, {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    close: () => {
      http.closeAllConnections();
      return new Promise<void>((closed) => http.close(() => closed()));
    },
  });
}

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function store(url?: string): Promise<Store> {
  const one = await storeOn(url ?? (await server.database()));
  opened.push(one);
  return one;
}

interface Started {
  readonly receivers?: readonly Subscribed[];
  readonly collector?: string;
  readonly seconds?: number;
  readonly practice?: boolean;
}

function telemetryOn(own: Store, { receivers = [], collector, seconds = 0.5, practice = false }: Started): Telemetry {
  const known = new Map(receivers.map((one) => [one.name, one]));
  const telemetry = createTelemetry({
    timeline: own.timeline,
    incidents: incidentsOn(own),
    deliveries: createDeliveries(own.pool),
    receivers,
    workspace: WORKSPACE,
    traces: collector !== undefined,
    sinks: [
      createWebhook({ receivers: known, practice, seconds }),
      ...(collector === undefined
        ? []
        : [
            createOtlp({
              url: collector,
              headers: { "x-team": "dr" },
              resource: { "service.name": "lifeboat" },
              version: "1",
              practice,
              seconds: 2,
            }),
          ]),
    ],
    prune: (sinks, days) => pruneDelivered(own.pool, sinks, days),
    log: quiet,
    pollMs: 20,
  });
  opened.push({ close: () => telemetry.stop() });
  telemetry.start();
  return telemetry;
}

const to = (url: string, wants: Partial<Subscribed["wants"]> = {}): Subscribed => ({
  name: "siem",
  url,
  secrets: [SECRET],
  wants: { events: ["*"], atLeast: "info", drills: true, ...wants },
});
const HOUR_MS = 3_600_000;
const spanEnded = (msAgo: number) => ({ endTimeUnixNano: `${Date.now() - msAgo}000000` });
const codes = ({ got }: Outside) => got.map(({ body }) => (JSON.parse(body) as { data: { code: string } }).data.code);
const count = timelines[0]?.events.length ?? 0;
const waiting = async ({ url }: Store) =>
  await asSuperuser<{ says: string | null; gone: boolean; told: boolean }>(
    url,
    "select says, given_up_at is not null as gone, delivered_hash is not null as told from lifeboat.outbox where sink = 'webhook' order by id",
  );

describe("events", () => {
  test("arrive once, in their order, signed, from two bots that share a store and after one that was started late", async () => {
    const receiver = await outside();
    opened.push(receiver);
    const own = await store();
    await replay(own.timeline, 0, "inc-night");
    const other = await store(own.url);
    const receivers = [to(receiver.url)];
    telemetryOn(own, { receivers });
    telemetryOn(other, { receivers });
    await until(() => receiver.got.length >= count, 20);
    await replay(own.timeline, 1, "inc-after");
    await until(() => receiver.got.length >= count + (timelines[1]?.events.length ?? 0), 20);
    const ids = receiver.got.map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => String(id).startsWith("inc-night/"))).toEqual(
      Array.from({ length: count }, (_, index) => `inc-night/${index + 1}`),
    );
    for (const { headers, body } of receiver.got) {
      const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
      expect(headers["webhook-signature"]).toBe(
        signedHeaders(String(headers["webhook-id"]), body, [SECRET], at)["webhook-signature"],
      );
      expect(JSON.parse(body).id).toBe(headers["webhook-id"]);
    }
    // Who it was about is kept no longer than it takes to deliver it.
    const [kept] = await asSuperuser<{ all: string }>(
      own.url,
      "select string_agg(distinct desired::text, '') as all from lifeboat.outbox where recorded_at is not null",
    );
    expect(kept?.all).toBe("{}");
  }, 60_000);

  test("come again, with the same id, after a 500, a hang, an answer that is late and a connection that is cut", async () => {
    const receiver = await outside((response, _, nth) => {
      if (nth === 1) response.writeHead(500).end("no");
      else if (nth === 2) return;
      else if (nth === 3) setTimeout(() => response.writeHead(204).end(), 700);
      else if (nth === 4) response.destroy();
      else response.writeHead(204).end();
    });
    opened.push(receiver);
    const own = await store();
    telemetryOn(own, {
      receivers: [to(receiver.url, { events: ["incident.declared", "run.requested"] })],
      seconds: 0.3,
    });
    await replay(own.timeline, 0, "inc-night");
    await until(async () => {
      // Patience between attempts is doubled; what waits for it is due now.
      await own.pool.query("update lifeboat.outbox set not_before = '-infinity' where sink = 'webhook'");
      return receiver.got.length === 6;
    }, 20);
    expect(codes(receiver)).toEqual([...Array(5).fill("incident.declared"), "run.requested"]);
    expect(new Set(receiver.got.slice(0, 5).map(({ body }) => body)).size).toBe(1);
    await until(async () => (await waiting(own)).every(({ told }) => told), 10);
  }, 60_000);

  test("follow no redirect, and what is refused for good holds nothing up", async () => {
    const elsewhere = await outside();
    const receiver = await outside((response, _, nth) =>
      nth === 1
        ? response.writeHead(307, { location: elsewhere.url }).end()
        : response.writeHead(nth === 2 ? 422 : 200).end("SECRET-ANSWER"),
    );
    opened.push(receiver, elsewhere);
    const own = await store();
    telemetryOn(own, {
      receivers: [to(receiver.url, { events: ["incident.declared", "run.requested", "run.verified"] })],
    });
    await replay(own.timeline, 0, "inc-night");
    await until(() => receiver.got.length === 3, 20);
    await until(async () => (await waiting(own)).every(({ told, gone }) => told || gone), 10);
    expect(elsewhere.got).toEqual([]);
    expect((await waiting(own)).map(({ gone }) => gone)).toEqual([true, true, false]);
    expect(JSON.stringify(await waiting(own))).not.toContain("SECRET-ANSWER");
  }, 60_000);

  test.each([
    ["http://169.254.169.254/latest/meta-data", false, /link-local|metadata/],
    ["http://[::ffff:169.254.169.254]/", false, /link-local|metadata/],
    ["http://0.0.0.0:9/", false, /never connected/],
    ["http://192.0.2.1/hook", true, /practice/],
    ["http://user:pw@127.0.0.1:1/", false, /user name/],
  ])(
    "are never sent to %s",
    async (url, practice, says) => {
      const own = await store();
      telemetryOn(own, { receivers: [to(url, { events: ["incident.declared"] })], practice });
      await replay(own.timeline, 0, "inc-night");
      await until(async () => (await waiting(own)).some(({ gone }) => gone), 20);
      expect((await waiting(own))[0]?.says).toMatch(says);
    },
    30_000,
  );

  test("say the host of who does not answer, and never the path, which may be its password", async () => {
    const silent = await outside(() => {});
    opened.push(silent);
    const url = `${silent.url}/services/T00/SECRET-PATH?key=SECRET-QUERY`;
    const receivers = new Map([["siem", to(url)]]);
    const collector = { url, headers: {}, resource: {}, version: "1", practice: false, seconds: 0.2 };
    const event = { ...{ queue: "webhook/siem", tries: 0 }, desired: { id: "1", time: new Date().toISOString() } };
    const trace = { ...event, queue: "otlp", desired: { spans: [spanEnded(0)] } };
    const told = await Promise.all([
      createWebhook({ receivers, practice: false, seconds: 0.2 }).send(event as unknown as DueItem),
      createOtlp(collector).send(trace as unknown as DueItem),
    ]);
    for (const { how, says } of told) {
      expect([how, says]).toEqual(["later", expect.stringContaining(new URL(url).host)]);
      expect(says).not.toMatch(/SECRET|services/);
    }
  }, 30_000);

  test("of a private incident, and of a drill no one was told of, never leave", async () => {
    const receiver = await outside();
    const collector = await outside();
    opened.push(receiver, collector);
    const own = await store();
    telemetryOn(own, { receivers: [to(receiver.url)], collector: collector.url });
    await replay(own.timeline, 0, "inc-private", { private: { roles: ["incident-commander"] } });
    const drill = { occasion: "night", tells: [], audiences: [], unannounced: true };
    await replay(own.timeline, 1, "inc-surprise", { kind: "drill", drill });
    await replay(own.timeline, 0, "inc-open");
    await until(() => receiver.got.length === count && collector.got.length === 1, 20);
    for (const { body } of [...receiver.got, ...collector.got]) expect(body).not.toMatch(/inc-private|inc-surprise/);
    const rows = await asSuperuser<{ stream: string }>(
      own.url,
      "select distinct stream from lifeboat.outbox where sink in ('webhook', 'otlp')",
    );
    expect(rows).toEqual([{ stream: "inc-open" }]);
  }, 60_000);
});

describe("what belongs to no incident", () => {
  test("arrives as well: a security team hears of codes that were locked", async () => {
    const receiver = await outside();
    opened.push(receiver);
    const own = await store();
    const data = (system: string) => ({ people: [`${system}/sam`], from: "slack", by: "sam", until: "2026-01-01" });
    const locked = (system: string) => ({
      ...{ type: "person.locked", data: data(system), key: system, actor: { kind: "bot" as const } },
    });
    await own.timeline.decide(WORKSPACE, () => ({ events: [locked("shop")], value: null }));
    telemetryOn(own, { receivers: [to(receiver.url, { atLeast: "high", systems: ["shop"], drills: false })] });
    await until(() => receiver.got.length === 1, 20);
    const events = ["bank", "shop"].map((system) => ({ ...locked(system), key: `${system}/2` }));
    await own.timeline.decide(WORKSPACE, () => ({ events, value: null }));
    await until(() => receiver.got.length === 2, 20);
    expect(receiver.got.map(({ body }) => JSON.parse(body))).toMatchObject(
      [1, 3].map((version) => ({
        id: `${WORKSPACE}/${version}`,
        data: { code: "person.locked", severity: "high", people: ["shop/sam"], incident: { kind: null } },
      })),
    );
  }, 60_000);
});

describe("what can't be delivered", () => {
  test("is dropped where its receiver isn't configured any more, so that nothing waits or is told of it", async () => {
    const own = await store();
    const deliveries = createDeliveries(own.pool);
    const queues = ["webhook/siem", "webhook/gone", "otlp"];
    const items = queues.map((queue) => ({
      ...{ sink: queue.split("/")[0] ?? "", queue, key: queue, once: true, desired: {} },
    }));
    await own.timeline.decide("inc-x", () => ({
      events: [{ type: "noted", data: {}, key: "one", actor: { kind: "bot" } }],
      value: null,
    }));
    await deliveries.enqueue("inc-x", 1, items);
    await own.pool.query("update lifeboat.outbox set given_up_at = now() where queue = 'otlp'");
    await dropUndelivered(own.pool, ["webhook", "otlp"], ["webhook/siem"]);
    const { rows } = await own.pool.query("select queue from lifeboat.outbox");
    expect(rows).toEqual([{ queue: "webhook/siem" }]);
    expect(await deliveries.undelivered()).toEqual([]);
  }, 60_000);

  test("is a trace of more than a day ago; a younger one is tried on", async () => {
    const collector = await outside((response) => response.writeHead(503).end());
    opened.push(collector);
    const otlp = createOtlp({
      ...{ url: collector.url, headers: {}, resource: {}, version: "1", practice: false, seconds: 2 },
    });
    const sent = (msAgo: number) => otlp.send({ desired: { spans: [spanEnded(msAgo)] } } as unknown as DueItem);
    expect((await sent(25 * HOUR_MS)).how).toBe("never");
    expect((await sent(23 * HOUR_MS)).how).toBe("later");
  }, 30_000);
});

describe("traces", () => {
  test("arrive once from two bots, as OTLP has it in JSON, and again after a collector that was away", async () => {
    const collector = await outside((response, _, nth) => response.writeHead(nth === 1 ? 503 : 200).end("{}"));
    opened.push(collector);
    const own = await store();
    const other = await store(own.url);
    telemetryOn(own, { collector: `${collector.url}/v1/traces` });
    telemetryOn(other, { collector: `${collector.url}/v1/traces` });
    await replay(own.timeline, 2, "inc-region");
    await until(async () => {
      await own.pool.query("update lifeboat.outbox set not_before = '-infinity' where sink = 'otlp'");
      return collector.got.length === 2;
    }, 20);
    const [first, second] = collector.got as [Got, Got];
    expect(second.body).toBe(first.body);
    expect([second.path, second.headers["content-type"], second.headers["x-team"]]).toEqual([
      "/v1/traces",
      "application/json",
      "dr",
    ]);
    const { resourceSpans } = JSON.parse(second.body);
    expect(resourceSpans).toHaveLength(1);
    expect(resourceSpans[0].resource.attributes).toEqual([{ key: "service.name", value: { stringValue: "lifeboat" } }]);
    const [{ scope, spans }] = resourceSpans[0].scopeSpans;
    expect(scope).toEqual({ name: "lifeboat", version: "1" });
    expect(spans[0]).toMatchObject({ name: expect.stringMatching(/^run practice\//), kind: 1, status: { code: 1 } });
    expect(spans.length).toBeGreaterThan(10);
  }, 60_000);
});
