import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createHost, type DatabaseHost } from "../../practice/environment/database.ts";
import { setUp } from "../../practice/environment/setup.ts";
import type { Message } from "../../practice/slack/index.ts";
import { untilStreaming } from "../../practice/systems/practice/heal.ts";
import { until } from "../support/postgres.ts";
import {
  AGAIN,
  answerTo,
  askFor,
  buttonOf,
  heard,
  isQuestion,
  newFrom,
  type Question,
  questionOf,
} from "./approval-requests.ts";
import { logStatements, openPracticeHarness, type PracticeHarness } from "./harness.ts";

let harness: PracticeHarness;
let values: string;

beforeAll(async () => {
  harness = await openPracticeHarness();
  values = join(harness.folder, "values.json");
}, 120_000);
afterAll(() => harness?.stop(), 60_000);
afterEach(() => harness.endOpenRuns(), 60_000);

const alex = () => harness.workspace.as("UALEX");
const sam = () => harness.workspace.as("USAM");

async function approve({ card }: Question) {
  const isNew = newFrom(harness);
  await sam().click(card, "gate.approve", { confirm: true });
  return heard(harness, isNew, /is done and verified/, 60_000);
}

/** Asks for a run that can't start, and gives the thread's last word on it. */
async function refused(words: string) {
  const isNew = newFrom(harness);
  const before = await harness.userActions();
  await alex().slash(words + AGAIN);
  // The run's own message and its list of steps say "failed" as well, and are drawn at the same time.
  const isReport = (m: Message) =>
    isNew(m) && m.thread_ts !== undefined && m.thread_ts !== m.ts && !m.text.startsWith("Steps of");
  const { text } = await heard(harness, isReport, /\bfailed\./);
  expect(text).toContain("Nothing was changed.");
  expect(await harness.userActions()).toEqual(before);
  return text;
}

/** Asks for a run that is not even planned: only who asked is told, and nothing is declared. */
async function unplannable(words: string) {
  const declared = () => harness.store.timeline.streams("inc-");
  const [known, userActions] = [await declared(), await harness.userActions()];
  const says = await answerTo(harness, "UALEX", () => alex().slash(words));
  expect(says).toMatch(/^"[^"]+" can't be planned; nothing was started\./);
  expect([await declared(), await harness.userActions()]).toEqual([known, userActions]);
  return says;
}

describe("words no one understands", () => {
  test.each([
    ["/dr failovr database", /There is no command "failovr"\..*Did you mean `\/dr failover`\?$/s],
    [
      "/dr failover databse",
      /You can fail over: database, practice-a, practice-b\. Did you mean `\/dr failover database`\?$/,
    ],
    [
      "/dr failover orders",
      /Nothing called "orders" can be failed over\. You can fail over: database, practice-a, practice-b\.$/,
    ],
    [
      "/dr failover database --unplaned",
      /There is no option --unplaned\..*Did you mean `\/dr failover … --unplanned`\?$/,
    ],
    ["/dr failover database --system shop", /There is no system "shop" here\. Systems: practice\.$/],
    ["/dr failover database --planned --unplanned", /Choose planned or unplanned, not both\. Drop one of them\.$/],
    [
      "/dr runbook datbase-check",
      /There is no runbook "datbase-check" here\..*Did you mean `\/dr runbook database-check`\?$/,
    ],
  ])("%s: what there is instead, and nothing is declared", async (words, says) => {
    const declared = () => harness.store.timeline.streams("inc-");
    const before = await declared();
    expect(await answerTo(harness, "UALEX", () => alex().slash(words))).toMatch(says);
    expect(await declared()).toEqual(before);
  });
});

describe("servers that are not as a failover needs them", () => {
  beforeEach(async () => {
    await harness.environment.heal();
    await logStatements(harness);
  }, 120_000);

  test("no standby: said, with what brings one back", async () => {
    await harness.environment.nodes[1].kill();
    const says = await unplannable("/dr failover database");
    expect(says).toContain("no standby is ready (orders-a takes writes; not a standby: orders-b)");
    expect(says).toContain("`/dr restore database`");
  }, 60_000);

  test("the primary is dead: the unplanned way is one press, and ends verified", async () => {
    const isNew = newFrom(harness);
    await harness.environment.injectFault("kill-primary");
    expect(await refused("/dr failover database")).toMatch(/orders-a does not answer/);
    const offer = await alex().waitForMessage((m) => isNew(m) && buttonOf(m, "run.unplanned") !== undefined);
    const later = newFrom(harness);
    await alex().click(offer, "run.unplanned");
    const question = questionOf(await sam().waitForMessage((m) => later(m) && isQuestion(m), 30_000));
    await approve(question);
    const { run } = await harness.lastRun();
    expect(run).toMatchObject({ mode: "unplanned", status: "verified" });
  }, 90_000);

  test("the primary dies while the question is open: void, stuck, and the unplanned way is one press there too", async () => {
    const question = await askFor(harness, "/dr failover database");
    const before = await harness.userActions();
    await harness.environment.injectFault("kill-primary");
    const isNew = newFrom(harness);
    await sam().click(question.card, "gate.approve", { confirm: true });
    await heard(harness, (m) => m.ts === question.card.ts, /void: It can't start any more: orders-a does not/);
    const stuck = await heard(harness, isNew, /is blocked: nothing runs until it's resumed/);
    expect(await harness.userActions()).toEqual(before);
    const later = newFrom(harness);
    await alex().click(stuck, "run.unplanned");
    const again = questionOf(await sam().waitForMessage((m) => later(m) && isQuestion(m), 30_000));
    expect(again.run).not.toBe(question.run);
    await approve(again);
  }, 90_000);
});

describe("one failover after the other", () => {
  beforeEach(async () => {
    await harness.environment.heal();
    await logStatements(harness);
  }, 120_000);

  test("a second while one runs is held, and says by which and where", async () => {
    const first = await askFor(harness, "/dr failover database");
    const says = await answerTo(harness, "UCASS", () =>
      harness.workspace.as("UCASS").slash("/dr failover database --unplanned"),
    );
    expect(says).toContain("was not started: ");
    expect(says).toContain(`(${first.run}), requested by Alex Rivera, is using the same target in <#${first.channel}>`);
    expect(says).toContain(`\`/dr abort ${first.run}\``);
    await approve(first);
  }, 90_000);

  test("a second when it is over: there is no standby, and it says what brings one back", async () => {
    await approve(await askFor(harness, "/dr failover database"));
    const says = await unplannable("/dr failover database");
    expect(says).toContain("no standby is ready (orders-b takes writes; not a standby: orders-a)");
    expect(says).toContain("`/dr restore database`");
    expect(says).not.toMatch(/unfence|unplanned/);
  }, 90_000);

  test("restored, and moved back: every server has been where it was, and nothing was lost", async () => {
    await approve(await askFor(harness, "/dr failover database"));
    const restore = await askFor(harness, "/dr restore database");
    expect(restore.card.text).toContain("orders-a is rebuilt as a standby of orders-b");
    await approve(restore);
    const back = await askFor(harness, "/dr failover database");
    expect(back.card.text).toContain("writes move from orders-b to orders-a. Data loss: nothing");
    await approve(back);
    const { application } = await harness.environment.state();
    expect(application?.target.name).toBe("orders-a");
    expect(await harness.environment.ledger()).toMatchObject({ lost: 0 });
  }, 120_000);
});

describe("a catalogue that asks for too much, or points at the wrong servers", () => {
  const hosts: DatabaseHost[] = [];

  beforeAll(async () => {
    await harness.environment.heal();
    await harness.catalog(
      async (practice) => {
        const file = join(practice, "runbooks/database-failover.yml");
        const text = await readFile(file, "utf8");
        const strict = text.replace(/( +)mode: \$\{mode\}\n/, "$&$1maxLagBytes: 2000\n");
        await writeFile(file, strict);
        await writeFile(values, await readFile(harness.environment.environment().LIFEBOAT_VALUES as string));
      },
      { LIFEBOAT_VALUES: values },
    );
  }, 120_000);
  afterAll(() => Promise.all(hosts.map((host) => host.kill())));

  test("lag over the limit: how much, the limit, and what can be done", async () => {
    await harness.environment.injectFault("stall-replication");
    try {
      await until(
        async () => (await harness.environment.state()).nodes.some(({ lagBytes }) => (lagBytes ?? 0) > 4000),
        20,
      );
      const says = await refused("/dr failover database");
      expect(says).toMatch(
        /orders-b is \d{4,} bytes and [\d.]+ s behind; the limit is 2000 bytes and 60 s\. Wait until/,
      );
    } finally {
      await harness.environment.injectFault("resume-replication");
    }
  }, 60_000);

  test("the standby of another cluster: both are named, no one is promoted", async () => {
    const secrets = harness.environment.environment();
    const password = secrets.ORDERS_DB_PASSWORD as string;
    const passwords = { owner: password, admin: password, app: password, monitor: password, replicator: password };
    const folder = join(harness.folder, "environment");
    const [c, d] = await Promise.all(["orders-c", "orders-d"].map((name) => createHost(name, folder, passwords)));
    if (!c || !d) throw new Error("There are two.");
    hosts.push(c, d);
    await c.create();
    await c.start();
    await setUp(c, passwords);
    await d.follow(c);
    await untilStreaming(c);
    const { practice } = JSON.parse(await readFile(values, "utf8"));
    await writeFile(values, JSON.stringify({ practice: { ...practice, bPort: d.port } }));
    const says = await unplannable("/dr failover database");
    expect(says).toContain("Its members are not of one cluster: orders-a takes writes; orders-b is a standby");
    await rm(values);
    const unreadable = await answerTo(harness, "UALEX", () => alex().slash("/dr failover database"));
    expect(unreadable).toMatch(/aPort/);
  }, 90_000);
});
