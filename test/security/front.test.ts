import { describe, expect, test } from "@jest/globals";
import { answer, commands, readLine } from "../../commands/index.ts";
import type { Reply, Request } from "../../src/command/command.ts";
import { mayNotTakeOut } from "../../src/command/execute/admission.ts";
import { grammarOf } from "../../src/command/parse/grammar.ts";
import { idFor } from "../../src/lib/id-for.ts";
import { createBusy } from "../../src/slack/busy.ts";
import { takeMention } from "../../src/slack/listen/mention.ts";
import type { Store } from "../../src/timeline/index.ts";
import { seen } from "../support/orders-system.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

/**
 * What members, outsiders and attackers try at the front. Each is refused with a sentence, changes nothing and leaves an
 * event or a count. Nothing here reaches an action: what commands can cause is on the timeline, and that is compared.
 */
let store: Store;
let app: TestApp;
const CHANNEL = "C0INCNIGHT";

storeForEach((fresh) => {
  store = fresh;
  app = new TestApp(store);
});

/** Alex asked for a failover; the question is open and waits for its approval. */
async function waiting(key = "real"): Promise<{ incident: string; run: string; ask: string }> {
  const [incident, run] = [idFor("inc", key), idFor("run", key)];
  await app.ask("alex", "failover database --severity P1", { key, channel: CHANNEL });
  app.channels.set(incident, CHANNEL);
  await app.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
  await app.open(run, "approve", `ask-${key}`);
  return { incident, run, ask: `ask-${key}` };
}

const textOf = (reply: Reply) => (reply.kind === "private" ? reply.message.text : `(${reply.kind})`);
const refusedOf = async () => {
  const rows = await app.context.tally.read("refused/");
  return Object.fromEntries(rows.map(({ what, who, total }) => [`${what} ${who}`, total]));
};

describe("people on no roster", () => {
  test("declare two P0 and five incidents an hour, and are told whom to call then", async () => {
    const replies = [];
    for (let n = 0; n < 4; n++) replies.push(textOf(await app.ask("stranger", `declare P0 Down ${n}`)));
    expect(replies.slice(0, 2).every((text) => text.startsWith("P0 incident declared"))).toBe(true);
    expect(replies[2]).toMatch(/^Too many incidents were declared within an hour.*2 of them P0.*Call Sam Okafor/s);
    const more = [];
    for (let n = 0; n < 4; n++) more.push(textOf(await app.ask("stranger", `declare P2 Slow ${n}`)));
    expect(more.filter((text) => text.startsWith("P2 incident declared"))).toHaveLength(1);
    expect(await store.timeline.streams("inc-")).toHaveLength(3);
    expect(await refusedOf()).toEqual({ "refused/declare-limit U0STRANGER": 5 });
  });

  test("many accounts are no way around it", async () => {
    for (let n = 0; n < 14; n++)
      await app.ask(`nobody${n}`, `declare P0 Down ${n}`, { channel: n % 2 ? "C0ONE" : "C0TWO" });
    expect(await store.timeline.streams("inc-")).toHaveLength(10);
  });

  test("make no incident's timeline grow, however often they are refused in its channel", async () => {
    const { incident, run, ask } = await waiting();
    const before = (await store.timeline.read(incident)).length;
    for (let n = 0; n < 25; n++) {
      await app.ask("stranger", `abort ${run} now`, { channel: CHANNEL });
      await app.press("stranger", "gate.approve", `${run}/${ask}`, { channel: CHANNEL });
      await app.ask("guest", "pause", { channel: CHANNEL, blocked: "Guests may not use Lifeboat." });
    }
    expect(await store.timeline.read(incident)).toHaveLength(before);
    expect(await refusedOf()).toEqual({
      "refused/not-on-roster U0STRANGER": 50,
      "refused/account-blocked U0GUEST": 25,
    });
  });

  test("note ten things an hour", async () => {
    const { incident } = await waiting();
    const before = (await store.timeline.read(incident)).length;
    for (let n = 0; n < 15; n++) await app.ask("stranger", `note Something ${n}`, { channel: CHANNEL });
    expect(await store.timeline.read(incident)).toHaveLength(before + 10);
  });
});

test("people on the roster are refused on the timeline, up to a number", async () => {
  const { incident, run, ask } = await waiting();
  const before = (await store.timeline.read(incident)).length;
  for (let n = 0; n < 30; n++) await app.press("alex", "gate.approve", `${run}/${ask}`, { channel: CHANNEL });
  const events = (await store.timeline.read(incident)).slice(before);
  expect(events.map(({ type }) => type)).toEqual(Array(20).fill("approval.refused"));
  expect(Object.values(await refusedOf())).toEqual([10]);
});

test("the incident that waits is found whatever else was declared", async () => {
  const { incident, run } = await waiting();
  for (let n = 0; n < 130; n++)
    await store.timeline.decide(idFor("inc", `flood-${n}`), () => ({
      events: [
        {
          type: "incident.declared",
          key: `flood-${n}`,
          actor: { kind: "person", person: null, slackUser: "U0X", name: "x", door: "slack" },
          data: {
            title: `Nothing ${n}`,
            system: "practice",
            severity: "P3",
            kind: "real",
            impactStartedAt: null,
            announceIn: null,
          },
        },
      ],
      value: null,
    }));
  const there = { channel: CHANNEL };
  expect(textOf(await app.ask("sam", "status", there))).toContain("waiting for approval");
  expect(textOf(await app.ask("sam", "pause", there))).not.toContain("Several incidents");
  const named = await app.ask("sam", `status --incident ${incident}`, { channel: "C0ELSEWHERE" });
  expect(textOf(named)).not.toContain("There is no incident");
  const { state } = await app.state(incident);
  expect(state.runs.get(run)?.paused).toBe(true);
});

describe("a command by mention", () => {
  const heard = (text: string) =>
    takeMention({ user: "U1", text, ts: "1.1", channel: CHANNEL }, readLine, "U0BOT")?.delivery;

  async function said(person: string, text: string): Promise<string> {
    const delivery = heard(text);
    if (!delivery) throw new Error("not heard");
    const { verb, words, options, rest, mention, tooLong } = delivery;
    const someone = app.context.catalog.systems[0]?.people.find(({ id }) => id.startsWith(person));
    const request: Request = {
      ...{ verb, words, options, rest },
      ...(mention && { mention }),
      ...(tooLong && { tooLong }),
      caller: {
        transport: "slack",
        slackUser: someone?.slack[0] ?? null,
        person: someone?.id ?? null,
        name: person,
        blocked: null,
      },
      key: text,
      place: { channel: CHANNEL, thread: "1.1" },
      form: null,
      actionValue: null,
      canAskForm: false,
    };
    return textOf(await answer(app.context, request));
  }

  test("approves when it is the whole message, and from no prose", async () => {
    const { incident, run, ask } = await waiting();
    const command = `<@U0BOT> approve ${run} ${ask}`;
    for (const prose of [
      `I would never type ${command}`,
      `&gt; ${command}`,
      `*${command}*`,
      `${command} would be wrong`,
      `${command}?`,
      `${command}\nbut only when Iris says so`,
      `<@U0OTHER> should I say ${command}`,
    ]) {
      expect(await said("sam", prose)).toMatch(/isn't a command|only counts when it's the whole message/);
    }
    const events = await store.timeline.read(incident);
    expect(events.filter(({ type }) => type === "gate.approved")).toEqual([]);
    expect(events.filter(({ type }) => type === "command.refused")).toHaveLength(7);
    expect(await said("sam", command)).toContain("Your approval");
  });

  test("nothing that changes runs from within other words, and what reads does", async () => {
    const { incident } = await waiting();
    const before = (await app.state(incident)).state;
    for (const { verb, reads } of commands) {
      if (reads !== undefined) continue;
      expect([verb, await said("sam", `please do not <@U0BOT> ${verb} everything`)]).toEqual([
        verb,
        expect.stringContaining("isn't a command"),
      ]);
    }
    expect({ ...(await app.state(incident)).state, version: 0 }).toEqual({ ...before, version: 0 });
    expect(await said("sam", "hello <@U0BOT> status")).not.toContain("not a command");
  });
});

describe("in a channel shared with another company", () => {
  const place = { why: "This channel is shared with another company.", known: true };
  const ask = (line: string, more: Partial<Request> = {}, where: Request["caller"]["place"] = place) => {
    const sam = app.context.catalog.systems[0]?.people.find(({ id }) => id.startsWith("sam"));
    return answer(app.context, {
      ...readLine(line),
      caller: {
        transport: "slack",
        slackUser: sam?.slack[0] ?? null,
        person: sam?.id ?? null,
        name: "Sam",
        blocked: null,
        ...(where !== undefined && { place: where }),
      },
      key: `${line} ${more.verb ?? ""}`,
      place: { channel: CHANNEL, thread: null },
      form: null,
      actionValue: null,
      canAskForm: true,
      ...more,
    });
  };

  test("nothing that changes or exports runs: typed, pressed or filled in", async () => {
    const { incident, run } = await waiting();
    const before = (await store.timeline.read(incident)).length;
    const typed = [
      "runbook database-failover",
      "skip promote why",
      "resume",
      "role take comms-lead",
      "timeline --file",
    ];
    for (const line of [...typed, "postmortem", "declare P0 Down", "timeline --last 500", "status mitigating"])
      expect([line, textOf(await ask(line))]).toEqual([line, expect.stringContaining("shared with another company")]);
    const verbs = commands
      .filter(({ reads }) => reads === undefined)
      .flatMap(({ verb, aliases }) => [verb, ...aliases]);
    for (const verb of verbs)
      for (const form of [null, { reason: "x" }])
        expect([verb, textOf(await ask("", { verb, form, actionValue: run, key: `${verb} ${form}` }))]).toEqual([
          verb,
          expect.stringContaining("shared with another company"),
        ]);
    const after = (await store.timeline.read(incident)).slice(before);
    expect(new Set(after.map(({ type }) => type))).toEqual(new Set(["command.refused"]));
    expect(textOf(await ask("status"))).not.toContain("shared");
  });

  test("nothing is taken out by what only reads: no file in any answer, whatever is added to it", async () => {
    const { incident, run } = await waiting();
    Object.assign(app.context, { readiness: { everyMs: 1000, of: async () => [], proveNow: async () => 0 } });
    const grown = async () => (await store.timeline.read(incident)).filter(({ type }) => type !== "command.refused");
    const before = await grown();
    const files: string[] = [];
    const reading = commands.filter(({ reads }) => reads !== undefined);
    for (const command of reading)
      for (const [name, takes] of [["help", "none"] as const, ...grammarOf(command).options]) {
        const options = { [name]: takes === "none" ? (true as const) : "database-failover" };
        const key = `${command.verb} --${name}`;
        const reply = await ask("", { verb: command.verb, options, actionValue: run, key });
        if (reply.kind === "file") files.push(key);
        const quoted = await ask("", { verb: command.verb, options, mention: "within", key: `${key} quoted` }, null);
        if (quoted.kind === "file") files.push(`${key}, quoted`);
      }
    expect(reading.length).toBeGreaterThan(10);
    expect(files).toEqual([]);
    expect(await grown()).toEqual(before);
    expect(textOf(await ask("readiness --json"))).toContain("shared with another company");
    expect(textOf(await ask("trends --picture database-failover"))).toContain("shared with another company");
    // Also where a command takes itself for one that only reads.
    const file = { kind: "file", name: "x", content: "", message: { text: "", blocks: [] }, channel: null } as const;
    const request = { ...readLine("trends"), caller: { place } } as unknown as Request;
    expect(mayNotTakeOut(request, file)).toMatchObject({ code: "place" });
    const quoted = { ...request, caller: { place: null }, mention: "within" } as unknown as Request;
    expect(mayNotTakeOut(quoted, file)).toMatchObject({ code: "not-a-command" });
    expect(mayNotTakeOut({ ...quoted, mention: "alone" }, file)).toBeNull();
  });

  test("where no one can say who reads along, an alarm is heard and nothing else", async () => {
    const unknown = { why: "Slack could not say who reads this channel.", known: false };
    expect(textOf(await ask("failover practice-a", {}, unknown))).toContain("could not say");
    expect(textOf(await ask("declare P0 Down", {}, unknown))).toContain("P0 incident declared");
  });
});

test("one person is heard so often and no more, and is told once", () => {
  let now = 0;
  const busy = createBusy(() => now);
  const answers = Array.from({ length: 40 }, () => busy.ask("U0STRANGER", false));
  expect(answers.filter((one) => one === "heard")).toHaveLength(30);
  expect(answers.filter((one) => one === "too often, first")).toHaveLength(1);
  expect(busy.ask("U0SAM", true)).toBe("heard");
  now = 601_000;
  expect(busy.ask("U0STRANGER", false)).toBe("heard");
});
