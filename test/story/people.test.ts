import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Actor } from "../../src/incident/events.ts";
import { createTally } from "../../src/timeline/tally.ts";
import { answerTo, askFor, heard, isQuestion, newFrom, type Question, questionOf } from "./approval-requests.ts";
import { logStatements, openPracticeHarness, type PracticeHarness } from "./harness.ts";

let harness: PracticeHarness;
const runbook = (practice: string, name: string) => join(practice, "runbooks", `${name}.yml`);

beforeAll(async () => {
  harness = await openPracticeHarness();
  await harness.catalog(async (practice) => {
    const text = await readFile(runbook(practice, "database-failover"), "utf8");
    const hasty = text.replace("starts: failover database\n", "").replace("expires: 10m", "expires: 2s");
    await writeFile(runbook(practice, "hasty"), hasty);
  });
}, 120_000);
afterAll(() => harness?.stop(), 60_000);

/** The newest refusal on the incident's timeline: who was refused, and why. */
async function lastRefusal(): Promise<{ user: string | null; code: string } | undefined> {
  const { events } = await harness.lastRun();
  const last = events.findLast(({ type }) => type === "approval.refused" || type === "command.refused");
  const actor = last?.actor as Actor | undefined;
  return (
    last && { user: actor?.kind === "person" ? actor.slackUser : null, code: (last.data as { code: string }).code }
  );
}

async function abort({ run, channel }: Question): Promise<void> {
  const isNew = newFrom(harness);
  await harness.workspace.as("USAM").slash(`/dr abort ${run} that was all`, channel);
  await heard(harness, isNew, / aborted\. /);
}

describe("an approval that does not count", () => {
  let question: Question;
  let userActions: readonly string[];

  beforeAll(async () => {
    question = await askFor(harness, "/dr failover database");
    userActions = await harness.userActions();
  }, 60_000);
  afterAll(() => harness.endOpenRuns(), 60_000);

  /** How many events of the run are people's: the bot may still be paging for the question. */
  const ofPeople = async () =>
    (await harness.lastRun()).events.filter(({ actor }) => (actor as Actor).kind === "person").length;
  const approvedBy = (user: string) =>
    answerTo(harness, user, () => harness.workspace.as(user).click(question.card, "gate.approve", { confirm: true }));

  test.each([
    ["a guest", "UGIL", /^Guests can't use Lifeboat\./],
    ["an outsider", "UODA", /^This Slack account belongs to another company/],
    ["somebody deactivated", "UDEE", /^This Slack account is deactivated\./],
  ])(
    "of %s: they are told why, it is counted and not on the timeline, the servers hear nothing",
    async (_who, user, says) => {
      const events = await ofPeople();
      const tally = createTally(harness.store.pool);
      const counted = async () =>
        (await tally.read("refused/account-blocked")).filter(({ last }) => last?.startsWith("gate.approve in ")).length;
      const before = await counted();
      expect(await approvedBy(user)).toMatch(says);
      expect(await counted()).toBe(before + 1);
      expect(await ofPeople()).toBe(events);
      expect(await harness.userActions()).toEqual(userActions);
    },
  );

  test.each([
    ["the requester of the run", "UALEX", "gate-requester", /You requested this run, so you can't approve it/],
    ["somebody without the role", "UCASS", "gate-role", /You don't hold a role that decides this \(Incident commander/],
  ])("of %s: they are told why, it is on the timeline, the servers hear nothing", async (_who, user, code, says) => {
    expect(await approvedBy(user)).toMatch(says);
    expect(await lastRefusal()).toEqual({ user, code });
    expect(await harness.userActions()).toEqual(userActions);
  });

  test("given twice, from a phone and a laptop, it counts once and one promotion follows; given when all is over, there is nothing left to approve", async () => {
    const isNew = newFrom(harness);
    const sam = harness.workspace.as("USAM");
    const twice = [1, 2].map(() => sam.click(question.card, "gate.approve", { confirm: true }));
    await Promise.all(twice);
    await heard(harness, isNew, /is done and verified/);
    const { events, run } = await harness.lastRun();
    expect(run.status).toBe("verified");
    expect(events.filter(({ type }) => type === "gate.approved")).toHaveLength(1);
    expect((await lastRefusal())?.code).toMatch(/^(already-decided|too-late)$/);
    const told = (await sam.messages(question.channel, question.card.thread_ts)).filter(({ only }) => only === "USAM");
    expect(told.map(({ text }) => text).join("\n")).toMatch(/already (decided|approved)|You already approved/i);
    expect(await harness.promotions("orders-b")).toBe(1);

    const words = `/dr approve ${question.run} ${question.ask}`;
    const says = await answerTo(harness, "USAM", () => harness.workspace.as("USAM").slash(words, question.channel));
    expect(says).toMatch(/The run has ended \(verified\)/);
    expect(await harness.promotions("orders-b")).toBe(1);
  }, 60_000);
});

describe("a question that no longer holds", () => {
  beforeEach(async () => {
    await harness.environment.heal();
    await logStatements(harness);
  }, 120_000);
  afterEach(() => harness.endOpenRuns(), 60_000);

  test("its time is over: the thread says so, and a late approval is refused", async () => {
    const before = await harness.userActions();
    const isNew = newFrom(harness);
    const question = await askFor(harness, "/dr runbook hasty");
    await heard(harness, isNew, /expired without a decision/);
    const words = `/dr approve ${question.run} ${question.ask}`;
    const says = await answerTo(harness, "USAM", () => harness.workspace.as("USAM").slash(words, question.channel));
    expect(says).toMatch(/The approval has expired.*Request it again/s);
    expect(await lastRefusal()).toEqual({ user: "USAM", code: "gate-expired" });
    await abort(question);
    expect(await harness.userActions()).toEqual(before);
  }, 60_000);

  test("the runbook's file was changed since: what was shown is what happens", async () => {
    const question = await askFor(harness, "/dr failover database");
    const asked = (await harness.lastRun()).run.planHash;
    await harness.catalog(async (practice) => {
      const file = runbook(practice, "database-failover");
      const text = await readFile(file, "utf8");
      const changed = text
        .replaceAll(/title: Promote \$\{database\.to\.name\}/g, "title: Do what nobody was shown")
        .replace(/ {6}- id: orders-healthy\n.*\n.*\n.*\n/, "");
      expect(changed).not.toContain("orders-healthy");
      await writeFile(file, changed);
    });
    const isNew = newFrom(harness);
    await harness.workspace.as("USAM").click(question.card, "gate.approve", { confirm: true });
    await heard(harness, isNew, /is done and verified/);
    const { run } = await harness.lastRun();
    expect(run.planHash).toBe(asked);
    expect(run.steps.get("promote")?.step.title).toBe("Promote orders-b");
    expect(run.steps.get("orders-healthy")?.status).toBe("done");

    await harness.environment.heal();
    await logStatements(harness);
    const next = await askFor(harness, "/dr failover database");
    const { run: changed } = await harness.lastRun();
    expect(changed.planHash).not.toBe(asked);
    expect(changed.steps.get("promote")?.step.title).toBe("Do what nobody was shown");
    await abort(next);
  }, 120_000);

  test("the standby stopped replaying meanwhile: the approval is void, and it is asked again when that is put right", async () => {
    const question = await askFor(harness, "/dr failover database");
    const before = await harness.userActions();
    const isNew = newFrom(harness);
    const sam = harness.workspace.as("USAM");
    await harness.environment.injectFault("pause-replay");
    await sam.click(question.card, "gate.approve", { confirm: true });
    const { ts } = question.card;
    await heard(harness, (m) => m.ts === ts, /void: It can't start any more: .*Replay on orders-b is paused/s);
    await heard(
      harness,
      isNew,
      /is blocked: nothing runs until it's resumed\..*does not replay \(paused\).*pg_wal_replay_resume/s,
    );
    expect(await harness.userActions()).toEqual(before);

    await harness.environment.injectFault("resume-replay");
    const later = newFrom(harness);
    await sam.slash(`/dr resume ${question.run}`, question.channel);
    const again = questionOf(await sam.waitForMessage((m) => later(m) && isQuestion(m), 30_000));
    expect(again.ask).not.toBe(question.ask);
    const words = `/dr approve ${question.run} ${question.ask}`;
    const says = await answerTo(harness, "USAM", () => sam.slash(words, question.channel));
    expect(says).toMatch(/A newer request has replaced this one/);
    const { events } = await harness.lastRun();
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(["gate.voided", "run.stuck", "run.resumed"]));
    await abort(again);
    expect(await harness.userActions()).toEqual(before);
  }, 90_000);
});
