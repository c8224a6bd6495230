import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { App } from "@slack/bolt";
import fc from "fast-check";
import { handleReaders } from "../../practice/mail/handle.ts";
import { handlePager } from "../../practice/pagerduty/handle.ts";
import { createWorkspace } from "../../practice/slack/index.ts";
import { handleEnvironment } from "../../practice/systems/practice/handle.ts";
import { alertRoutes } from "../../src/alerts/routes.ts";
import { openPage } from "../../src/comms/page/serve.ts";
import { serveHealth } from "../../src/health.ts";
import { createHttpAddresses } from "../../src/http/addresses.ts";
import { serveWebhooks } from "../../src/http/webhooks.ts";
import { requestUrl } from "../../src/lib/request-url.ts";
import { pagerdutyRoute } from "../../src/paging/webhook/route.ts";
import { HttpReceiver } from "../../src/slack/http-receiver.ts";
import { quiet } from "../support/postgres.ts";

/**
 * Whatever is sent to it, a server answers or hangs up, and answers the next one. What a listener throws, or leaves rejected, ends the
 * process: Jest fails on both, and the next request tells whether it lives.
 */
const servers = new Map<string, number>();
const closing: (() => Promise<unknown>)[] = [];

async function served(name: string, listener: RequestListener): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((open) => server.listen(0, "127.0.0.1", open));
  servers.set(name, (server.address() as AddressInfo).port);
  closing.push(() => new Promise((closed) => server.close(closed).closeAllConnections()));
}

const rejected: unknown[] = [];
const note = (error: unknown) => rejected.push(error);

beforeAll(async () => {
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  const slack = new HttpReceiver({ signingSecrets: ["a-signing-secret"], port: 0, host: "::1", log: quiet });
  slack.init({ processEvent: async () => {} } as unknown as App);
  await slack.start();
  servers.set("Slack's deliveries", slack.port);
  closing.push(() => slack.stop());
  const checks = { ready: async () => ({ ok: true, says: "yes" }) };
  const health = await serveHealth(createHttpAddresses(quiet), { host: "127.0.0.1", port: 0 }, checks);
  servers.set("health", health.port);
  closing.push(() => health.close());
  const secrets = ["a secret of sixteen"];
  const kept = { inbox: { receive: async () => true }, received: () => {}, log: quiet };
  const alerts = alertRoutes({
    ...kept,
    config: {
      alertmanager: secrets,
      grafana: secrets,
      generic: secrets,
      cloudwatch: ["arn:aws:sns:eu-west-1:123456789012:a"],
    },
    tally: { add: async () => 1 },
    certificate: () => Promise.reject(new Error("nothing is fetched here")),
    now: () => new Date(),
    realNow: () => new Date(),
  });
  const routes = [pagerdutyRoute({ ...kept, secrets }), ...alerts];
  const hooks = await serveWebhooks({ port: 0, host: "127.0.0.1", routes, log: quiet });
  servers.set("webhooks", hooks.port);
  closing.push(() => hooks.close());
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-page-"));
  const page = await openPage({ folder, address: { host: "127.0.0.1", port: 0 }, log: quiet });
  servers.set("status page", page.port as number);
  closing.push(() => page.close().finally(() => rm(folder, { recursive: true, force: true })));
  const workspace = await createWorkspace();
  servers.set("practice workspace", Number(new URL(workspace.url).port));
  closing.push(() => workspace.close());
  const nothing = {} as never;
  const behind = { log: quiet, observer: nothing, hostsToken: "x" } as never;
  await served("practice environment", (request, response) => {
    if (!handleEnvironment(nothing, behind, request, response)) response.writeHead(404).end();
  });
  await served("practice pager", (request, response) => {
    if (!handlePager(behind, request, response)) response.writeHead(404).end();
  });
  await served("practice comms", (request, response) => {
    if (!handleReaders(behind, request, response)) response.writeHead(404).end();
  });
}, 60_000);
afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
});

const NAMES = [
  ...["Slack's deliveries", "health", "webhooks", "status page"],
  ...["practice workspace", "practice environment", "practice pager", "practice comms"],
];

/** The first line of the answer, or nothing where the server hung up. */
async function raw(name: string, bytes: string): Promise<string> {
  const host = name === "Slack's deliveries" ? "::1" : "127.0.0.1";
  const socket = connect(servers.get(name) as number, host);
  socket.setTimeout(5000, () => socket.destroy());
  socket.end(bytes, "latin1");
  let answer = "";
  try {
    for await (const part of socket) answer += part;
  } catch {
    // Hung up in the middle: that is an answer too.
  }
  return answer.split("\r\n", 1)[0] ?? "";
}

const request = (method: string, target: string, headers = "", body = "") =>
  `${method} ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;

const STRANGE = [
  ...[
    "//",
    "///",
    "//evil.example/",
    "//[",
    "//:0",
    "/\\",
    "/%",
    "/%00",
    "/%ff%fe",
    "/?",
    "/#",
    "*",
    "http://",
    "http://[",
  ],
  ...[
    "http://evil.example:99999/",
    "/../../etc/passwd",
    "/environment//",
    "//environment/",
    "/__proto__",
    "/constructor",
    "/live//",
  ],
  `/${"a".repeat(7000)}`,
];

describe.each(NAMES)("%s", (name) => {
  test("lives on after every malformed address", async () => {
    for (const target of STRANGE)
      for (const method of ["GET", "POST", "OPTIONS", "CONNECT"]) await raw(name, request(method, target));
    expect(await raw(name, request("GET", "/"))).toMatch(/^HTTP\/1\.1 \d{3}/);
    expect(rejected).toEqual([]);
  }, 30_000);

  test("lives on after anything at all", async () => {
    const bytes = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc
        .tuple(
          fc.constantFrom("GET", "POST", "PUT", "HEAD", "BREW"),
          fc.string({ unit: "grapheme-ascii", maxLength: 60 }),
          fc.constantFrom(
            "",
            "transfer-encoding: chunked\r\n",
            "content-type: application/json\r\n",
            "expect: 100-continue\r\n",
          ),
          fc.constantFrom("", "null", "{", "payload=null", "[]"),
        )
        .map(([method, target, headers, body]) => request(method, `/${target.replace(/\s/g, "")}`, headers, body)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (given) => {
        await raw(name, given);
      }),
      { numRuns: 40 },
    );
    expect(await raw(name, request("GET", "/"))).toMatch(/^HTTP\/1\.1 \d{3}/);
    expect(rejected).toEqual([]);
  }, 60_000);
});

test("the address of a request is read without ever throwing", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (url) => requestUrl({ url }).hostname === "localhost"));
  for (const url of [...STRANGE, undefined]) expect(requestUrl({ url }).host).toBe("localhost");
});
