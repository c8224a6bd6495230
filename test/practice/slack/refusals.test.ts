import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { WebClient } from "@slack/web-api";
import { createWorkspace, type Workspace } from "../../../practice/slack/index.ts";
import { approval, form } from "./fixtures/bot.ts";
import { quiet } from "./fixtures/quiet.ts";

// What these tests show is no bot of ours: it is not recorded for the validators.
delete process.env.LIFEBOAT_SLACK_RECORDING;

let workspace: Workspace;
let web: WebClient;
let now = Date.now();

beforeAll(async () => {
  workspace = await createWorkspace({ now: () => now });
  web = client(workspace.environment().SLACK_BOT_TOKEN);
});
afterAll(() => workspace.close());
beforeEach(() => {
  now += 1000;
});

function client(token: string | undefined, of = workspace): WebClient {
  return new WebClient(token, {
    logger: quiet,
    slackApiUrl: of.environment().SLACK_API_URL,
    retryConfig: { retries: 0 },
  });
}

/** Slack's error word for a call. */
async function errorOf(method: string, args: Record<string, unknown> = {}, by = web): Promise<string> {
  try {
    await by.apiCall(method, args);
    return "ok";
  } catch (error) {
    return (error as { data: { error: string } }).data.error;
  }
}

const section = (text: string) => ({ type: "section", text: { type: "mrkdwn", text } });

describe("who may call", () => {
  test.each([
    [undefined, "auth.test", "not_authed"],
    ["xoxb-somebody-else", "auth.test", "invalid_auth"],
    ["app", "auth.test", "not_allowed_token_type"],
    ["bot", "apps.connections.open", "not_allowed_token_type"],
    ["bot", "chat.meMessage", "unknown_method"],
  ])("token %s calling %s: %s", async (which, method, error) => {
    const env = workspace.environment();
    const token = which === "app" ? env.SLACK_APP_TOKEN : which === "bot" ? env.SLACK_BOT_TOKEN : which;
    expect(await errorOf(method, {}, client(token))).toBe(error);
  });

  test("the manifest's scopes are kept to", async () => {
    const manifest = { oauth_config: { scopes: { bot: ["chat:write", "channels:read"] } } };
    const strict = await createWorkspace({ manifest });
    try {
      const by = client(strict.environment().SLACK_BOT_TOKEN, strict);
      expect(await errorOf("chat.postMessage", { channel: "CINCIDENT", text: "x" }, by)).toBe("ok");
      await expect(by.conversations.create({ name: "x" })).rejects.toMatchObject({
        data: { error: "missing_scope", needed: "channels:manage", provided: "chat:write,channels:read" },
      });
      expect(await strict.as("UALEX").slash("/dr status")).toMatchObject({ error: "unknown_command" });
    } finally {
      await strict.close();
    }
  });
});

describe("messages and channels", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["chat.postMessage", { channel: "CNOWHERE", text: "x" }, "channel_not_found"],
    ["chat.postMessage", { channel: "CGENERAL", text: "x" }, "not_in_channel"],
    ["chat.postMessage", { channel: "CINCIDENT" }, "no_text"],
    ["chat.postMessage", { channel: "CINCIDENT", text: "x", thread_ts: "1.1" }, "thread_not_found"],
    ["chat.postMessage", { channel: "CINCIDENT", text: "x", blocks: "[" }, "invalid_blocks_format"],
    [
      "chat.postMessage",
      { channel: "CINCIDENT", text: "x", blocks: Array(51).fill({ type: "divider" }) },
      "invalid_blocks",
    ],
    [
      "chat.postMessage",
      { channel: "CINCIDENT", text: "x", blocks: Array(5).fill(section("x".repeat(3000))) },
      "msg_blocks_too_long",
    ],
    [
      "chat.postMessage",
      { channel: "CINCIDENT", text: "x", metadata: { event_type: "a", event_payload: { b: "x".repeat(3000) } } },
      "metadata_too_large",
    ],
    ["chat.postEphemeral", { channel: "CINCIDENT", text: "x", user: "UODA" }, "user_not_in_channel"],
    ["chat.update", { channel: "CINCIDENT", ts: "1.1", text: "x" }, "message_not_found"],
    ["conversations.create", { name: "general" }, "name_taken"],
    ["conversations.create", { name: "Incident 1" }, "invalid_name_specials"],
    ["conversations.create", { name: "x".repeat(81) }, "invalid_name_maxlength"],
    ["conversations.setTopic", { channel: "CINCIDENT", topic: "x".repeat(251) }, "too_long"],
    ["conversations.invite", { channel: "CINCIDENT", users: "UNOBODY" }, "user_not_found"],
    ["conversations.invite", { channel: "CINCIDENT", users: "UALEX" }, "already_in_channel"],
    ["conversations.invite", { channel: "CINCIDENT", users: "UDEE" }, "cant_invite"],
    ["users.info", { user: "UNOBODY" }, "user_not_found"],
    [
      "bookmarks.add",
      { channel_id: "CINCIDENT", type: "link", title: "x", link: "javascript:alert(1)" },
      "invalid_link",
    ],
    ["views.open", { trigger_id: "made-up", view: form("x") }, "invalid_trigger_id"],
    [
      "views.open",
      { trigger_id: "made-up", view: { ...form("x"), private_metadata: "x".repeat(260_000) } },
      "view_too_large",
    ],
    ["files.completeUploadExternal", { files: [{ id: "F1" }] }, "file_not_found"],
  ])("%s %j: %s", async (method, args, error) => {
    expect(await errorOf(method, args)).toBe(error);
  });

  test("an edit is shorter than a post may be; a long post is cut off", async () => {
    const long = "x".repeat(41_000);
    const posted = await web.chat.postMessage({ channel: "CINCIDENT", text: long });
    expect(posted.message?.text).toHaveLength(40_000);
    const args = { channel: "CINCIDENT", ts: posted.ts };
    expect(await errorOf("chat.update", { ...args, text: "x".repeat(4001) })).toBe("msg_too_long");
    expect(await errorOf("chat.update", { ...args, text: "x".repeat(4000) })).toBe("ok");
  });

  test("channel setup: pin once, bookmark, react once, rename, archive", async () => {
    const created = await web.conversations.create({ name: "inc-furniture" });
    const channel = created.channel?.id as string;
    const { ts } = await web.chat.postMessage({ channel, text: "card" });
    const at = { channel, timestamp: ts as string };
    expect(await errorOf("pins.add", at)).toBe("ok");
    expect(await errorOf("pins.add", at)).toBe("already_pinned");
    expect((await web.pins.list({ channel })).items).toHaveLength(1);
    const mark = await web.bookmarks.add({
      channel_id: channel,
      type: "link",
      title: "Runbook",
      link: "https://example.com",
    });
    await web.bookmarks.edit({ channel_id: channel, bookmark_id: mark.bookmark?.id as string, title: "The runbook" });
    expect((await web.bookmarks.list({ channel_id: channel })).bookmarks?.map((one) => one.title)).toEqual([
      "The runbook",
    ]);
    await web.bookmarks.remove({ channel_id: channel, bookmark_id: mark.bookmark?.id as string });
    expect((await web.bookmarks.list({ channel_id: channel })).bookmarks).toEqual([]);
    expect(await errorOf("reactions.add", { ...at, name: "eyes" })).toBe("ok");
    expect(await errorOf("reactions.add", { ...at, name: "eyes" })).toBe("already_reacted");
    expect(await errorOf("pins.remove", at)).toBe("ok");
    await web.conversations.rename({ channel, name: "inc-renamed" });
    await web.conversations.archive({ channel });
    expect(await errorOf("chat.postMessage", { channel, text: "x" })).toBe("is_archived");
    expect((await web.conversations.info({ channel })).channel).toMatchObject({
      name: "inc-renamed",
      is_archived: true,
    });
  });

  test("history and replies page, and give metadata only when asked", async () => {
    const channel = (await web.conversations.create({ name: "inc-history" })).channel?.id as string;
    const metadata = { event_type: "outbox", event_payload: { id: 7 } };
    const { ts } = await web.chat.postMessage({ channel, text: "root", metadata });
    for (const text of ["one", "two", "three"]) await web.chat.postMessage({ channel, text, thread_ts: ts as string });
    const texts: (string | undefined)[] = [];
    for await (const page of web.paginate("conversations.replies", { channel, ts, limit: 2 }))
      texts.push(...((page as { messages?: { text?: string }[] }).messages ?? []).map((one) => one.text));
    expect(texts).toEqual(["root", "one", "two", "three"]);
    const plain = await web.conversations.history({ channel });
    const said = plain.messages?.filter(({ subtype }) => subtype === undefined);
    expect(said?.map((one) => [one.text, one.metadata])).toEqual([["root", undefined]]);
    const full = await web.conversations.history({ channel, include_all_metadata: true });
    expect(full.messages?.[0]?.metadata).toEqual(metadata);
  });

  test("people are what an approval has to know of them", async () => {
    const about = async (user: string) => (await web.users.info({ user })).user;
    expect(await about("UGIL")).toMatchObject({ is_restricted: true, team_id: "TPRACTICE" });
    expect(await about("UODA")).toMatchObject({ is_stranger: true, team_id: "TOTHER" });
    expect(await about("UDEE")).toMatchObject({ deleted: true });
    expect(await about("ULIFEBOAT")).toMatchObject({ is_bot: true });
    expect((await web.conversations.info({ channel: "CSHARED" })).channel).toMatchObject({ is_ext_shared: true });
  });
});

describe("Block Kit is checked as Slack checks it", () => {
  const button = { type: "button", action_id: "a", text: { type: "plain_text", text: "Go" } };
  const actions = (...elements: unknown[]) => [{ type: "actions", elements }];

  test.each<[string, unknown[], string]>([
    ["unknown type", [{ type: "sections" }], "[ERROR] unsupported type: sections [json-pointer:/blocks/0/type]"],
    ["empty text", [section("")], "[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]"],
    [
      "long text",
      [section("x".repeat(3001))],
      "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ],
    [
      "long header",
      [{ type: "header", text: { type: "plain_text", text: "x".repeat(151) } }],
      "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ],
    [
      "mrkdwn header",
      [{ type: "header", text: { type: "mrkdwn", text: "x" } }],
      "[ERROR] unsupported type: mrkdwn, allowed: plain_text [json-pointer:/blocks/0/text/type]",
    ],
    [
      "long button",
      actions({ ...button, text: { type: "plain_text", text: "x".repeat(76) } }),
      "[ERROR] must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ],
    [
      "long value",
      actions({ ...button, value: "x".repeat(2001) }),
      "[ERROR] must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ],
    [
      "too many buttons",
      actions(...Array.from({ length: 26 }, (_, i) => ({ ...button, action_id: `a${i}` }))),
      "[ERROR] no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ],
    [
      "an input among buttons",
      actions({ type: "plain_text_input" }),
      "[ERROR] unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
    ],
    ["same action twice", actions(button, button), "[ERROR] action_id `a` already exists [json-pointer:/blocks/0]"],
    [
      "same block twice",
      [
        { type: "divider", block_id: "d" },
        { type: "divider", block_id: "d" },
      ],
      "[ERROR] block_id `d` already exists [json-pointer:/blocks/1]",
    ],
    [
      "a made-up field",
      [{ type: "divider", colour: "red" }],
      '[ERROR] additional property "colour" is not allowed [json-pointer:/blocks/0]',
    ],
    [
      "nothing in a section",
      [{ type: "section" }],
      "[ERROR] missing required field: text or fields [json-pointer:/blocks/0]",
    ],
    [
      "a select without options",
      actions({ type: "static_select", action_id: "s" }),
      "[ERROR] must provide exactly one of options, option_groups [json-pointer:/blocks/0/elements/0]",
    ],
  ])("%s", async (_name, blocks, message) => {
    const answer = await fetch(`${workspace.url}/api/blocks.validate`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ blocks }),
    });
    expect(await answer.json()).toEqual({
      ok: false,
      error: "invalid_blocks",
      response_metadata: { messages: [message] },
    });
  });

  test("what Slack takes is taken", async () => {
    expect(await errorOf("blocks.validate", { blocks: approval("database") })).toBe("ok");
  });
});

describe("views", () => {
  test("a trigger is good once, for three seconds, and for three modals on top of each other", async () => {
    const trigger = () => triggerOf("UALEX");
    const late = await trigger();
    now += 3001;
    expect(await errorOf("views.open", { trigger_id: late, view: form("x") })).toBe("expired_trigger_id");
    const good = await trigger();
    expect(await errorOf("views.open", { trigger_id: good, view: form("1") })).toBe("ok");
    expect(await errorOf("views.open", { trigger_id: good, view: form("1") })).toBe("exchanged_trigger_id");
    expect(await errorOf("views.push", { trigger_id: await trigger(), view: form("2") })).toBe("ok");
    expect(await errorOf("views.push", { trigger_id: await trigger(), view: form("3") })).toBe("ok");
    expect(await errorOf("views.push", { trigger_id: await trigger(), view: form("4") })).toBe("push_limit_reached");
  });

  test("an update with an old hash is refused", async () => {
    const opened = await web.views.open({ trigger_id: await triggerOf("USAM"), view: form("1") });
    const { id, hash } = opened.view as { id: string; hash: string };
    expect(await errorOf("views.update", { view_id: id, hash, view: form("2") })).toBe("ok");
    expect(await errorOf("views.update", { view_id: id, hash, view: form("3") })).toBe("hash_conflict");
  });

  test("a response_url is good five times, for thirty minutes", async () => {
    const answer = async (url: string) =>
      (await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: '{"text":"x"}' }))
        .status;
    const url = await payloadOf("UALEX").then((payload) => payload.response_url as string);
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push(await answer(url));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 404]);
    const old = await payloadOf("UALEX").then((payload) => payload.response_url as string);
    now += 30 * 60_000 + 1;
    expect(await answer(old)).toBe(404);
  });
});

test("slash commands do not work in threads, and say so", async () => {
  const answer = await fetch(`${workspace.url}/control/as/UALEX`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ do: "slash", text: "/dr status", channel: "CINCIDENT", thread: "1.1" }),
  });
  expect(await answer.json()).toEqual({
    ok: false,
    error: "not_in_threads",
    said: "/dr is not supported in threads. Sorry!",
  });
});

/** The payload of a command no one hears: it carries a fresh trigger_id and response_url. */
async function payloadOf(user: string): Promise<Record<string, unknown>> {
  await workspace.as(user).slash("/dr status");
  return workspace.inspected.findLast((entry) => entry.kind === "envelope")?.sent as Record<string, unknown>;
}

async function triggerOf(user: string): Promise<string> {
  return (await payloadOf(user)).trigger_id as string;
}
