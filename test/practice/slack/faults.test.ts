import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { WebClient, WebClientEvent } from "@slack/web-api";
import { createWorkspace, type Workspace } from "../../../practice/slack/index.ts";
import { startBot } from "./fixtures/bot.ts";
import { quiet } from "./fixtures/quiet.ts";

// What these tests show is no bot of ours: it is not recorded for the validators.
delete process.env.LIFEBOAT_SLACK_RECORDING;

let workspace: Workspace;
const stops: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  workspace = await createWorkspace();
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await workspace.close();
});

async function bot() {
  const started = await startBot(workspace);
  stops.push(() => started.stop());
  return started;
}

function client(token = workspace.environment().SLACK_BOT_TOKEN) {
  return new WebClient(token, {
    logger: quiet,
    slackApiUrl: workspace.environment().SLACK_API_URL,
    retryConfig: { retries: 0 },
  });
}

describe("connections", () => {
  test("each envelope goes to exactly one of two, in turn", async () => {
    const [one, two] = [await bot(), await bot()];
    expect(workspace.connections()).toHaveLength(2);
    for (const word of ["a", "b", "c", "d"]) await workspace.as("UALEX").slash(`/dr ${word}`);
    expect([one.heard.length, two.heard.length]).toEqual([2, 2]);
    expect([...one.heard, ...two.heard].sort()).toEqual(["a", "b", "c", "d"]);
  });

  test("no one connected: the person is told the app could not be reached", async () => {
    expect(await workspace.as("UALEX").slash("/dr status")).toMatchObject({ ok: false, error: "dispatch_failed" });
  });

  test.each(["refresh", "drop"])(
    "after %s the bot connects again and is heard again",
    async (fault) => {
      const { heard } = await bot();
      const first = workspace.connections()[0]?.name;
      workspace.faults(fault);
      await until(() => {
        const now = workspace.connections()[0]?.name;
        return now !== undefined && now !== first;
      });
      await workspace.as("UALEX").slash("/dr status");
      expect(heard).toEqual(["status"]);
    },
    20_000,
  );

  test("a frozen connection swallows what it is given, and the person sees a timeout", async () => {
    await bot();
    workspace.faults("freeze", { seconds: 4 });
    expect(await workspace.as("UALEX").slash("/dr status")).toMatchObject({ error: "operation_timeout" });
  });

  test("a duplicated envelope is heard twice", async () => {
    const { heard } = await bot();
    workspace.faults("duplicate");
    await workspace.as("UALEX").slash("/dr status");
    await until(() => heard.length === 2);
  });

  test("an envelope that comes late is acknowledged too late", async () => {
    await bot();
    workspace.faults("delayEnvelopes", { seconds: 3.1 });
    expect(await workspace.as("UALEX").slash("/dr status")).toMatchObject({ error: "operation_timeout" });
  });
});

describe("the Web API under strain", () => {
  test("429 with Retry-After, for one method or all", async () => {
    workspace.faults("rateLimit", { seconds: 7, method: "chat.postMessage" });
    const web = client();
    const told: number[] = [];
    web.on(WebClientEvent.RATE_LIMITED, (seconds) => told.push(seconds));
    await expect(web.auth.test()).resolves.toMatchObject({ ok: true });
    const response = await raw("chat.postMessage");
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "7"]);
    workspace.faults("calm");
    expect((await raw("auth.test")).status).toBe(200);
    expect(told).toEqual([]);
  });

  test("503, then well again", async () => {
    workspace.faults("unavailable", { seconds: 60 });
    expect((await raw("auth.test")).status).toBe(503);
    workspace.faults("calm");
    expect((await raw("auth.test")).status).toBe(200);
  });

  test("accepted and lost: ok is answered, no one sees it", async () => {
    workspace.faults("losePosts");
    const lost = await client().chat.postMessage({ channel: "CINCIDENT", text: "lost" });
    const kept = await client().chat.postMessage({ channel: "CINCIDENT", text: "kept" });
    expect([lost.ok, kept.ok]).toEqual([true, true]);
    expect((await workspace.as("UALEX").messages()).map((one) => one.text)).toEqual(["kept"]);
  });

  test("done, but the answer is cut off", async () => {
    workspace.faults("loseReplies");
    await expect(client().chat.postMessage({ channel: "CINCIDENT", text: "once" })).rejects.toThrow();
    expect((await workspace.as("UALEX").messages()).map((one) => one.text)).toEqual(["once"]);
  });

  test("a revoked token is refused until it is restored", async () => {
    workspace.faults("revoke");
    await expect(client().auth.test()).rejects.toMatchObject({ data: { error: "token_revoked" } });
    workspace.faults("restore");
    await expect(client().auth.test()).resolves.toMatchObject({ user_id: "ULIFEBOAT", bot_id: "BLIFEBOAT" });
  });

  test("rate tiers, once they are on", async () => {
    workspace.faults("tiers");
    const statuses: number[] = [];
    for (let i = 0; i < 21; i++) statuses.push((await raw("conversations.list")).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.at(-1)).toBe(429);
  });

  test("what an admin's setting refuses, by its method, with Slack's word for it", async () => {
    workspace.faults("refuse");
    workspace.faults("refuse", { method: "pins.add", error: "not_pinnable" });
    await expect(client().conversations.create({ name: "inc" })).rejects.toMatchObject({
      data: { error: "restricted_action" },
    });
    await expect(client().pins.add({ channel: "CINCIDENT", timestamp: "1" })).rejects.toMatchObject({
      data: { error: "not_pinnable" },
    });
    workspace.faults("calm");
    await expect(client().conversations.create({ name: "inc" })).resolves.toMatchObject({ ok: true });
  });

  test("who was deactivated can be looked up, and neither written to nor invited", async () => {
    const { channel } = await client().conversations.open({ users: "UDANA" });
    workspace.faults("deactivate", { user: "UDANA" });
    await expect(client().users.info({ user: "UDANA" })).resolves.toMatchObject({ user: { deleted: true } });
    for (const call of [
      () => client().conversations.open({ users: "UDANA" }),
      () => client().chat.postMessage({ channel: channel?.id ?? "", text: "Decide?" }),
    ])
      await expect(call()).rejects.toMatchObject({ data: { error: "user_disabled" } });
  });

  test("two people's direct messages and others' private channels are not there for the app", async () => {
    const alex = workspace.as("UALEX");
    for (const channel of [await alex.open(["USAM"]), await alex.open(["USAM"], "war-room")]) {
      await expect(client().chat.postMessage({ channel, text: "P0" })).rejects.toMatchObject({
        data: { error: "channel_not_found" },
      });
      await expect(client().conversations.info({ channel })).rejects.toMatchObject({
        data: { error: "channel_not_found" },
      });
    }
  });

  test("Slack says in the channel who made it, who was added and what its topic is now", async () => {
    const { channel } = await client().conversations.create({ name: "inc-1" });
    await client().conversations.invite({ channel: channel?.id ?? "", users: "UALEX" });
    for (const topic of ["P1", "P1", "P2"])
      await client().conversations.setTopic({ channel: channel?.id ?? "", topic });
    const { messages } = await client().conversations.history({ channel: channel?.id ?? "" });
    expect(messages?.reverse().map(({ subtype, text }) => [subtype, text])).toEqual([
      ["channel_join", "joined #inc-1"],
      ["channel_join", "was added by <@ULIFEBOAT>"],
      ["channel_topic", "set the channel topic: P1"],
      ["channel_topic", "set the channel topic: P2"],
    ]);
  });

  test("an unknown fault names those there are", () => {
    expect(() => workspace.faults("earthquake")).toThrow(/There is: refresh, drop/);
  });
});

test("a workspace with a snapshot is the same after a restart, tokens too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lifeboat-workspace-"));
  stops.push(async () => rmSync(folder, { recursive: true }));
  const snapshot = join(folder, "workspace.json");
  const first = await createWorkspace({ snapshot });
  await first.as("UALEX").say("Remember me.");
  const tokens = first.environment().SLACK_BOT_TOKEN;
  await first.close();
  expect(statSync(snapshot).mode & 0o077).toBe(0);
  const second = await createWorkspace({ snapshot });
  stops.push(() => second.close());
  expect((await second.as("USAM").messages()).map((one) => one.text)).toEqual(["Remember me."]);
  expect(second.environment().SLACK_BOT_TOKEN).toBe(tokens);
});

function raw(method: string): Promise<Response> {
  const { SLACK_API_URL, SLACK_BOT_TOKEN } = workspace.environment();
  return fetch(SLACK_API_URL + method, { method: "POST", headers: { authorization: `Bearer ${SLACK_BOT_TOKEN}` } });
}

async function until(condition: () => boolean): Promise<void> {
  const late = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > late) throw new Error("It did not come to that within 15 s.");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
