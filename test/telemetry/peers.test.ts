import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { DueItem } from "../../src/projection/deliveries.ts";
import { createOtlp } from "../../src/sinks/otlp/otlp.ts";
import { createWebhook, queueOf } from "../../src/sinks/webhook/webhook.ts";
import { recordOf } from "../../src/telemetry/event-record.ts";
import { traceOf } from "../../src/telemetry/trace.ts";
import { describeWith } from "../support/describe-with.ts";
import { recorded, timelines } from "./recorded-timelines.ts";

/**
 * What is posted, read by who is to read it: events by the Python SDK of CloudEvents and the library of Standard Webhooks, traces by OpenTelemetry's
 * own protobuf descriptions. None of them takes a field it doesn't know.
 */
const describe = await describeWith(["peers-python"], ["python3-venv, and the packages of .ci/peers.txt"]);
const SECRETS = [Buffer.alloc(32, 1), Buffer.alloc(24, 2)].map((key) => `whsec_${key.toString("base64")}`);

interface Posted {
  readonly kind: "event" | "trace";
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  readonly secrets: readonly string[];
}

describe("machines outside", () => {
  let server: Server;
  let url: string;
  const posted: Posted[] = [];

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const kind = request.url === "/v1/traces" ? "trace" : "event";
      posted.push({ kind, body: await text(request), headers: request.headers, secrets: SECRETS });
      response.end("{}");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const [index, { stream }] of timelines.entries()) await post(index, stream);
  });
  afterAll(() => void server.close());

  /** Everything of one recorded timeline, through the sinks, as of the day it was recorded. */
  async function post(index: number, incident: string): Promise<void> {
    const { state, events } = recorded(index);
    const receivers = new Map([["siem", { url: `${url}/events`, secrets: SECRETS }]]);
    const webhook = createWebhook({ receivers, practice: true });
    for (const event of events) {
      // A receiver refuses what is not of now.
      const desired = { ...recordOf(event, state), time: new Date().toISOString() };
      expect(await webhook.send(dueItem(queueOf("siem"), desired))).toMatchObject({ how: "delivered" });
    }
    const last = events.at(-1)?.at ?? new Date();
    const otlp = createOtlp({
      ...{ url: `${url}/v1/traces`, headers: {}, resource: { "service.name": "lifeboat" }, version: "1" },
      ...{ practice: true, seconds: 10, now: () => last },
    });
    for (const run of state.runs.values()) {
      const spans = traceOf({ system: "practice", incident, run, events: events.filter((one) => one.run === run.id) });
      if (spans.length > 0) expect(await otlp.send(dueItem("otlp", { spans }))).toMatchObject({ how: "delivered" });
    }
  }

  test("take every event and every trace of three recorded timelines", async () => {
    const count = (kind: string) => posted.filter((one) => one.kind === kind).length;
    expect(count("event")).toBeGreaterThan(50);
    expect(count("trace")).toBeGreaterThanOrEqual(3);
    expect((await verdictsOn(posted)).filter((says) => says !== null)).toEqual([]);
  });

  test("refuse what is wrong with them", async () => {
    const event = posted.find(({ kind }) => kind === "event") as Posted;
    const trace = posted.find(({ kind }) => kind === "trace") as Posted;
    const wrong: Posted[] = [
      { ...event, body: event.body.replace("lifeboat.", "lifeb0at.") },
      { ...event, secrets: [`whsec_${Buffer.alloc(32, 3).toString("base64")}`] },
      { ...event, body: event.body.replace('"specversion":"1.0"', '"specversion":"0.2"') },
      { ...trace, body: trace.body.replace('"kind":1', '"kinds":1') },
      { ...trace, body: trace.body.replace(/"traceId":"../, '"traceId":"') },
      { ...trace, body: trace.body.replace('"stringValue"', '"string"') },
    ];
    expect((await verdictsOn(wrong)).map((says) => says !== null)).toEqual(wrong.map(() => true));
  });
});

function dueItem(queue: string, desired: object): DueItem {
  return { queue, desired } as unknown as DueItem;
}

async function verdictsOn(given: readonly Posted[]): Promise<readonly (string | null)[]> {
  const out = await new Promise<string>((resolve, reject) => {
    const program = join(import.meta.dirname, "validators.py");
    const child = execFile("peers-python", ["-W", "ignore", program], (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}${stderr}`)) : resolve(stdout),
    );
    child.stdin?.end(given.map((one) => `${JSON.stringify(one)}\n`).join(""));
  });
  const verdicts = out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as string | null);
  expect(verdicts).toHaveLength(given.length);
  return verdicts;
}
