import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { killedOnce } from "../support/killed-once.ts";
import { until } from "../support/postgres.ts";
import { answerTo, askFor, buttonOf, heard, newFrom, questionOf } from "./approval-requests.ts";
import { logStatements, openPracticeHarness, type PracticeHarness } from "./harness.ts";

/** Stops between the fence and the promotion, where people give a failover up. */
const GIVEN_UP = `title: Move the orders database, slowly
summary: Fences the primary, waits for a person, and promotes the standby.
component: database
modes: [planned]
direction: { of: database }
changes: "orders database: writes move from \${database.from.name} to \${database.to.name}"
stages:
  - id: decide
    title: Decide
    steps:
      - id: approve
        title: Move writes?
        gate: { role: incident-commander, quorum: 1, expires: 10m, escalate: database }
  - id: move
    title: Move
    steps:
      - id: fence
        title: Fence \${database.from.name}
        action: postgres.fence
        with:
          node: "\${database.from}"
          app: { user: app, passwordFrom: ORDERS_APP_PASSWORD }
          peer: "\${database.to}"
      - id: wait
        title: Make sure
        action: human.confirm
        with: { instructions: Look once more. }
      - id: promote
        title: Promote \${database.to.name}
        action: postgres.promote
        with: { from: "\${database.from}", to: "\${database.to}", fenceStep: fence }
`;

let harness: PracticeHarness;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  harness = await openPracticeHarness();
}, 120_000);
afterAll(() => harness?.stop(), 60_000);
afterEach(() => harness.endOpenRuns(), 60_000);
beforeEach(async () => {
  await harness.environment.heal();
  await logStatements(harness);
  // A bot that was killed is started again with the catalogue of everyone.
  environment = await harness.catalog((practice) => writeFile(join(practice, "runbooks/slow-move.yml"), GIVEN_UP));
}, 120_000);

const alex = () => harness.workspace.as("UALEX");
const sam = () => harness.workspace.as("USAM");

/** A run that fenced the primary and was aborted: no one can order. */
async function givenUp() {
  const question = await askFor(harness, "/dr runbook slow-move");
  await sam().click(question.card, "gate.approve", { confirm: true });
  await until(async () => (await harness.lastRun()).run.steps.get("wait")?.status === "open", 30);
  const isNew = newFrom(harness);
  await alex().slash(`/dr abort ${question.run} The primary is fine`);
  const over = await heard(harness, (m) => isNew(m) && buttonOf(m, "run.undo") !== undefined, /aborted/);
  await until(async () => !(await harness.environment.healthy()), 15);
  return { over, run: question.run };
}

/** By someone past the bot. */
async function promote(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  await client.connect();
  await client.query("select pg_promote()");
  await client.end();
}

const opened = async () =>
  (await harness.userActions()).filter((userAction) =>
    /alter system reset default_transaction_read_only/.test(userAction),
  ).length;

describe("a failover is given up after the fence", () => {
  test.each(["undo:intended", "undo:after-apply", "undo:verified"])(
    "the fence is undone by a button though the bot dies at %s: orders are taken again, by one server",
    async (at) => {
      const { over, run } = await givenUp();
      expect(JSON.stringify(over.blocks)).toContain(`run.undo/${run}/fence`);
      const before = await opened();
      await killedOnce(harness.bot, { at, marker: join(harness.folder, "killed"), environment }, async () => {
        const isNew = newFrom(harness);
        await alex().click(over, "run.undo", { confirm: true });
        const card = await heard(harness, (m) => isNew(m) && buttonOf(m, "gate.approve") !== undefined, /Undo/);
        await sam().click(questionOf(card).card, "gate.approve", { confirm: true });
        await until(async () => (await harness.lastRun()).run.ending !== null, 60);
      });
      const { run: undone } = await harness.lastRun();
      expect([undone.status, undone.plan.undoes]).toMatchObject(["verified", { run, step: "fence" }]);
      await until(() => harness.environment.healthy(), 30);
      expect((await harness.environment.writers()).length).toBe(1);
      expect((await opened()) - before).toBe(1);
      expect(await harness.environment.ledger()).toMatchObject({ lost: 0 });
      expect(await harness.store.timeline.verify()).toMatchObject({ ok: true, problems: [] });
    },
    240_000,
  );

  test("not while the other server takes writes, and nothing is changed then", async () => {
    const { run } = await givenUp();
    const before = await opened();
    await promote(harness.environment.nodes[1].url());
    const isNew = newFrom(harness);
    await alex().slash(`/dr undo fence ${run}`);
    const { text } = await heard(harness, (m) => isNew(m) && m.thread_ts !== undefined, /split brain/, 60_000);
    expect(text).toContain("orders-b takes writes");
    expect(await opened()).toBe(before);
    expect((await harness.environment.writers()).length).toBe(1);
  }, 120_000);

  test("not while the other server is silent, unless that is accepted", async () => {
    const { run } = await givenUp();
    await harness.environment.nodes[1].kill();
    const isNew = newFrom(harness);
    await alex().slash(`/dr undo fence ${run}`);
    const { text } = await heard(
      harness,
      (m) => isNew(m) && m.thread_ts !== undefined,
      /failed\. .*does not answer/s,
      60_000,
    );
    expect(text).toContain(`/dr undo fence ${run} --unplanned`);
    const question = await askFor(harness, `/dr undo fence ${run} --unplanned`);
    expect(JSON.stringify(question.card.blocks)).toContain("two servers take writes");
    expect(
      await answerTo(harness, "UALEX", () => alex().click(question.card, "gate.approve", { confirm: true })),
    ).toContain("you can't approve it");
    await sam().click(question.card, "gate.approve", { confirm: true });
    await until(async () => (await harness.lastRun()).run.status === "verified", 60);
    await until(() => harness.environment.healthy(), 30);
  }, 120_000);
});
