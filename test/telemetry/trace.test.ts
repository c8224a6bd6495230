import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { signedHeaders } from "../../src/sinks/webhook/sign.ts";
import { recordOf } from "../../src/telemetry/event-record.ts";
import { otelProblem, otelSettings } from "../../src/telemetry/otel-settings.ts";
import { matches, readReceivers } from "../../src/telemetry/receivers.ts";
import { traceOf } from "../../src/telemetry/trace.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";
import { recorded, timelines } from "./recorded-timelines.ts";

/** What is made of a timeline for machines outside: pure, and the same no matter who makes it. */
const traced = (index: number) => {
  const { state, events } = recorded(index);
  return [...state.runs.values()].map((run) =>
    traceOf({ system: "practice", incident: state.id, run, events: events.filter((one) => one.run === run.id) }),
  );
};
const all = timelines.flatMap((_, index) => traced(index));
const attribute = (span: { attributes: readonly { key: string; value: object }[] }, key: string) =>
  Object.values(span.attributes.find((one) => one.key === key)?.value ?? {})[0];

describe("a run as a trace", () => {
  test("has the run, every attempt of every step and every approval, in their times", () => {
    expect(all.length).toBeGreaterThanOrEqual(3);
    for (const [index] of timelines.entries()) {
      const { events } = recorded(index);
      const count = (type: string) => events.filter((one) => one.type === type).length;
      const spans = traced(index).flat();
      const named = (name: string) => spans.filter((span) => span.name.startsWith(`${name} `)).length;
      expect([named("run"), named("step"), named("approval"), named("apply")]).toEqual([
        count("run.requested"),
        count("step.started"),
        count("gate.opened"),
        count("step.intended"),
      ]);
    }
    for (const spans of all) {
      const [root] = spans;
      expect(root?.parentSpanId).toBeUndefined();
      expect(attribute(root as never, "lifeboat.outcome")).toBe("verified");
      const ids = new Set(spans.map(({ spanId }) => spanId));
      expect(ids.size).toBe(spans.length);
      for (const { traceId, spanId, parentSpanId, startTimeUnixNano, endTimeUnixNano } of spans) {
        expect([traceId, spanId]).toEqual([
          expect.stringMatching(/^[0-9a-f]{32}$/),
          expect.stringMatching(/^[0-9a-f]{16}$/),
        ]);
        expect(traceId).toBe(root?.traceId);
        if (parentSpanId !== undefined) expect(ids.has(parentSpanId)).toBe(true);
        expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
        expect(BigInt(startTimeUnixNano) >= BigInt(root?.startTimeUnixNano ?? 0)).toBe(true);
      }
    }
  });

  test("is the same bytes no matter who makes it, and nothing before the run has ended", () => {
    expect(JSON.stringify(timelines.flatMap((_, index) => traced(index)))).toBe(JSON.stringify(all));
    const { state, events } = recorded(0);
    const [run] = [...state.runs.values()];
    const own = events.filter(({ run: id, type }) => id === run?.id && type !== "run.verified");
    expect(traceOf({ system: "practice", incident: state.id, run: run as never, events: own })).toEqual([]);
  });

  test("says of what failed the code, and no word of a person or a target", () => {
    const { state, events } = recorded(0);
    const [run] = [...state.runs.values()];
    const own = events.filter(({ run: id }) => id === run?.id);
    const failed = own.map((one) =>
      one.type === "run.verified"
        ? { ...one, type: "run.failed", data: { problem: { code: "step-failed", what: "it said KAN4RI" } } }
        : one,
    ) as readonly StoredEvent[];
    const [root] = traceOf({ system: "practice", incident: state.id, run: run as never, events: failed });
    expect(root?.status).toEqual({ code: 2, message: "step-failed" });
    const text = JSON.stringify([all, root]);
    expect(text).not.toContain("KAN4RI");
    for (const [index] of timelines.entries()) {
      const { state: night, events: happened } = recorded(index);
      expect(text).not.toContain(night.declared?.title as string);
      for (const { actor } of happened)
        if ((actor as { kind: string }).kind === "person") expect(text).not.toContain((actor as { name: string }).name);
    }
  });
});

describe("an event as a record", () => {
  const { state, events } = recorded(2);

  test("has a stable code, an id of its own, and nothing that someone wrote", () => {
    const records = events.map((event) => recordOf(event, state));
    expect(new Set(records.map(({ id }) => id)).size).toBe(events.length);
    const text = JSON.stringify(records);
    expect(text).not.toContain(state.declared?.title as string);
    for (const event of events) {
      const { reason, says, text: words } = (event.data ?? {}) as Record<string, unknown>;
      for (const written of [reason, says, words])
        if (typeof written === "string" && written.length > 8)
          expect(text).not.toContain(JSON.stringify(written).slice(1, -1));
    }
    for (const { type } of records) expect(type).toMatch(/^lifeboat\.[a-z-]+(\.[a-z_]+)+$/);
  });

  test.each([
    [{ events: ["*"] }, true],
    [{ events: ["run.*"] }, true],
    [{ events: ["run.requested"] }, true],
    [{ events: ["runbook.*", "gate.*"] }, false],
    [{ systems: ["another"] }, false],
    [{ atLeast: "high" as const }, false],
  ])("is wanted by %j: %s", (wants, is) => {
    const event = events.find(({ type }) => type === "run.requested") as StoredEvent;
    const usual = { events: ["*"], atLeast: "info" as const, drills: true };
    expect(matches({ ...usual, ...wants }, event.type, recordOf(event, state).data)).toBe(is);
  });
});

test("what is posted is signed as Standard Webhooks has it, by both secrets while one is changed", () => {
  // The example of the specification's own libraries.
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const at = new Date(1614265330 * 1000);
  const body = '{"test": 2432232314}';
  const headers = signedHeaders("msg_p5jXN8AQM9LWM0D4loKWxJek", body, [secret, "the-secret-before-it"], at);
  const old = createHmac("sha256", "the-secret-before-it").update(`msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.${body}`);
  expect(headers).toEqual({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": `v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,${old.digest("base64")}`,
  });
});

const ENVIRONMENT = {
  SIEM: "a-long-enough-secret",
  SHORT: "fifteen-letters",
  EMPTY_KEY: "whsec_!!!!!!!!!!!!!!!!",
  TINY_KEY: `whsec_${Buffer.alloc(12).toString("base64")}`,
  HUGE_KEY: `whsec_${Buffer.alloc(65).toString("base64")}`,
};

describe("the file of receivers", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-webhooks-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const read = async (text: string, environment = ENVIRONMENT) => {
    const file = join(folder, "webhooks.yml");
    await writeFile(file, text);
    return readReceivers(file, environment);
  };

  test("a receiver, with everything for what is left out", async () => {
    expect(await read("- { name: siem, url: 'https://siem.example/hook', secretFrom: SIEM }")).toEqual([
      {
        name: "siem",
        url: "https://siem.example/hook",
        secrets: ["a-long-enough-secret"],
        wants: { events: ["*"], atLeast: "info", drills: true },
      },
    ]);
  });

  test.each([
    ["- { name: siem, url: 'https://a.example', secretFrom: NOWHERE }", /NOWHERE is not in the environment/],
    ["- { name: siem, url: 'https://a.example', secretFrom: SHORT }", /SHORT is shorter than 16 characters/],
    ["- { name: siem, url: 'https://a.example', secretFrom: EMPTY_KEY }", /EMPTY_KEY begins with whsec_ .* not base64/],
    ["- { name: siem, url: 'https://a.example', secretFrom: [SIEM, TINY_KEY] }", /TINY_KEY .* 12 bytes/],
    ["- { name: siem, url: 'https://a.example', secretFrom: HUGE_KEY }", /HUGE_KEY .* 65 bytes/],
    ["- { name: siem, url: 'ftp://a.example', secretFrom: SIEM }", /0\.url/],
    ["- { name: siem, url: 'https://a.example', secretFrom: SIEM, secret: abc }", /secret/],
    ["- { name: siem, url: 'https://a.example', secretFrom: SIEM, events: ['run'] , colour: red }", /colour/],
    ["- &a { name: siem, url: 'https://a.example', secretFrom: SIEM }\n- *a", /two receivers/],
    ["nothing: here", /the file/],
  ])("%s is refused", async (text, says) => {
    await expect(read(text)).rejects.toThrow(says);
  });
});

describe("the usual variables", () => {
  test.each([
    [{}, null],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318/" }, "http://c:4318/v1/traces"],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c/t", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, "http://c/t"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_SDK_DISABLED: "TRUE" }, null],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_TRACES_EXPORTER: "none" }, null],
  ])("%j", (given, url) => {
    expect(otelSettings(given)?.url ?? null).toBe(url);
  });

  test("who it is, by name and attributes, and what goes with every request", () => {
    expect(
      otelSettings({
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20abc, x-team = dr,broken,=no",
        OTEL_RESOURCE_ATTRIBUTES: "service.name=before,deployment.environment=prod",
        OTEL_SERVICE_NAME: "rescue",
        OTEL_EXPORTER_OTLP_TIMEOUT: "2500",
      }),
    ).toMatchObject({
      headers: { authorization: "Bearer abc" },
      resource: { "service.name": "rescue", "deployment.environment": "prod" },
      seconds: 2.5,
    });
  });

  test("gRPC is refused, and so is what is no address", () => {
    expect(otelProblem({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toMatch(
      /4318/,
    );
    expect(otelProblem({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector" })).toMatch(/http/);
    expect(otelProblem({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toBeNull();
  });
});
