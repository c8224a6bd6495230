import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { type Filling, fillsIn } from "../../practice/session/heard.ts";
import type { Message } from "../../practice/slack/index.ts";
import { createWorkspace } from "../../practice/slack/workspace.ts";
import type { Reply } from "../../src/command/command.ts";
import type { Delivery } from "../../src/slack/listen/delivery.ts";
import { asSuperuser, type TestServer, testServer } from "../support/postgres.ts";
import { calls, message, openSlackHarness, PASTED, type SlackHarness, until } from "../support/slack-harness.ts";

let server: TestServer;
let harness: SlackHarness;
beforeAll(async () => {
  server = await testServer();
});
afterEach(() => harness.close());
afterAll(() => server.close());

const say = (text: string): Reply => ({ kind: "private", message: { text, blocks: [] } });
const button = (action_id: string, value: string) => ({
  type: "actions",
  elements: [{ type: "button", action_id, value, text: { type: "plain_text", text: action_id } }],
});
const reasonForm: Reply = {
  kind: "form",
  form: {
    callback: "run.abort",
    title: "Abort the run",
    submit: "Abort run",
    actionValue: "run-1",
    blocks: [
      {
        type: "input",
        block_id: "reason",
        label: { type: "plain_text", text: "Why" },
        element: { type: "plain_text_input", action_id: "reason" },
      },
    ],
  },
};
const alex = () => harness.workspace.as("UALEX");
const rows = () =>
  asSuperuser<{ key: string; kind: string; done: boolean }>(
    harness.store.url,
    "select key, kind, done_at is not null as done from lifeboat.inbox order by id",
  );

const OWN = { name: "inc-1-orders", topic: "", bookmarks: [], invite: [], pinned: [] };

describe("what people do in Slack", () => {
  test("/dr becomes a request, and its answer is for them alone", async () => {
    harness = await openSlackHarness(server);
    expect(await alex().slash("/dr failover database --dry-run")).toMatchObject({ ok: true });
    const told = await alex().waitForMessage(({ text }) => text === "You asked: failover");
    expect(told.only).toBe("UALEX");
    expect(harness.asked).toMatchObject([
      {
        verb: "failover",
        words: ["database"],
        options: { "dry-run": true },
        place: { channel: "CINCIDENT", thread: null },
        caller: { slackUser: "UALEX", person: "alex", name: "Alex Rivera", blocked: null, transport: "slack" },
        canAskForm: true,
        form: null,
        actionValue: null,
      },
    ]);
    await until(async () => (await rows()).every(({ done }) => done));
    expect(await rows()).toMatchObject([{ kind: "slack.command" }]);
  });

  test("a button's verb is its id up to the colon, and its value is what it carries", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", {
      channel: { name: "inc-1", topic: "", bookmarks: [], invite: ["UALEX"], pinned: [] },
      messages: [
        message("run", "the run"),
        message("gate", "Please decide", {
          under: "run",
          message: { text: "Please decide", blocks: [button("gate.approve:1", "ask-1")] },
        }),
      ],
    });
    await harness.declare("inc-1");
    const prompt = await alex().waitForMessage(({ text }) => text === "Please decide");
    expect(await alex().click(prompt, "gate.approve:1")).toMatchObject({ ok: true });
    const told = await alex().waitForMessage(({ text }) => text === "You asked: gate.approve");
    expect(told).toMatchObject({ only: "UALEX", thread_ts: prompt.thread_ts });
    expect(harness.asked[0]).toMatchObject({
      verb: "gate.approve",
      actionValue: "ask-1",
      words: [],
      rest: "",
      form: null,
      place: { channel: prompt.channel, thread: prompt.thread_ts },
    });
  });

  describe("on a reply that stands in the channel as well", () => {
    const alone = (told: readonly Message[]) => told.filter(({ only }) => only === "UALEX");
    const places = async (channel: string, root: string) => ({
      thread: alone(await alex().messages(channel, root)).map(({ text }) => text),
      channel: alone(await alex().messages(channel)).map(({ text }) => text),
    });

    /** A decision as the bot posts it: in the run's thread, and in the channel. */
    async function asked() {
      harness = await openSlackHarness(server);
      const says = { text: "Please decide", blocks: [button("gate.approve:1", "ask-1")] };
      harness.scenes.set("inc-1", {
        channel: { name: "inc-1", topic: "", bookmarks: [], invite: ["UALEX"], pinned: [] },
        messages: [message("run", "the run"), message("gate", "", { under: "run", message: says, broadcast: true })],
      });
      await harness.declare("inc-1");
      const prompt = await alex().waitForMessage(({ text }) => text === "Please decide");
      expect(prompt.subtype).toBe("thread_broadcast");
      return { prompt, root: prompt.thread_ts as string };
    }

    test("a press is answered in both: Slack doesn't say in which of them it was made", async () => {
      const { prompt, root } = await asked();
      await alex().click(prompt, "gate.approve:1");
      const answer = "You asked: gate.approve";
      await until(async () => (await places(prompt.channel, root)).channel.length > 0);
      await until(async () => (await places(prompt.channel, root)).thread.length > 0);
      expect(await places(prompt.channel, root)).toEqual({ thread: [answer], channel: [answer] });
      expect(harness.asked[0]?.place).toEqual({ channel: prompt.channel, thread: root });
    });

    test("so is the form it opens, and a file goes to the channel", async () => {
      const { prompt, root } = await asked();
      harness.reply = ({ form }) =>
        form === null
          ? reasonForm
          : {
              kind: "file",
              name: "report.md",
              content: "# Report",
              channel: null,
              message: { text: "Drafted", blocks: [] },
            };
      await alex().click(prompt, "gate.approve:1");
      await alex().submit(await alex().waitForView(), { reason: "It is the wrong one" });
      const file = await alex().waitForMessage(({ files = [] }) => files.length > 0);
      expect([file.text, file.thread_ts]).toEqual(["Drafted", undefined]);
      harness.reply = ({ form }) => (form === null ? reasonForm : say("Not that one"));
      await alex().click(prompt, "gate.approve:1");
      await alex().submit(await alex().waitForView(), { reason: "It is" });
      await until(async () => (await places(prompt.channel, root)).thread.includes("Not that one"));
      await until(async () => (await places(prompt.channel, root)).channel.includes("Not that one"));
    });

    test("what only one person sees in a thread is answered in that thread", async () => {
      const { prompt, root } = await asked();
      const withButton = { text: "Set it up", blocks: [button("enroll", "")] };
      harness.reply = ({ verb }) =>
        verb === "enroll" ? say("You asked: enroll") : { kind: "private", message: withButton };
      await alex().say(`<@ULIFEBOAT> approve`, prompt.channel, root);
      const refusal = await alex().waitForMessage(({ text }) => text === "Set it up");
      await alex().click(refusal, "enroll");
      expect(await alex().waitForMessage(({ text }) => text === "You asked: enroll")).toMatchObject({
        thread_ts: root,
      });
    });
  });

  test("a form is opened, and comes back with its values, what it carried and where it was requested", async () => {
    harness = await openSlackHarness(server);
    harness.reply = ({ form }) => (form === null ? reasonForm : say(`Aborted: ${form.reason}`));
    await alex().slash("/dr abort");
    const view = await alex().waitForView();
    expect(await alex().submit(view, { reason: "It is the wrong one" })).toMatchObject({ ok: true });
    await alex().waitForNoView();
    await alex().waitForMessage(({ text }) => text === "Aborted: It is the wrong one");
    expect(harness.asked[1]).toMatchObject({
      verb: "run.abort",
      actionValue: "run-1",
      form: { reason: "It is the wrong one" },
      place: { channel: "CINCIDENT", thread: null },
      canAskForm: false,
    });
  });

  test("a form that comes too late is said in words, and a player of practice does it again as people do", async () => {
    harness = await openSlackHarness(server);
    let tries = 0;
    harness.reply = async ({ verb }) => {
      if (verb !== "abort") return say("It is aborted.");
      tries += 1;
      if (tries === 1) await new Promise((resolve) => setTimeout(resolve, 3200));
      return reasonForm;
    };
    const filling: Filling = {
      press: (person) => person.slash("/dr abort"),
      form: "run.abort",
      filled: async () => ({ reason: "It is the wrong one" }),
    };
    expect(await fillsIn(harness.workspace, "UALEX", filling, performance.now() + 20_000)).toBe("It is aborted.");
    expect(tries).toBe(2);
    await alex().waitForMessage(({ text }) => text.includes("could not be opened in time"));
  });

  test("the words of /dr work in threads by mention", async () => {
    harness = await openSlackHarness(server);
    const root = await alex().say("It is down");
    const thread = root.ok ? (root.ts as string) : "";
    await alex().say("<@ULIFEBOAT> note the primary is gone", "CINCIDENT", thread);
    const told = await alex().waitForMessage(({ text }) => text === "You asked: note");
    expect(told).toMatchObject({ only: "UALEX", thread_ts: thread });
    expect(harness.asked[0]).toMatchObject({
      verb: "note",
      rest: "the primary is gone",
      place: { thread },
      canAskForm: false,
    });
  });

  test("a secret that someone pastes is neither kept nor answered", async () => {
    harness = await openSlackHarness(server);
    harness.reply = ({ rest }) => say(`Noted: ${rest}`);
    await alex().slash(`/dr note the password is ${PASTED}.`);
    await alex().say(`<@ULIFEBOAT> note it is ${PASTED}`, "CINCIDENT");
    for (const told of ["Noted: the password is [secret].", "Noted: it is [secret]"])
      await alex().waitForMessage(({ text }) => text === told);
    const kept = await asSuperuser<{ body: string }>(
      harness.store.url,
      "select body::text as body from lifeboat.inbox",
    );
    expect(kept.map(({ body }) => body.includes("[secret]"))).toEqual([true, true]);
    expect(JSON.stringify([harness.asked, kept])).not.toContain("Orders-7Kq2");
  });

  test("a message goes onto the timeline with its words, its time and its link", async () => {
    harness = await openSlackHarness(server);
    await harness.workspace.as("USAM").say("Dashboards are red & getting worse");
    const red = await alex().waitForMessage(({ text }) => text.startsWith("Dashboards"));
    await alex().shortcut("add_to_timeline", red);
    await until(() => harness.asked.length === 1);
    expect(harness.asked[0]).toMatchObject({ verb: "note", actionValue: null, words: [] });
    expect(harness.asked[0]?.form).toEqual({
      text: "Dashboards are red & getting worse",
      at: new Date(Number(red.ts) * 1000).toISOString(),
      link: expect.stringContaining("http"),
    });
  });

  test.each([
    ["declare_incident", true, { verb: "declare", form: null, rest: "Checkout fails" }],
    ["start_failover", false, { verb: "failover", form: null, rest: "" }],
    ["show_status", false, { verb: "status", form: null, rest: "" }],
  ] as const)("the shortcut %s", async (callback, onMessage, request) => {
    harness = await openSlackHarness(server);
    await harness.workspace.as("USAM").say("Checkout fails");
    const found = await alex().waitForMessage(({ text }) => text === "Checkout fails");
    await alex().shortcut(callback, onMessage ? found : undefined);
    await until(() => harness.asked.length === 1);
    expect(harness.asked[0]).toMatchObject({ ...request, canAskForm: true });
    await alex().waitForMessage(({ text }) => text === `You asked: ${request.verb}`);
  });

  test("a file is put into the incident's channel, and who asked elsewhere is told where it is; without one, where it was requested", async () => {
    harness = await openSlackHarness(server);
    let channel: string | null = null;
    harness.reply = () => ({
      channel,
      kind: "file",
      name: "post-mortem.md",
      content: "# What happened",
      beside: [{ name: "minutes.svg", content: "<svg/>" }],
      message: { text: "The draft", blocks: [] },
    });
    await alex().slash("/dr postmortem");
    const posted = await alex().waitForMessage(({ files }) => files?.[0]?.name === "post-mortem.md");
    expect(posted).toMatchObject({ channel: "CINCIDENT", text: "The draft" });
    expect(posted.files?.map(({ name }) => name)).toEqual(["post-mortem.md", "minutes.svg"]);
    harness.scenes.set("inc-1", { channel: { ...OWN }, messages: [] });
    await harness.declare("inc-1");
    await until(async () => (await harness.slack.channelOf("inc-1")) !== null);
    channel = await harness.slack.channelOf("inc-1");
    await alex().slash("/dr postmortem");
    const there = await alex().waitForMessage((one) => one.channel === channel && (one.files?.length ?? 0) > 0);
    expect(there.text).toBe("The draft");
    const told = await alex().waitForMessage(({ text }) => text.includes(`is in <#${channel}>`));
    expect(told).toMatchObject({ channel: "CINCIDENT", text: expect.stringContaining("post-mortem.md>") });
  });

  test("the Home tab is rendered when it is opened, and again when something changes", async () => {
    harness = await openSlackHarness(server);
    const home = await alex().openHome();
    expect(JSON.stringify(home.blocks)).toContain("UALEX: nothing");
    await harness.declare("inc-1");
    await until(() => JSON.stringify(harness.workspace.snapshot().homes.UALEX?.blocks).includes("UALEX: inc-1"));
  });
});

describe("deliveries", () => {
  test("that come twice have one effect and are acknowledged both times", async () => {
    harness = await openSlackHarness(server);
    harness.workspace.faults("duplicate", { times: 3 });
    for (let i = 0; i < 3; i++) expect(await alex().slash("/dr status")).toMatchObject({ ok: true });
    await until(() => harness.asked.length >= 3);
    await until(async () => (await rows()).every(({ done }) => done));
    expect(harness.asked).toHaveLength(3);
    expect(await rows()).toHaveLength(3);
  });

  test("are written down before they are acknowledged", async () => {
    harness = await openSlackHarness(server);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    harness.reply = () => held.then(() => say("done"));
    expect(await alex().slash("/dr status")).toMatchObject({ ok: true });
    expect(await rows()).toMatchObject([{ kind: "slack.command", done: false }]);
    release();
    await until(async () => (await rows()).every(({ done }) => done));
  });

  test("that can't be written down are refused in words, and not done later either; a press isn't acknowledged", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", {
      channel: { ...OWN, invite: ["UALEX"] },
      messages: [message("gate", "Decide", { message: { text: "Decide", blocks: [button("gate.approve", "ask-1")] } })],
    });
    await harness.declare("inc-1");
    const prompt = await alex().waitForMessage(({ text }) => text === "Decide");
    const blocker = new pg.Client({ connectionString: harness.store.url });
    await blocker.connect();
    await blocker.query("begin");
    await blocker.query("lock table lifeboat.inbox in access exclusive mode");
    await alex().slash("/dr failover database");
    await alex().waitForMessage(({ text }) => text.includes("could not write this down, so nothing was done"));
    // What Slack takes for done is kept: here it marks the button, whether or not the words get through.
    expect(await alex().click(prompt, "gate.approve")).toMatchObject({ ok: false, error: "operation_timeout" });
    await blocker.query("rollback");
    await blocker.end();
    await alex().slash("/dr status");
    await alex().waitForMessage(({ text }) => text === "You asked: status");
    await until(async () => (await rows()).every(({ done }) => done));
    expect(harness.asked.map(({ verb }) => verb)).toEqual(["status"]);
  });

  test("of a process that died are handled by another, without forms", async () => {
    harness = await openSlackHarness(server, { start: false });
    const delivery: Delivery = {
      user: "UALEX",
      channel: "CINCIDENT",
      thread: null,
      verb: "status",
      words: [],
      options: {},
      rest: "",
      form: null,
      carries: null,
      responseUrl: null,
      about: null,
    };
    await harness.store.inbox.receive("slack:command:1", "slack.command", delivery, 0.1);
    harness.slack.start();
    const told = await alex().waitForMessage(({ text }) => text === "You asked: status");
    expect(told.only).toBe("UALEX");
    expect(harness.asked[0]).toMatchObject({ key: "slack:command:1", canAskForm: false });
  });

  test("that no one could answer are tried again with the same key", async () => {
    harness = await openSlackHarness(server);
    let tries = 0;
    harness.reply = () => {
      if (++tries === 1) throw new Error("the store went away");
      return say("Now it worked");
    };
    await alex().slash("/dr status");
    await alex().waitForMessage(({ text }) => text === "Now it worked", 15_000);
    expect(new Set(harness.asked.map(({ key }) => key)).size).toBe(1);
  });
});

describe("what was done long ago, by Slack's own time, is not done now", () => {
  const hoursOld = () => harness.workspace.faults("stale", { seconds: 3 * 3600 });
  const inDirect = (text: string) => ({ text: expect.stringContaining(text), user: "ULIFEBOAT", channel: "DUALEX" });
  const settled = async (kind: string) => {
    const row = (rows: { kind: string; done: boolean }[]) => rows.find((one) => one.kind === kind);
    await until(async () => row(await rows())?.done === true);
  };

  test("a mention: nothing is asked, and who sent it is told in a direct message", async () => {
    harness = await openSlackHarness(server);
    hoursOld();
    await alex().say("<@ULIFEBOAT> abort wrong database");
    const told = await alex().waitForMessage(({ text }) => text.includes("Not done"));
    expect(told).toMatchObject(inDirect("`abort wrong database`"));
    expect(told.text).toContain("3 h ago");
    await settled("slack.mention");
    expect(harness.asked).toEqual([]);
  });

  test("a press, of a button and of a shortcut", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", {
      channel: { ...OWN, invite: ["UALEX"] },
      messages: [message("gate", "Decide", { message: { text: "Decide", blocks: [button("gate.approve", "ask-1")] } })],
    });
    await harness.declare("inc-1");
    const prompt = await alex().waitForMessage(({ text }) => text === "Decide");
    hoursOld();
    await alex().click(prompt, "gate.approve");
    expect(await alex().waitForMessage(({ text }) => text.includes("your press"))).toMatchObject(inDirect("3 h ago"));
    await alex().shortcut("start_failover");
    await settled("slack.action");
    await settled("slack.shortcut");
    expect(harness.asked).toEqual([]);
  });

  test("who came into a channel hours ago is offered nothing, and told nothing", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", { channel: { ...OWN }, messages: [] });
    await harness.declare("inc-1");
    await until(async () => (await harness.slack.channelOf("inc-1")) !== null);
    hoursOld();
    const channel = (await harness.slack.channelOf("inc-1")) as string;
    await harness.workspace.as("USAM").slash("/invite <@UVERA>", channel);
    await settled("slack.joined");
    expect(harness.asked).toEqual([]);
    expect(harness.workspace.snapshot().messages.filter(({ text }) => text.includes("Not done"))).toEqual([]);
  });

  test("what is a few minutes old is done", async () => {
    harness = await openSlackHarness(server);
    harness.workspace.faults("stale", { seconds: 600 });
    await alex().say("<@ULIFEBOAT> status");
    await alex().waitForMessage(({ text }) => text === "You asked: status");
  });
});

describe("who may speak", () => {
  test.each([
    ["USAM", null],
    ["UGIL", "Guests can't use Lifeboat."],
    ["UDEE", "This Slack account is deactivated."],
  ])("%s: %s", async (user, blocked) => {
    harness = await openSlackHarness(server);
    await harness.workspace.as(user).slash("/dr status");
    await until(() => harness.asked.length === 1);
    expect(harness.asked[0]?.caller.blocked).toBe(blocked);
  });

  test("another workspace is not heard at all", async () => {
    harness = await openSlackHarness(server);
    await harness.workspace.as("UODA").slash("/dr status", "CSHARED");
    await alex().slash("/dr status");
    await until(() => harness.asked.length === 1);
    expect(harness.asked[0]?.caller.slackUser).toBe("UALEX");
  });

  test("a press from another workspace is answered where it was made, and goes no further", async () => {
    harness = await openSlackHarness(server);
    harness.scenes.set("inc-1", {
      channel: { name: "inc-1", topic: "", bookmarks: [], invite: ["UALEX"], pinned: [] },
      messages: [message("card", "", { message: { text: "Card", blocks: [button("status", "inc-1")] } })],
    });
    await harness.declare("inc-1");
    const card = await alex().waitForMessage(({ text }) => text === "Card");
    await harness.slack.stop();
    await harness.sibling({ allowed: [{ team: "TOTHER", enterprise: null }] });
    await alex().click(card, "status");
    await alex().waitForMessage(({ text, only }) => only === "UALEX" && /^Nothing was done\. .*TPRACTICE/.test(text));
    expect(harness.asked).toEqual([]);
  });

  test("a person from outside who is let in by the list is still blocked by their account", async () => {
    harness = await openSlackHarness(server, {
      config: {
        allowed: [
          { team: "TPRACTICE", enterprise: null },
          { team: "TOTHER", enterprise: null },
        ],
      },
    });
    await harness.workspace.as("UODA").slash("/dr status", "CSHARED");
    await until(() => harness.asked.length === 1);
    expect(harness.asked[0]?.caller.blocked).toBe("This Slack account belongs to another company's workspace.");
  });

  test("nothing is decided in a channel shared with another company", async () => {
    harness = await openSlackHarness(server);
    await alex().slash("/dr approve", "CSHARED");
    await alex().slash("/dr status", "CSHARED");
    await until(() => harness.asked.length === 2);
    // What may be done there is decided in one place, src/command/execute/admission.ts.
    const why = "This channel is shared with another company, so nothing may be changed or decided in it.";
    const places = Object.fromEntries(harness.asked.map(({ verb, caller }) => [verb, caller.place]));
    expect(places).toEqual({ approve: { why, known: true }, status: { why, known: true } });
  });

  test("an account Slack can't confirm is blocked", async () => {
    harness = await openSlackHarness(server);
    harness.workspace.faults("rateLimit", { seconds: 5, method: "users.info" });
    await alex().slash("/dr status");
    await until(() => harness.asked.length === 1);
    expect(harness.asked[0]?.caller.blocked).toMatch(/^Slack could not say whether this account may use Lifeboat/);
  });

  test("a delivery for another app goes nowhere", async () => {
    harness = await openSlackHarness(server, { config: { appId: "AOTHER" } });
    expect(await alex().slash("/dr status")).toMatchObject({ ok: true });
    await alex().waitForMessage(({ text }) => text.includes("ALIFEBOAT, which is not this one"));
    expect(await rows()).toEqual([]);
    expect(harness.asked).toEqual([]);
  });
});

describe("standing just before a start", () => {
  const check = (person: string) => harness.slack.accountStatus.check(harness.shop, person);

  test.each([
    ["alex", null],
    ["gil", "Guests can't use Lifeboat."],
    ["dee", "This Slack account is deactivated."],
    ["terminal", null],
    ["nobody", "nobody is no longer on the roster of Orders."],
  ])("%s: %s", async (person, says) => {
    harness = await openSlackHarness(server);
    expect(await check(person)).toBe(says);
  });

  test.each([
    ["roster", null],
    ["refuse", expect.stringContaining("Slack could not say")],
  ] as const)("with Slack away, the rule is: %s", async (slackUnavailable, says) => {
    harness = await openSlackHarness(server, { config: { slackUnavailable } });
    harness.workspace.faults("unavailable", { seconds: 60 });
    expect(await check("alex")).toEqual(says);
    harness.workspace.faults("calm");
  });
});

describe("starting", () => {
  test("waits for no one, and Slack may come later", async () => {
    const workspace = await createWorkspace({ manifestFile: "manifest.yml" });
    workspace.faults("unavailable", { seconds: 60 });
    harness = await openSlackHarness(server, { workspace, start: false });
    harness.slack.start();
    harness.scenes.set("inc-1", {
      channel: null,
      messages: [message("news", "It happened before", { in: "announce" })],
    });
    await harness.declare("inc-1");
    await until(() => calls(workspace, "auth.test").length >= 1);
    expect(harness.slack.ready()).toBe(false);
    workspace.faults("calm");
    await until(() => harness.slack.ready());
    await until(() => workspace.snapshot().messages.some(({ text }) => text === "It happened before"));
    await harness.slack.stop();
    await workspace.close();
  });
});
