import { createHmac } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { App, ReceiverEvent } from "@slack/bolt";
import { createWorkspace } from "../../practice/slack/workspace.ts";
import { freePort } from "../../src/lib/port.ts";
import { HttpReceiver } from "../../src/slack/http-receiver.ts";
import { quiet, type TestServer, testServer, until } from "../support/postgres.ts";
import { openSlackHarness, type SlackHarness } from "../support/slack-harness.ts";
import { timers } from "./timers.ts";

const SECRET = "a-signing-secret";
const OLD_SECRET = "the-one-before-it";
let receiver: HttpReceiver;
let taken: unknown[];

beforeEach(async () => {
  taken = [];
  receiver = new HttpReceiver({ signingSecrets: [SECRET, OLD_SECRET], port: 0, host: "127.0.0.1", log: quiet });
  const app = {
    processEvent: async (event: ReceiverEvent) => {
      taken.push(event.body);
      await event.ack();
    },
  };
  receiver.init(app as unknown as App);
  await receiver.start();
});
afterEach(() => receiver.stop());

const now = () => Math.floor(Date.now() / 1000);
const body = (text = "status") =>
  new URLSearchParams({ command: "/dr", text, trigger_id: "1.2", user_id: "U1" }).toString();

function signed(text: string, at: number, secret = SECRET): Record<string, string> {
  return {
    "content-type": "application/x-www-form-urlencoded",
    "x-slack-request-timestamp": String(at),
    "x-slack-signature": `v0=${createHmac("sha256", secret).update(`v0:${at}:${text}`).digest("hex")}`,
  };
}

async function send(text: string, headers: Record<string, string>, path = "/slack/events"): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${receiver.port}${path}`, { method: "POST", headers, body: text });
  return response.status;
}

describe("a delivery over HTTP", () => {
  test("that Slack signed just now is taken", async () => {
    expect(await send(body(), signed(body(), now()))).toBe(200);
    expect(taken).toHaveLength(1);
  });

  test("that is signed with the secret before is taken while there are two", async () => {
    expect(await send(body(), signed(body(), now(), OLD_SECRET))).toBe(200);
    expect(taken).toHaveLength(1);
  });

  test.each<[string, string, string]>([
    ["null", "null", "application/json"],
    ["a number", "7", "application/json"],
    ["a list", "[1]", "application/json"],
    ["nothing", "", "application/json"],
    ["half an object", "{", "application/json"],
    ["a payload of null", "payload=null", "application/x-www-form-urlencoded"],
    ["a payload that is a list", "payload=[]", "application/x-www-form-urlencoded"],
    ["an empty payload", "payload=", "application/x-www-form-urlencoded"],
    ["two payloads", "payload={}&payload={}", "application/x-www-form-urlencoded"],
  ])("that is signed and carries %s is answered 400, and the next one is taken", async (_, text, type) => {
    expect(await send(text, { ...signed(text, now()), "content-type": type })).toBe(400);
    expect(await send(body(), signed(body(), now()))).toBe(200);
    expect(taken).toHaveLength(1);
  });

  const forms = { "content-type": "application/x-www-form-urlencoded" };
  test.each<[string, () => Record<string, string>]>([
    ["is not signed", () => forms],
    ["is signed with another secret", () => signed(body(), now(), "another")],
    ["is signed for other bytes", () => signed(`${body()}x`, now())],
    ["is six minutes old", () => signed(body(), now() - 360)],
    ["is from six minutes ahead", () => signed(body(), now() + 360)],
    ["is from an hour ahead", () => signed(body(), now() + 3600)],
    ["has no time", () => ({ ...signed(body(), now()), "x-slack-request-timestamp": "" })],
    ["has a time that is no number", () => ({ ...signed(body(), now()), "x-slack-request-timestamp": "soon" })],
    ["has half a signature", () => ({ ...signed(body(), now()), "x-slack-signature": "v0=" })],
  ])("that %s is refused", async (_, headers) => {
    expect(await send(body(), headers())).toBe(401);
    expect(taken).toEqual([]);
  });

  test("that comes twice is taken once", async () => {
    const headers = signed(body(), now());
    expect(await send(body(), headers)).toBe(200);
    expect(await send(body(), headers)).toBe(401);
    expect(taken).toHaveLength(1);
  });

  test("with a signature given twice is refused", async () => {
    const headers = new Headers(signed(body(), now()));
    headers.append("x-slack-signature", "v0=00");
    const response = await fetch(`http://127.0.0.1:${receiver.port}/slack/events`, {
      method: "POST",
      headers,
      body: body(),
    });
    expect(response.status).toBe(401);
    expect(taken).toEqual([]);
  });

  test("that asks whether TLS works smuggles nothing in", async () => {
    const smuggled = `ssl_check=1&payload=${encodeURIComponent(JSON.stringify({ type: "block_actions" }))}`;
    expect(await send(smuggled, forms)).toBe(200);
    expect(taken).toEqual([]);
  });

  test("that is refused is over: nothing waits for an acknowledgement of it", async () => {
    const before = timers();
    expect(await send(body(), signed(body(), now() + 360))).toBe(401);
    await until(() => timers() <= before, 2);
  });

  test("larger than anything Slack sends is refused unread", async () => {
    const large = body("x".repeat(1024 * 1024 + 1));
    expect(await send(large, signed(large, now()))).toBe(413);
    expect(taken).toEqual([]);
  });

  test("nested a hundred thousand deep ends nothing", async () => {
    const deep = `payload=${encodeURIComponent("[".repeat(100_000))}`;
    expect(await send(deep, signed(deep, now()))).toBe(400);
    expect(await send(body(), signed(body(), now()))).toBe(200);
  });

  test("to any other address finds nothing", async () => {
    expect(await send(body(), signed(body(), now()), "/slack/install")).toBe(404);
    expect(taken).toEqual([]);
  });
});

describe("over HTTP, with everything behind it", () => {
  let server: TestServer;
  let harness: SlackHarness;
  let port: number;
  beforeAll(async () => {
    server = await testServer();
    port = await freePort();
    const workspace = await createWorkspace({
      manifestFile: "manifest.yml",
      deliver: { url: `http://127.0.0.1:${port}/slack/events`, signingSecret: SECRET },
    });
    const transport = { kind: "http", signingSecrets: [SECRET], port, host: "127.0.0.1" } as const;
    harness = await openSlackHarness(server, { workspace, config: { transport } });
  });
  afterAll(async () => {
    await harness.close();
    await harness.workspace.close();
    await server.close();
  });

  const ours = { team: { id: "TPRACTICE" }, user: { id: "UALEX" }, api_app_id: "ALIFEBOAT", token: "t" };
  const view = {
    id: "V1",
    type: "modal",
    callback_id: "declare",
    private_metadata: "",
    state: { values: {} },
    blocks: [],
  };
  const place = { container: { type: "view", view_id: "V1" }, view };
  const unknown = { action_id: "a", block_id: "b", value: "or", ...place };
  const posted = async (payload: object, json = false) => {
    const text = json ? JSON.stringify(payload) : new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const type = json ? "application/json" : "application/x-www-form-urlencoded";
    const response = await fetch(`http://127.0.0.1:${port}/slack/events`, {
      method: "POST",
      headers: { ...signed(text, now()), "content-type": type },
      body: text,
    });
    // What no one acknowledges is answered 404, after 3 s.
    return [response.status, await response.text()];
  };

  test("what people type is answered", async () => {
    await harness.workspace.as("UALEX").slash("/dr status");
    await harness.workspace.as("UALEX").waitForMessage(({ text }) => text === "You asked: status");
  });

  test.each<[string, object, boolean, [number, string]]>([
    ["a closed form", { type: "view_closed", ...ours, view, is_cleared: false }, false, [200, ""]],
    ["a menu that asks for options", { type: "block_suggestion", ...ours, ...unknown }, false, [200, '{"options":[]}']],
    ["a kind that is not known yet", { type: "workflow_dream", ...ours }, false, [200, ""]],
    [
      "too many events",
      { type: "app_rate_limited", ...ours, team_id: "TPRACTICE", minute_rate_limited: 1 },
      true,
      [200, ""],
    ],
    ["a shortcut nobody has", { type: "shortcut", callback_id: "gone", trigger_id: "1.2", ...ours }, false, [500, ""]],
  ])("%s is answered at once", async (_, payload, json, expected) => {
    expect(await posted(payload, json)).toEqual(expected);
  });
});

test("too many events are told of", async () => {
  let told = 0;
  const limited = new HttpReceiver({
    ...{ signingSecrets: [SECRET], port: 0, host: "127.0.0.1", log: quiet },
    onRateLimited: () => {
      told += 1;
    },
  });
  limited.init({ processEvent: async () => {} } as unknown as App);
  await limited.start();
  const text = JSON.stringify({ type: "app_rate_limited", team_id: "T1", minute_rate_limited: 1 });
  const response = await fetch(`http://127.0.0.1:${limited.port}/slack/events`, {
    method: "POST",
    headers: { ...signed(text, now()), "content-type": "application/json" },
    body: text,
  });
  await limited.stop();
  expect([response.status, told]).toEqual([200, 1]);
});
