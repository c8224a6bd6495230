import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Registry } from "prom-client";
import { answer, commands } from "../../commands/index.ts";
import type { Command, Reply } from "../../src/command/command.ts";
import { grammarOf } from "../../src/command/parse/grammar.ts";
import { zippedPack } from "../../src/evidence/zipped.ts";
import { mayKnowOf } from "../../src/incident/members.ts";
import { idFor } from "../../src/lib/id-for.ts";
import { recordedMetrics } from "../../src/metrics/recorded.ts";
import { desiredPages } from "../../src/paging/desired-pages.ts";
import type { Store } from "../../src/timeline/index.ts";
import { readSeals } from "../../src/timeline/statements.ts";
import { pageWords } from "../../templates/messages/comms/page-text.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import { seen } from "../support/orders-system.ts";
import { storeOn, type TestServer, testServer } from "../support/postgres.ts";
import { TestApp } from "../support/test-app.ts";
import { unzipped } from "../support/unzipped.ts";

/** Where a private incident is, and its twin where nothing was ever declared. */
let server: TestServer;
const stores: Store[] = [];
let app: TestApp;
let twin: TestApp;

const incident = idFor("inc", "secret-key");
const run = idFor("run", "secret-run");
const CHANNEL = "C0SECRET0";
/** What stands in the incident and nowhere else. */
const SECRETS = ["zebra", incident, run, "ask-secret", CHANNEL];

beforeAll(async () => {
  server = await testServer();
  for (let n = 0; n < 2; n++) stores.push(await storeOn(await server.database()));
  [app, twin] = stores.map((store) => new TestApp(store)) as [TestApp, TestApp];
  await app.ask("alex", "declare --private P1 The zebra keys leaked", { key: "secret-key" });
  app.channels.set(incident, CHANNEL);
  const here = { channel: CHANNEL };
  await app.ask("alex", `failover database --unplanned --incident ${incident}`, { ...here, key: "secret-run" });
  await app.engine(run, { type: "run.preflighted", data: { ...seen, facts: [], checks: [] } });
  await app.open(run, "approve", "ask-secret");
  await app.ask("alex", "note The zebra was seen", here);
}, 60_000);

afterAll(async () => {
  for (const store of stores) await store.close();
  await server.close();
}, 60_000);

test("is declared as one, and its members see it", async () => {
  const { state } = await app.state(incident);
  expect(state.declared?.private).toEqual({ roles: ["incident-commander"] });
  for (const who of ["alex", "sam", "dee"]) expect(await textOf(who, "status INC-1")).toContain("zebra");
  expect(await textOf("cass", "status INC-1")).toBe("There is no incident INC-1. `/dr list` shows them.");
});

/** Every way to name it, by everything that can be typed or pressed. */
function waysOf(command: Command): readonly { readonly line: string; readonly actionValue?: string }[] {
  const named = grammarOf(command).options.has("incident") ? [`--incident INC-1`, `--incident ${incident}`] : [];
  const typed = ["", ...named, "INC-1", "1", run, `${run} ask-secret`].map((rest) => ({
    line: `${command.verb} ${rest}`.trim(),
  }));
  const carried = [incident, `${incident}/x`, run, `${run}/ask-secret`, `${run}/approve`];
  return [...typed, ...carried.map((actionValue) => ({ line: "", actionValue }))];
}

const verbsOf = ({ verb, aliases }: Command) => [verb, ...aliases.filter((alias) => alias.includes("."))];
const starts = commands.filter(({ startsRuns }) => startsRuns === true);
const others = commands.filter(({ startsRuns, verb }) => startsRuns !== true && verb !== "declare");

describe("for someone who is not a member it is as if it had never been declared:", () => {
  // Whatever can be typed in any place, and pressed: the answer is the one of a store that has no such incident.
  test.each(others.map((command) => [command.verb, command] as const))("%s", async (_verb, command) => {
    for (const person of ["cass", "stranger"])
      for (const { line, actionValue } of waysOf(command))
        for (const verb of actionValue === undefined ? [undefined] : verbsOf(command))
          for (const channel of ["C0INCIDENTS", CHANNEL]) {
            const how = {
              channel,
              key: `${person}-${command.verb}-${line}-${actionValue}-${verb}-${channel}`,
              ...(actionValue !== undefined && { carries: actionValue }),
              ...(verb !== undefined && { verb }),
            };
            const [ours, theirs] = await Promise.all([app.ask(person, line, how), twin.ask(person, line, how)]);
            expect([line, actionValue, alike(ours)]).toEqual([line, actionValue, alike(theirs)]);
            expect(secretsIn(ours, `${line} ${actionValue}`)).toEqual([]);
          }
  });

  test("also where its run holds what another wants", async () => {
    const reply = await app.ask("cass", "failover database --unplanned", { key: "held-key" });
    expect(secretsIn(reply, "")).toEqual([]);
    expect(reply.kind === "private" && reply.message.text).toContain("another run is using the same target");
    expect(await textOf("alex", "failover database --unplanned --incident INC-1")).toContain(run);
  });
});

describe("what is shown of it", () => {
  test("stands in its channel and in direct messages to members", async () => {
    const { state, around } = await drawn();
    const view = renderIncident(state, { ...around, channel: CHANNEL });
    expect(view.channel).toMatchObject({ private: true, invite: expect.arrayContaining(["UALEX", "USAM"]) });
    for (const { key, in: place } of view.messages)
      if (place !== "incident") expect([key, isMember(state, place)]).toEqual([key, true]);
    expect(view.messages.map(({ key }) => key)).not.toContain("announcement");
  });

  test("goes to each member directly where Slack makes no channel", async () => {
    const { state, around } = await drawn();
    const view = renderIncident(state, { ...around, channelRefused: "restricted_action" });
    expect(view.channel).toBeNull();
    for (const { key, in: place } of view.messages) expect([key, isMember(state, place)]).toEqual([key, true]);
    const cards = view.messages.filter(({ key }) => key.startsWith("card@"));
    expect(cards.length).toBeGreaterThan(1);
    const keys = new Set(view.messages.map(({ key }) => key));
    for (const { under } of view.messages) if (under !== null) expect(keys.has(under)).toBe(true);
  });

  test("wakes people without saying why", async () => {
    const { state, around } = await drawn();
    const pages = desiredPages(state, around.system, pageWords(true), around.now);
    const told = JSON.stringify(pages);
    expect(pages.length).toBeGreaterThan(0);
    expect(told).toContain("private incident");
    for (const word of ["zebra", "Fail over", "database", "orders-b"]) expect(told).not.toContain(word);
  });

  test("is in no metric", async () => {
    const registry = new Registry();
    const { state, events } = await app.state(incident);
    const counts = recordedMetrics(registry);
    for (const event of events) counts.count(event, state);
    expect(await registry.metrics()).not.toContain("practice");
  });

  test("is no business of the status page, mail or people outside", async () => {
    for (const audience of ["status-page", "customers", "executives"]) {
      const text = await textOf("sam", `update ${audience} --incident INC-1`);
      expect(text).not.toContain("was posted");
    }
    expect((await app.state(incident)).state.comms.updates).toEqual([]);
  });
});

test("anyone asked, paged or invited becomes a member, and stays one", async () => {
  const { state } = await app.state(incident);
  const system = app.context.catalog.systems[0];
  const knows = (person: string) => mayKnowOf(state, system, { person, slackUser: null });
  expect(["cass-moreau", "vera-lindqvist"].map(knows)).toEqual([false, false]);
  expect(await textOf("cass", "invite @sam")).toContain("No open incidents");
  await app.engine(run, {
    type: "gate.escalated",
    data: { step: "approve", ask: "ask-secret", level: 1, role: "vp-engineering" },
  });
  expect(await textOf("vera", "status INC-1")).toContain("zebra");
  expect(await textOf("alex", "invite <@UCASS> U0STRANGER --incident INC-1")).toContain("isn't on the roster");
  expect(await textOf("alex", "invite <@UCASS> <@U0STRANGER> --incident INC-1")).toContain("can see");
  expect(await textOf("cass", "status INC-1")).toContain("zebra");
  expect(await textOf("stranger", "catchup INC-1")).not.toContain("There is no incident");
  expect(await textOf("alex", "invite <@UCASS> --incident INC-1")).toContain("already members");
});

describe("what is declared beside it says nothing of it:", () => {
  test.each(starts.map((command) => [command.verb, command] as const))("%s", async (_verb, command) => {
    for (const { line, actionValue } of waysOf(command)) {
      const ours = await app.ask("toni", line, {
        key: `${command.verb}-${line}-${actionValue}`,
        ...(actionValue !== undefined && { actionValue, verb: command.verb }),
      });
      expect(secretsIn(ours, `${line} ${actionValue}`)).toEqual([]);
    }
  });

  test("declare", async () => {
    const reply = await app.ask("toni", "declare Orders fail", { key: "other-key" });
    expect(secretsIn(reply, "")).toEqual([]);
    expect(secretsIn(await app.ask("toni", "list"), "")).toEqual([]);
  });
});

async function drawn() {
  const { state } = await app.state(incident);
  const [system] = app.context.catalog.systems;
  if (system === undefined) throw new Error("There is no system");
  const around = {
    system,
    now: app.context.timeline.now(),
    practice: true,
    names: (who: string) => who,
    channel: null,
  };
  return { state, around };
}

function isMember(state: Awaited<ReturnType<typeof drawn>>["state"], place: unknown): boolean {
  if (typeof place !== "object" || place === null || !("person" in place)) return false;
  const account = String(place.person);
  const [system] = app.context.catalog.systems;
  const person = system?.people.find(({ slack }) => slack.includes(account))?.id ?? null;
  return mayKnowOf(state, system, { person, slackUser: account });
}

/** Without what differs between two stores: numbers and moments. */
function alike(reply: unknown): unknown {
  const text = JSON.stringify(reply)
    .replace(/\b(INC|DRILL|MAINT)-\d+/g, "$1-n")
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z)?/g, "then")
    .replace(/<!date\^\d+\^[^|]*\|[^>]*>/g, "then")
    .replace(/\d\d:\d\d(:\d\d)?/g, "then")
    .replace(/"initial_date_time":\d+/g, "then")
    .replace(/[A-Z2-7]{32}|(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}/g, "key");
  return JSON.parse(text.replace(/data:[^"\\]*/g, "picture"));
}

function secretsIn(reply: unknown, typed: string): readonly string[] {
  const text = JSON.stringify(reply);
  return SECRETS.filter((secret) => text.includes(secret) && !typed.includes(secret));
}

async function textOf(person: string, line: string): Promise<string> {
  const reply = await app.ask(person, line);
  return "message" in reply ? reply.message.text : reply.kind;
}

describe("an evidence pack in a chat", () => {
  const from = "2020-01-01";
  const takes = (who: string, how: Parameters<TestApp["ask"]>[2] = {}) => app.ask(who, `evidence --from ${from}`, how);

  beforeAll(() => {
    const [store] = stores as [Store];
    const { keyring, pool } = store;
    Object.assign(app.context, {
      evidence: async (period: Parameters<typeof zippedPack>[0]) =>
        zippedPack(period, {
          ...{ pool, keyring, seals: await readSeals(pool, keyring) },
          ...{ catalog: app.context.catalog, practice: true, version: "0.0.0" },
        }),
    });
  });

  test("goes to an administrator alone, says that something is left out, and has nothing of a private incident", async () => {
    const reply = await takes("vera", { channel: CHANNEL });
    if (reply.kind !== "file") throw new Error(`It was answered: ${JSON.stringify(reply)}`);
    expect(reply).toMatchObject({
      channel: null,
      confidential: true,
      name: expect.stringMatching(/^evidence-practice-2020-01-01-.*\.zip$/),
    });
    expect(reply.message.text).toContain("Private incidents left out: 1");
    const files = unzipped(Buffer.from(reply.content));
    expect(JSON.parse(files.get("manifest.json")?.toString() ?? "")).toMatchObject({
      leftOut: { privateIncidents: 1 },
    });
    for (const [path, content] of files)
      for (const secret of SECRETS)
        expect([path, content.includes(secret) || path.includes(secret)]).toEqual([path, false]);
  }, 60_000);

  test("is refused to everyone else, and in channels that are shared with another company", async () => {
    for (const who of ["sam", "alex", "toni", "cass"])
      expect(await refusalOf(takes(who))).toContain("Who can: Vera Lindqvist.");
    const where = { why: "This channel is shared with another company", known: true };
    const [caller] = app.context.catalog.systems[0]?.people.filter(({ id }) => id === "vera-lindqvist") ?? [];
    const request = {
      ...{ verb: "evidence", words: [], rest: "", options: { from }, key: "shared", form: null, actionValue: null },
      ...{ canAskForm: false, place: { channel: "CSHARED", thread: null } },
    };
    const { id = "", name = "", slack = [] } = caller ?? {};
    const by = {
      transport: "slack",
      slackUser: slack[0] ?? null,
      person: id,
      name,
      blocked: null,
      place: where,
    } as const;
    expect(await refusalOf(answer(app.context, { ...request, caller: by }))).toContain(where.why);
  });

  test("is made once at a time, and needs a beginning", async () => {
    expect(await refusalOf(app.ask("vera", "evidence"))).toContain("no beginning");
    const both = await Promise.all([takes("vera"), takes("vera")]);
    expect(both.map(({ kind }) => kind).sort()).toEqual(["file", "private"]);
  }, 60_000);
});

async function refusalOf(reply: Promise<Reply>): Promise<string> {
  const said = await reply;
  return said.kind === "private" && said.refused ? said.message.text : `not refused: ${said.kind}`;
}
