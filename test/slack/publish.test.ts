import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { readManifest } from "../../practice/slack/manifest.ts";
import { createWorkspace } from "../../practice/slack/workspace.ts";
import { renderNotices } from "../../templates/messages/approval/enrolled.ts";
import { actions } from "../../templates/messages/kit/blocks.ts";
import { type TestServer, testServer } from "../support/postgres.ts";
import {
  calls,
  message,
  openSlackHarness,
  type ShownScene,
  type SlackHarness,
  said,
  until,
} from "../support/slack-harness.ts";

let server: TestServer;
let harness: SlackHarness;
beforeAll(async () => {
  server = await testServer();
});
afterEach(() => harness.close());
afterAll(() => server.close());

const channel = {
  name: "inc-1-orders",
  topic: "P1 · investigating",
  bookmarks: [],
  invite: ["UALEX", "USAM"],
  pinned: [] as string[],
};
const own = () => harness.workspace.snapshot().channels.find(({ name }) => name.startsWith("inc-1-orders"));
const inOwn = () => said(harness.workspace, own()?.id ?? "");

describe("an incident in Slack", () => {
  test("gets its channel, its people, its bookmarks and its messages in the order of the desired state", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", {
      channel: { ...channel, pinned: ["card"], bookmarks: [{ title: "Dashboard", link: "https://example.org/d" }] },
      messages: [
        message("announcement", "An incident was declared.", { in: "announce" }),
        message("card", "Status: investigating"),
        message("run", "Failover of the orders database"),
        message("step-1", "1. Fence", { under: "run" }),
        message("step-2", "2. Promote", { under: "run", broadcast: true }),
      ],
    });
    await harness.declare("inc-1");
    await until(() => inOwn().length === 4);
    const at = own()?.id as string;
    expect(await harness.slack.channelOf("inc-1")).toBe(at);
    expect(inOwn().toSorted()).toEqual([
      "1. Fence",
      "2. Promote",
      "Failover of the orders database",
      "Status: investigating",
    ]);
    await until(() => (harness.workspace.snapshot().pins[at] ?? []).length === 1);
    await until(() => (harness.workspace.snapshot().bookmarks[at] ?? []).length === 1);
    await until(() => own()?.members.includes("USAM") === true && own()?.topic.value === channel.topic);
    const messages = harness.workspace.snapshot().messages.filter((one) => one.channel === at);
    const root = messages.find(({ text }) => text.startsWith("Failover"));
    expect(messages.filter((one) => one.thread_ts === root?.ts && one.ts !== root?.ts).map(({ text }) => text)).toEqual(
      ["1. Fence", "2. Promote"],
    );
    expect(said(harness.workspace, "CINCIDENT")).toEqual(["An incident was declared."]);
    expect(root?.metadata).toEqual({ event_type: "lifeboat", event_payload: { key: "inc-1/run" } });
  });

  test("says in someone's direct messages what is theirs, once, and edits it there; who can't be reached holds up no one", async () => {
    harness = await openSlackHarness(server);
    const letter = (user: string, text: string) =>
      message(`gate:1:to:${user}`, text, { in: { person: user }, priority: 0 });
    harness.scenes.set("inc-1", {
      channel,
      messages: [letter("UNOBODY", "Decide?"), letter("UVERA", "Decide?"), letter("USAM", "Decide?")],
    });
    await harness.declare("inc-1");
    const to = (user: string) => {
      const at = harness.workspace
        .snapshot()
        .channels.find(({ kind, members }) => kind === "im" && members.includes(user));
      return said(harness.workspace, at?.id ?? "");
    };
    await until(() => to("UVERA").length === 1 && to("USAM").length === 1);
    await harness.show("inc-1", { messages: [letter("UVERA", "Decided."), letter("USAM", "Decided.")] });
    await until(() => to("UVERA")[0] === "Decided." && to("USAM")[0] === "Decided.");
    expect([to("UVERA"), to("USAM"), to("UALEX")]).toEqual([["Decided."], ["Decided."], []]);
    expect(await harness.slack.channelOf("inc-1")).toBe(own()?.id);
  });

  test("who enrolled is told where incidents are announced, known by its name, and to them, once", async () => {
    harness = await openSlackHarness(server, {
      config: { announceIn: "incident-response" },
      transport: { renderNotices: renderNotices },
    });
    const data = { people: ["orders/vera"], method: "TOTP", replaced: false, countsFrom: "2026-11-22T02:10:00Z" };
    const happens = (type: string, of: object, key: string) =>
      harness.store.timeline.decide("workspace", () => ({
        events: [{ type, data: of, key, actor: { kind: "bot" } }],
        value: null,
      }));
    await happens("command.refused", { verb: "x", code: "x", says: "x" }, "k-1");
    await happens("person.enrolled", data, "k-2");
    await until(() => said(harness.workspace, "CINCIDENT").length === 1);
    expect(said(harness.workspace, "CINCIDENT")[0]).toMatch(
      /<@UVERA> set up an authenticator.* It counts from .*2026-11-22 02:10:00 UTC.*lifeboat unenroll orders\/vera/s,
    );
    const im = () =>
      harness.workspace.snapshot().channels.find(({ kind, members }) => kind === "im" && members.includes("UVERA"))
        ?.id ?? "";
    await until(() => said(harness.workspace, im()).length === 1);
    await happens("person.vouched", { people: ["orders/vera"], by: "orders/sam" }, "k-3");
    await until(() => said(harness.workspace, "CINCIDENT").length === 2);
    expect(said(harness.workspace, "CINCIDENT")[1]).toContain("<@USAM> vouched for <@UVERA>'s new authenticator");
    await harness.declare("inc-1");
    harness.scenes.set("inc-1", {
      channel: null,
      messages: [message("announcement", "Declared.", { in: "announce" })],
    });
    await harness.happen("inc-1");
    await until(() => said(harness.workspace, "CINCIDENT").length === 3);
  });

  test("edits what changed, leaves alone what is said once, and leaves what is no longer desired", async () => {
    harness = await openSlackHarness(server);
    const card = (text: string) => message("card", text, { priority: 0 });
    harness.scenes.set("inc-1", {
      channel,
      messages: [card("one"), message("news", "said", { once: true }), message("old", "old")],
    });
    await harness.declare("inc-1");
    await until(() => inOwn().length === 3);
    await harness.show("inc-1", { messages: [card("two"), message("news", "changed", { once: true })] });
    await until(() => inOwn().includes("two"));
    expect(inOwn().toSorted()).toEqual(["old", "said", "two"]);
    expect(calls(harness.workspace, "chat.update")).toHaveLength(1);
  });

  test("a live list that changes ten times in a second is edited once in three, an outcome at once", async () => {
    harness = await openSlackHarness(server);
    const scene = (n: number) => ({
      channel,
      messages: [message("steps", `step ${n}`, { priority: 1 }), message("gate", `gate ${n}`, { priority: 0 })],
    });
    harness.scenes.set("inc-1", scene(0));
    await harness.declare("inc-1");
    await until(() => inOwn().length === 2);
    for (let n = 1; n <= 10; n++) await harness.show("inc-1", scene(n));
    await until(() => inOwn().includes("gate 10"), 2);
    await until(() => inOwn().includes("step 10"));
    const edits = calls(harness.workspace, "chat.update").map((entry) => String((entry.sent as { text: string }).text));
    expect(edits.filter((text) => text.startsWith("step")).length).toBeLessThanOrEqual(2);
  });

  test("the result of a run is never shown below steps that still say pending, though Slack takes no edits for a while", async () => {
    harness = await openSlackHarness(server);
    const scene = (steps: string, more: ShownScene["messages"] = []) => ({
      channel,
      messages: [
        message("run", steps, { priority: 0 }),
        message("steps", steps, { under: "run", priority: 0 }),
        ...more,
      ],
    });
    harness.scenes.set("inc-1", scene("pending"));
    await harness.declare("inc-1");
    await until(() => inOwn().length === 2);
    harness.workspace.faults("rateLimit", { seconds: 1, method: "chat.update" });
    const result = message("result", "Done and verified", { under: "run", priority: 0, broadcast: true });
    await harness.show("inc-1", scene("done", [result]));
    await until(() => inOwn().length === 3);
    expect(inOwn()).toEqual(["done", "done", "Done and verified"]);
  });

  test("a prompt behind sixty queued posts is visible within a second", async () => {
    harness = await openSlackHarness(server);
    const posts = Array.from({ length: 60 }, (_, i) => message(`n${i}`, `news ${i}`, { priority: 2 }));
    harness.scenes.set("inc-1", { channel, messages: posts });
    await harness.declare("inc-1");
    await until(() => inOwn().length >= 4);
    const pressed = performance.now();
    await harness.show("inc-1", {
      messages: [...posts, message("run", "the run"), message("gate", "Please approve", { under: "run", priority: 0 })],
    });
    await until(() => inOwn().includes("Please approve"));
    expect(performance.now() - pressed).toBeLessThan(1000);
    expect(inOwn().length).toBeLessThan(15);
    expect(inOwn().filter((text) => text.startsWith("news"))).toEqual(
      posts.slice(0, inOwn().length - 2).map((one) => one.message.text),
    );
  });
});

describe("when Slack misbehaves", () => {
  test("a limit in one channel holds up no other", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", { channel, messages: [message("card", "one")] });
    await harness.declare("inc-1");
    await until(() => inOwn().length === 1);
    harness.workspace.faults("rateLimit", { seconds: 3, method: "chat.postMessage" });
    await harness.show("inc-1", { messages: [message("card", "one"), message("more", "more")] });
    await until(() => calls(harness.workspace, "chat.postMessage").some((entry) => entry.error === "ratelimited"));
    harness.workspace.faults("calm");
    harness.scenes.set("inc-2", { channel: null, messages: [message("news", "elsewhere", { in: "announce" })] });
    await harness.declare("inc-2");
    await until(() => said(harness.workspace, "CINCIDENT").includes("elsewhere"), 2);
    expect(inOwn()).toEqual(["one"]);
    await until(() => inOwn().includes("more"));
  });

  test("a post whose answer was lost is found and not said twice", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", { channel, messages: [message("card", "one")] });
    await harness.declare("inc-1");
    await until(() => inOwn().length === 1);
    harness.workspace.faults("loseReplies", { times: 1 });
    await harness.show("inc-1", {
      messages: [message("card", "one"), message("run", "the run"), message("step", "a step", { under: "run" })],
    });
    await until(() => inOwn().includes("a step"));
    expect(inOwn().filter((text) => text === "the run")).toHaveLength(1);
    expect(calls(harness.workspace, "conversations.history").length).toBeGreaterThan(0);
  });

  test("a channel whose making was never answered is found and not made twice", async () => {
    harness = await openSlackHarness(server);
    harness.workspace.faults("loseReplies", { times: 1 });
    harness.scenes.set("inc-1", { channel, messages: [message("card", "one")] });
    await harness.declare("inc-1");
    await until(() => inOwn().length === 1);
    expect(harness.workspace.snapshot().channels.filter(({ name }) => name.startsWith("inc-1"))).toHaveLength(1);
  });

  test("blocks it does not take are said in words", async () => {
    harness = await openSlackHarness(server);
    // Past the clamps, which let nothing through that this workspace refuses; Slack's own rules may be ahead of ours.
    const odd = { text: "words", blocks: [{ type: "hologram" }] };
    await harness.outbox.want({
      ...{ stream: "inc-1", version: 1, about: {}, redrawAt: null },
      queues: [{ queue: "CINCIDENT", own: false, place: "CINCIDENT", wanted: null }],
      messages: [
        { key: "card", queue: "CINCIDENT", under: null, priority: 1, broadcast: false, once: false, desired: odd },
      ],
    });
    await until(() => said(harness.workspace, "CINCIDENT").includes("words"));
    expect(calls(harness.workspace, "chat.postMessage").map(({ error }) => error)).toEqual(["invalid_blocks", null]);
  });

  test("everything that happened while it was away is there when it is back", async () => {
    harness = await openSlackHarness(server);
    harness.workspace.faults("unavailable", { seconds: 60 });
    harness.scenes.set("inc-1", {
      channel,
      messages: [message("card", "one"), message("run", "the run"), message("step", "a step", { under: "run" })],
    });
    await harness.declare("inc-1");
    await until(() => harness.workspace.inspected.some((entry) => entry.name === "conversations.create"));
    await harness.happen("inc-1");
    harness.workspace.faults("calm");
    await until(() => inOwn().length === 3);
  });

  test("an archived channel of an open incident is made again, with everything in it", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", { channel, messages: [message("card", "one"), message("run", "the run")] });
    await harness.declare("inc-1");
    await until(() => inOwn().length === 2);
    const first = own();
    await archive(first?.id as string);
    await harness.show("inc-1", {
      messages: [message("card", "two"), message("run", "the run"), message("new", "new")],
    });
    await until(
      async () =>
        (await harness.slack.channelOf("inc-1")) !== first?.id && (await harness.slack.channelOf("inc-1")) !== null,
    );
    const second = (await harness.slack.channelOf("inc-1")) as string;
    await until(() => said(harness.workspace, second).length === 3);
    expect(said(harness.workspace, second)).toEqual(["two", "the run", "new"]);
  });

  async function archive(id: string) {
    const { SLACK_API_URL, SLACK_BOT_TOKEN } = harness.workspace.environment();
    const answer = await fetch(new URL("conversations.archive", SLACK_API_URL), {
      method: "POST",
      headers: { authorization: `Bearer ${SLACK_BOT_TOKEN}` },
      body: new URLSearchParams({ channel: id }),
    });
    expect(await answer.json()).toMatchObject({ ok: true });
  }
});

describe("several processes", () => {
  test("share the work and say nothing twice", async () => {
    harness = await openSlackHarness(server);
    await harness.sibling();
    const incidents = Array.from({ length: 5 }, (_, i) => `inc-1${i}`);
    for (const id of incidents) {
      harness.scenes.set(id, {
        channel: { ...channel, name: id },
        messages: [0, 1, 2].map((n) => message(`m${n}`, `${id} says ${n}`)),
      });
      await harness.declare(id);
    }
    const all = () =>
      harness.workspace
        .snapshot()
        .messages.filter((one) => /says/.test(one.text))
        .map((one) => one.text);
    await until(() => all().length >= 15);
    await harness.happen("inc-10");
    await until(async () => (await harness.outbox.claim("nobody", 1, 50)).length === 0);
    expect(new Set(all()).size).toBe(15);
    expect(all()).toHaveLength(15);
  });

  test("a rebuild finds what is there and says it no second time", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", { channel, messages: [message("card", "one"), message("run", "the run")] });
    await harness.declare("inc-1");
    await until(() => inOwn().length === 2);
    const before = own()?.id;
    await harness.slack.rebuild("inc-1");
    await until(async () => (await harness.slack.channelOf("inc-1")) === before);
    await until(async () => (await harness.outbox.deliveredAs("inc-1", ["card", "run"])).size === 2);
    expect(inOwn()).toHaveLength(2);
  });
});

describe("the post-mortem in the channel's canvas", () => {
  const canvas = () => harness.workspace.snapshot().canvases[own()?.id ?? ""];
  const create = "conversations.canvases.create";
  const made = () => calls(harness.workspace, create);
  const edited = () => calls(harness.workspace, "canvases.edit");
  const rows = async () =>
    (
      await harness.store.pool.query(
        "select key, delivered_as as as, tries, given_up_at from lifeboat.outbox where key like 'canvas:%' order by id",
      )
    ).rows;
  /** What the draft says, and how often it was requested. */
  let drawn = 0;
  const draft = async () => {
    const title = "Post-mortem";
    const key = `draft-${Math.random()}`;
    const actor = { kind: "bot" } as const;
    await harness.store.timeline.decide("inc-1", () => ({
      events: [{ type: "postmortem.drafted", data: { title }, actor, key }],
      value: null,
    }));
  };

  async function openWithChannel() {
    drawn = 0;
    harness = await openSlackHarness(server, {
      transport: {
        drawCanvas: async ({ drafts = [] }) => {
          drawn++;
          return { title: "Post-mortem INC-1", markdown: `# Draft ${drafts.length}\n` };
        },
      },
    });
    harness.scenes.set("inc-1", { channel, messages: [message("card", "Status")] });
    await harness.declare("inc-1");
    await until(() => inOwn().length === 1);
  }

  test("is made once, edited by each newer draft, and left alone by everything else that happens", async () => {
    await openWithChannel();
    await draft();
    await until(() => canvas() !== undefined);
    expect(canvas()).toMatchObject({ title: "Post-mortem INC-1", markdown: "# Draft 1\n" });
    await until(async () => (await rows())[0].as === canvas()?.id);
    const [{ as: first }] = await rows();
    const before = drawn;
    await harness.show("inc-1", { messages: [message("card", "Status: monitoring")] });
    await until(() => inOwn().includes("Status: monitoring"));
    expect([drawn, made().length, edited().length]).toEqual([before, 1, 0]);
    await draft();
    await until(() => canvas()?.markdown === "# Draft 2\n");
    expect([made().length, edited().length]).toEqual([1, 1]);
    await until(async () => (await rows()).every(({ as }) => as === first));
  });

  test("is there once though the answer to the call that made it was lost", async () => {
    await openWithChannel();
    harness.workspace.faults("loseReplies", { times: 1, method: create });
    await draft();
    await until(async () => (await rows())[0]?.as !== undefined && (await rows())[0]?.as !== null, 15_000);
    expect(made().map(({ error }) => error)).toEqual([null, "channel_canvas_already_exists"]);
    expect((await rows())[0]?.as).toBe(canvas()?.id);
  });

  const writtenBy = async (user: string) => {
    const { SLACK_API_URL, SLACK_BOT_TOKEN } = harness.workspace.environment();
    await fetch(`${SLACK_API_URL}${create}`, {
      method: "POST",
      headers: { authorization: `Bearer ${SLACK_BOT_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({
        channel_id: own()?.id,
        title: "Notes",
        document_content: { type: "markdown", markdown: "Call the vendor" },
      }),
    });
    // The practice workspace takes calls of the app only; whose the canvas is, is all that differs.
    Object.assign(canvas() ?? {}, { user });
  };

  test("leaves a canvas alone that people made", async () => {
    await openWithChannel();
    await writtenBy("UALEX");
    await draft();
    await until(async () => (await rows())[0]?.as === "no-canvas");
    expect(canvas()?.markdown).toBe("Call the vendor");
  });

  test.each([
    ["that people made", { method: undefined }],
    ["where Slack doesn't say who made it", { method: "files.info", error: "missing_scope" }],
  ])("leaves a canvas alone %s, also where its own call got no clear answer", async (_, fault) => {
    await openWithChannel();
    await writtenBy("UALEX");
    harness.workspace.faults("refuse", { method: create, error: "internal_error", times: 1 });
    if (fault.method !== undefined) harness.workspace.faults("refuse", fault);
    await draft();
    await until(async () => (await rows())[0]?.as === "no-canvas", 15_000);
    expect(made().length).toBeGreaterThan(1);
    expect(canvas()?.markdown).toBe("Call the vendor");
  });

  test("where Slack makes none, it isn't tried on, nor listed as undelivered; the next draft asks again", async () => {
    await openWithChannel();
    harness.workspace.faults("refuse", { method: create, error: "team_tier_cannot_create_channel_canvases" });
    await draft();
    await until(async () => (await rows())[0]?.as === "no-canvas");
    expect(await rows()).toMatchObject([{ given_up_at: null }]);
    harness.workspace.faults("calm");
    await draft();
    await until(() => canvas()?.markdown === "# Draft 2\n");
    expect(made()).toHaveLength(2);
  });
});

describe("a question to one person", () => {
  const question = (text: string, open: boolean) =>
    message("ask", text, {
      in: { person: "UALEX" },
      message: {
        text,
        blocks: open ? [actions({ label: "Approve", verb: "gate.approve", actionValue: "ask-1" })] : [],
      },
    });
  const direct = () => harness.workspace.snapshot().messages.filter(({ channel: where }) => where === "DUALEX");
  const open = () => direct().filter(({ blocks }) => JSON.stringify(blocks ?? []).includes("gate.approve"));

  test("whose answer was lost is there once", async () => {
    harness = await openSlackHarness(server);
    harness.workspace.faults("loseReplies", { times: 1, method: "chat.postMessage" });
    harness.scenes.set("inc-1", { channel: null, messages: [question("Decide", true)] });
    await harness.declare("inc-1");
    await until(() => calls(harness.workspace, "conversations.history").some(({ error }) => error === null));
    await harness.show("inc-1", { messages: [question("Decided", false)] });
    await until(() => direct().some(({ text }) => text === "Decided"));
    expect(direct().map(({ text }) => text)).toEqual(["Decided"]);
  });

  test("that was sent twice, since the app could not read direct messages, is over in both when it is over", async () => {
    const manifest = readManifest("manifest.yml");
    const bot = manifest.oauth_config?.scopes?.bot as string[];
    bot.splice(bot.indexOf("im:history"), 1);
    const workspace = await createWorkspace({ manifest });
    harness = await openSlackHarness(server, { workspace });
    workspace.faults("loseReplies", { times: 1, method: "chat.postMessage" });
    harness.scenes.set("inc-1", { channel: null, messages: [question("Decide", true)] });
    await harness.declare("inc-1");
    await until(() => open().length === 2);
    expect(calls(workspace, "conversations.history").map(({ error }) => error)).toEqual(["missing_scope"]);
    // The app is installed again, with what its manifest asks for now.
    bot.push("im:history");
    await harness.show("inc-1", { messages: [question("Decided", false)] });
    await until(() => open().length === 0);
    expect(direct().map(({ text }) => text)).toEqual(["Decided", "Decided"]);
    await harness.slack.stop();
    await workspace.close();
  });
});
