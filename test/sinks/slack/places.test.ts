import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import type { Message } from "../../../practice/slack/index.ts";
import { createEditBudget } from "../../../src/sinks/slack/budget.ts";
import { renderHome } from "../../../templates/messages/incident/home.ts";
import { renderIncident } from "../../../templates/messages/render.ts";
import { type TestServer, testServer } from "../../support/postgres.ts";
import {
  calls,
  message,
  openSlackHarness,
  type SlackHarness,
  type SlackHarnessOptions,
  said,
  until,
} from "../../support/slack-harness.ts";

/** Where messages go when Slack has no place for them. */
let server: TestServer;
let harness: SlackHarness;
const logged: { level: number; event?: string; error?: string; says?: string }[] = [];
const log = pino({ level: "info" }, { write: (line: string) => void logged.push(JSON.parse(line)) });

beforeAll(async () => {
  server = await testServer();
});
afterEach(() => harness.close());
afterAll(() => server.close());

async function open(options: SlackHarnessOptions = {}): Promise<void> {
  logged.length = 0;
  harness = await openSlackHarness(server, {
    ...options,
    transport: { draw: renderIncident, log, ...options.transport },
  });
}

const events = () => logged.flatMap(({ event }) => event ?? []);
const place = (id: string) => harness.workspace.snapshot().channels.find((one) => one.id === id);
const messagesIn = (channel: string): Message[] =>
  harness.workspace.snapshot().messages.filter((one) => one.channel === channel && one.user === "ULIFEBOAT");
const isRoot = ({ ts, thread_ts: root }: Message) => root === undefined || root === ts;
const rows = async (sql: string) => (await harness.store.pool.query(sql)).rows;
/** Until Slack shows every message as it is wanted. */
const settled = () =>
  until(
    async () =>
      (
        await rows(
          "select from lifeboat.outbox where delivered_hash is distinct from desired_hash and not (once and delivered_as is not null)",
        )
      ).length === 0,
  );
const directTo = (user: string) =>
  harness.workspace.snapshot().channels.find(({ kind, members }) => kind === "im" && members.includes(user))?.id ?? "";

describe("when Slack makes no channel for an incident", () => {
  test.each([
    ["restricted_action", "CINCIDENT"],
    ["restricted_action", "incident-response"],
    ["cannot_create_channel", "CINCIDENT"],
    ["too_many_convos_for_team", "CINCIDENT"],
    ["invalid_name_specials", "CINCIDENT"],
    ["an_error_of_next_year", "CINCIDENT"],
  ])(
    "%s, announced in %s: everything is in one thread, and nothing else of the channel is touched",
    async (error, in_) => {
      await open({ config: { announceIn: in_ } });
      harness.workspace.faults("refuse", { error });
      const before = place("CINCIDENT");
      await harness.declare("inc-1");
      await harness.happen("inc-1");
      await until(() => messagesIn("CINCIDENT").length >= 3);
      await settled();
      const told = messagesIn("CINCIDENT");
      expect(told.filter(isRoot).map(({ text }) => text)).toEqual([
        expect.stringContaining("Follow it in this thread"),
      ]);
      expect(told.filter(({ thread_ts: root, ts }) => root === told[0]?.ts && ts !== root)).toHaveLength(
        told.length - 1,
      );
      expect(told.some(({ subtype }) => subtype !== undefined)).toBe(false);
      expect(place("CINCIDENT")).toEqual(before);
      const touched = harness.workspace.inspected.filter(({ name }) =>
        /setTopic|invite|pins|bookmarks|join/.test(name),
      );
      expect(touched).toEqual([]);
      expect(calls(harness.workspace, "conversations.create")).toHaveLength(1);
      const told_ = logged.filter(({ event }) => event === "slack.channel_refused");
      expect(told_).toEqual([expect.objectContaining({ level: 40, error, incident: "inc-1" })]);
      expect(await harness.slack.channelOf("inc-1")).toBeNull();
    },
  );

  test("a later change is an edit in that thread; a second incident gets a thread of its own", async () => {
    await open();
    harness.workspace.faults("refuse");
    await harness.declare("inc-1");
    await until(() => messagesIn("CINCIDENT").length >= 3);
    await harness.declare("inc-2");
    await until(() => messagesIn("CINCIDENT").length >= 6);
    await settled();
    const roots = messagesIn("CINCIDENT").filter(isRoot);
    expect(roots).toHaveLength(2);
    await harness.happen("inc-1");
    await settled();
    expect(messagesIn("CINCIDENT").filter(isRoot)).toHaveLength(2);
  });
});

describe("what was typed where nothing can be posted", () => {
  const told = async () => {
    await until(() => said(harness.workspace, "CINCIDENT").some((text) => text.includes("Orders are failing")));
    await settled();
  };

  test("in two people's direct messages: it's announced in the announce channel", async () => {
    await open();
    await harness.declare("inc-1", await harness.workspace.as("UALEX").open(["USAM"]));
    await told();
    expect(calls(harness.workspace, "chat.postMessage").filter(({ error }) => error !== null)).toEqual([]);
  });

  test("in a private channel without the bot: the same, and who declared is told", async () => {
    await open();
    const secret = await harness.workspace.as("UALEX").open(["USAM"], "war-room");
    await harness.declare("inc-1", secret);
    await told();
    await until(() => said(harness.workspace, directTo("UALEX")).length === 1);
    expect(said(harness.workspace, directTo("UALEX"))[0]).toBe(
      `Announced in <#CINCIDENT>, not in <#${secret}>. I can't post there (\`channel_not_found\`). Next: invite me with \`/invite\`, or declare in another channel.`,
    );
    expect(logged.find(({ event }) => event === "slack.place_redirected")).toMatchObject({
      channel: secret,
      to: "CINCIDENT",
      error: "channel_not_found",
    });

    // Once the bot is invited, what is declared there is announced there.
    await harness.workspace.as("UALEX").slash("/invite @lifeboat", secret);
    await until(async () => (await harness.outbox.queue(secret))?.borrowed === false);
    await harness.declare("inc-2", secret);
    await until(() => said(harness.workspace, secret).length === 1);
  });

  test("in several people's direct messages: by Slack's refusal", async () => {
    await open();
    await harness.declare("inc-1", await harness.workspace.as("UALEX").open(["USAM", "UVERA"]));
    await told();
    expect(events()).toContain("slack.place_redirected");
  });
});

describe("an announce channel that is not there", () => {
  test("misspelt: the log, the readiness and the Home tab say so, and nothing is lost once it is there", async () => {
    await open({ config: { announceIn: "incident-respnse" }, transport: { drawHome: renderHome } });
    const says = "Incidents can't be announced: there is no public channel #incident-respnse.";
    expect(harness.slack.announcing).toMatchObject({ problem: expect.stringContaining(says), ever: false });
    expect(logged.filter(({ event }) => event === "slack.announce_channel_missing")).toEqual([
      expect.objectContaining({ level: 50, says: expect.stringContaining(says) }),
    ]);
    const home = await harness.workspace.as("UALEX").openHome();
    expect(JSON.stringify(home.blocks)).toContain(says);
    await harness.declare("inc-1");
    await until(() => harness.workspace.snapshot().channels.some(({ name }) => name.startsWith("inc-1")));
  });

  test("there: nothing is said", async () => {
    await open({ config: { announceIn: "incident-response" } });
    expect(harness.slack.announcing).toMatchObject({ problem: null, ever: true });
    expect(events().filter((event) => event !== "slack.sockets")).toEqual([]);
  });
});

describe("who reads nothing any more", () => {
  const letter = (user: string) => message(`gate:1:to:${user}`, "Decide?", { in: { person: user }, priority: 0 });

  test.each(["deactivated before", "deactivated since"])(
    "%s: is written to once at most, and never again",
    async (when) => {
      const seen: (readonly string[])[] = [];
      await open({
        transport: {
          draw: (_state, { system }) => {
            seen.push(system.people.flatMap(({ slack }) => slack));
            return { redrawAt: null, channel: null, messages: ["UVERA", "USAM"].map(letter) };
          },
        },
      });
      const vera = () => said(harness.workspace, directTo("UVERA")).length;
      if (when === "deactivated since") {
        await harness.declare("inc-0");
        await until(() => vera() === 1);
        // What was asked before it was known counts for ten minutes; another process knows nothing yet.
        await harness.slack.stop();
        harness.workspace.faults("deactivate", { user: "UVERA" });
        await harness.sibling();
      } else harness.workspace.faults("deactivate", { user: "UVERA" });
      await harness.declare("inc-1");
      await until(() => seen.at(-1)?.includes("UVERA") === false);
      await until(() => said(harness.workspace, directTo("USAM")).length >= 1);
      const before = harness.workspace.inspected.length;
      await harness.happen("inc-1");
      await harness.declare("inc-2");
      await until(() => said(harness.workspace, directTo("USAM")).length >= (when === "deactivated since" ? 3 : 2));
      await settled();
      expect(vera()).toBe(when === "deactivated since" ? 1 : 0);
      const since = harness.workspace.inspected
        .slice(before)
        .filter(({ name, sent }) => name !== "users.info" && JSON.stringify(sent).includes("UVERA"));
      expect(since).toEqual([]);
      // Whichever came first found it out: a message to them, or the look at the roster.
      expect(events()).toContain("slack.account_blocked");
      const unreachable = logged.filter(({ event }) => event === "slack.person_unreachable");
      expect(unreachable.length).toBeLessThanOrEqual(1);
      for (const one of unreachable) expect(one).toMatchObject({ user: "UVERA", error: "user_disabled" });
    },
  );

  test("is written to again once Slack says that the account is active, by anything they do", async () => {
    await open({
      transport: { draw: () => ({ redrawAt: null, channel: null, messages: [letter("UVERA")] }) },
    });
    harness.workspace.faults("deactivate", { user: "UVERA" });
    await harness.declare("inc-1");
    await until(() => events().includes("slack.account_blocked"));
    await until(() => harness.slack.blocked().has("UVERA"));
    harness.workspace.faults("activate", { user: "UVERA" });
    const vera = harness.workspace.as("UVERA");
    await vera.slash("/dr status", await vera.open(["ULIFEBOAT"]));
    await until(() => said(harness.workspace, directTo("UVERA")).length === 1);
    expect(harness.slack.blocked().has("UVERA")).toBe(false);
  });

  test("everyone on a roster is looked up before they are needed", async () => {
    await open({ config: { rate: 1000 } });
    await until(() => harness.slack.blocked().size === 2);
    expect([...harness.slack.blocked()].sort()).toEqual(["UDEE", "UGIL"]);
  });
});

describe("what Slack tells everyone", () => {
  const channel = { name: "inc-1", topic: "P1 · 0", bookmarks: [], invite: ["UALEX"], pinned: [] };
  const topics = () =>
    calls(harness.workspace, "conversations.setTopic").map(({ sent }) => (sent as { topic: string }).topic);

  test("the topic is set once a minute, to what it is by then; nothing else waits for it", async () => {
    await open({
      transport: {
        draw: (state) => ({ redrawAt: null, channel: null, messages: [], ...harness.scenes.get(state.id) }),
      },
    });
    harness.scenes.set("inc-1", { channel, messages: [] });
    await harness.declare("inc-1");
    await until(() => topics().length === 1);
    for (const n of [1, 2, 3]) await harness.show("inc-1", { channel: { ...channel, topic: `P1 · ${n}` } });
    await harness.show("inc-1", { channel: { ...channel, topic: "P1 · 4", invite: ["UALEX", "USAM"] } });
    await until(() =>
      harness.workspace.snapshot().channels.some(({ name, members }) => name === "inc-1" && members.includes("USAM")),
    );
    await until(
      async () => (await rows("select from lifeboat.outbox_queue where shown -> 'invited' ? 'USAM'")).length === 1,
    );
    expect(topics()).toEqual(["P1 · 0"]);
    // A minute later.
    await rows(
      "update lifeboat.outbox_queue set shown = jsonb_set(shown, '{topicAt}', '0'), furnish_at = now() where stream = 'inc-1'",
    );
    await until(() => topics().length === 2);
    await settled();
    expect(topics()).toEqual(["P1 · 0", "P1 · 4"]);
  });

  test("a topic it does not let the bot set is not tried again and again", async () => {
    await open({
      transport: {
        draw: (state) => ({ redrawAt: null, channel: null, messages: [], ...harness.scenes.get(state.id) }),
      },
    });
    harness.workspace.faults("refuse", { method: "conversations.setTopic" });
    harness.scenes.set("inc-1", { channel, messages: [message("card", "one")] });
    await harness.declare("inc-1");
    await until(() => topics().length === 1);
    await settled();
    expect(topics()).toHaveLength(1);
  });
});

describe("the channel of a closed incident", () => {
  const channel = { name: "inc-1", topic: "P1 · closed", bookmarks: [], invite: ["UALEX"], pinned: [] };
  const drawn: SlackHarnessOptions = {
    transport: { draw: (state) => ({ redrawAt: null, channel: null, messages: [], ...harness.scenes.get(state.id) }) },
  };
  const own = () => harness.workspace.snapshot().channels.filter(({ name }) => name.startsWith("inc-1"));
  const gone = { channel: { ...channel, archived: true as const }, messages: [message("card", "closed")] };
  const back = { channel, messages: [message("card", "open again")] };

  async function archived(): Promise<void> {
    await open(drawn);
    harness.scenes.set("inc-1", { channel, messages: [message("card", "closed")] });
    await harness.declare("inc-1");
    await until(() => own().length === 1);
    await harness.show("inc-1", gone);
    await until(() => own()[0]?.archived === true);
  }

  test("is archived once, after everything stands in it, and taken back when it is reopened", async () => {
    await archived();
    await harness.show("inc-1", gone);
    await harness.show("inc-1", back);
    await until(() => own()[0]?.archived === false);
    await until(() => messagesIn(own()[0]?.id ?? "").some(({ text }) => text?.includes("open again")));
    expect(calls(harness.workspace, "conversations.archive")).toHaveLength(1);
    expect(calls(harness.workspace, "conversations.create")).toHaveLength(1);
  });

  test("is left where it is where Slack doesn't take it back: the incident gets a new one", async () => {
    await archived();
    harness.workspace.faults("refuse", { method: "conversations.unarchive", error: "not_in_channel" });
    await harness.show("inc-1", back);
    await until(() => own().length === 2);
    const fresh = own().find(({ archived: is }) => !is);
    await until(() => messagesIn(fresh?.id ?? "").some(({ text }) => text?.includes("open again")));
    expect(events()).toContain("slack.not_unarchived");
  });
});

test("two processes of one store edit at one pace, a process of another workspace at its own", async () => {
  await open({ start: false });
  const [one, two] = [createEditBudget(harness.outbox, () => "T1"), createEditBudget(harness.outbox, () => "T1")];
  const began = performance.now();
  const taken = await Promise.all(Array.from({ length: 30 }, (_, n) => (n % 2 ? one : two).take(false)));
  const burst = taken.filter(Boolean).length;
  expect(burst).toBeGreaterThanOrEqual(10);
  // What it gains meanwhile counts too: 0.8 a second.
  expect(burst).toBeLessThanOrEqual(10 + Math.ceil(((performance.now() - began) / 1000) * 0.8));
  expect(await one.take(true)).toBe(true);
  expect(await createEditBudget(harness.outbox, () => "T2").take(false)).toBe(true);
});

test("a Home tab whose blocks Slack refuses says in words how to get at the same", async () => {
  await open();
  harness.workspace.faults("refuse", { method: "views.publish", error: "invalid_arguments", times: 1 });
  const home = await harness.workspace.as("UALEX").openHome();
  expect(JSON.stringify(home.blocks)).toContain("This tab can't be shown right now");
  expect(events()).toContain("slack.home_refused");
});
