import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { blockedBy } from "../support/action-harness.ts";
import { type DatabaseFixture, openDatabaseFixture, soon } from "../support/database-fixture.ts";

/** A planned switchover over real servers under load. */
let databases: DatabaseFixture;
beforeAll(async () => {
  databases = await openDatabaseFixture();
}, 60_000);
afterAll(() => databases?.environment.stop(), 30_000);
beforeEach(() => databases.whole(), 40_000);

describe("a planned switchover", () => {
  test("loses nothing under load, and writes pause for seconds at most", async () => {
    const harness = databases.harness();
    await databases.environment.application.measure();

    const { evidence: looked } = await harness.perform("check", "postgres.check", {
      nodes: [databases.a, databases.b],
    });
    await databases.switchOver(harness);
    await databases.ordersFlow();

    expect(looked.says).toContain("What a failover would lose now: nothing: standby streaming, 0 bytes behind.");
    expect(harness.context.evidenceOf("promote")?.rpo).toMatchObject({ seconds: 0, rows: 0 });
    expect(await databases.environment.ledger()).toMatchObject({ lost: 0 });
    const state = await databases.environment.application.state();
    expect(state?.target.name).toBe(databases.b.name);
    expect(state?.longestGapSeconds).toBeLessThan(10);
  }, 40_000);

  test("the fence is seen as the application sees it, and an unfence takes it away", async () => {
    const harness = databases.harness();
    const { evidence, facts } = await harness.perform("fence", "postgres.fence", {
      node: databases.a,
      app: databases.app,
    });
    expect(evidence.says).toContain(`${databases.a.name} refuses writes by app (25006)`);
    expect(facts).toMatchObject({ fenced: true, fenceAccepted: false });
    await soon("the application being refused", async () => {
      const state = await databases.environment.application.state();
      return state?.lastError?.includes("[25006]") ?? false;
    });

    const again = await harness.look("postgres.fence", { node: databases.a, app: databases.app });
    expect(again.done).toBe("yes");

    await harness.perform("unfence", "postgres.unfence", { node: databases.a, other: databases.b, app: databases.app });
    await databases.ordersFlow();
  });

  test("no one is promoted without evidence of a fence", async () => {
    const harness = databases.harness();
    const step = { from: databases.a, to: databases.b, fenceStep: "fence" };
    expect(blockedBy((await harness.look("postgres.promote", step)).checks)).toEqual(["evidence.fence"]);
    harness.remember("fence", {
      says: "it was not fenced",
      facts: [{ id: "fenceAccepted", label: "accepted", value: true, material: false }],
    });
    expect(blockedBy((await harness.look("postgres.promote", step)).checks)).toEqual(["evidence.fence"]);
  });

  test("a second promotion is refused by the server, which counts as nothing, and looking decides", async () => {
    const harness = databases.harness();
    const step = { from: databases.a, to: databases.b, fenceStep: "fence" };
    const before = (await harness.look("postgres.promote", step)).seen;
    await databases.switchOver(harness);

    const promote = harness.action("postgres.promote");
    const input = harness.input("postgres.promote", step);
    const context = { ...harness.context, budget: promote.budget, progress: () => {}, launched: async () => {} };
    const handle = await promote.apply?.(context, input, before);
    expect(handle).toMatchObject({ promoted: false, refused: "recovery is not in progress" });
    const seen = await promote.observe(context, input);
    expect(promote.done(seen, input, before)).toBe("yes");
    expect((await promote.verify(context, input, before, handle ?? null)).rpo).toMatchObject({ rows: 0 });
  });

  test("split brain is called by its name, with the state now and what to do", async () => {
    const harness = databases.harness();
    const step = { from: databases.a, to: databases.b, fenceStep: "fence" };
    const before = (await harness.look("postgres.promote", step)).seen;
    await byHand(databases.superuser(databases.b), "select pg_promote(true, 30)");

    const looked = await harness.look("postgres.check", { nodes: [databases.a, databases.b] });
    expect(blockedBy(looked.checks)).toContain("splitBrain");
    const promote = harness.action("postgres.promote");
    const context = { ...harness.context, budget: promote.budget, progress: () => {}, launched: async () => {} };
    const input = harness.input("postgres.promote", step);
    expect(promote.done((await harness.look("postgres.promote", step)).seen, input, null)).toBe("partial");
    await expect(promote.verify(context, input, before, null)).rejects.toMatchObject({
      problem: { code: "split-brain", stateNow: expect.stringContaining(`${databases.a.name} is not fenced`) },
    });
  });

  test("the old primary comes back as a standby through its host's own script", async () => {
    const harness = databases.harness();
    await databases.switchOver(harness);
    const { evidence, applied } = await harness.perform("rejoin", "postgres.rejoin", {
      node: databases.a,
      primary: databases.b,
      slot: databases.a.name.replace("-", "_"),
      script: await databases.script("rejoin.mjs", ["PRACTICE_HOSTS_TOKEN"]),
      arguments: [databases.environment.url, databases.a.name],
    });
    expect(applied).toBe(true);
    expect(evidence.says).toBe(
      `${databases.a.name} is a standby of ${databases.b.name}: streaming, 0 bytes behind, seen twice.`,
    );
    const back = await harness.look("postgres.check", { nodes: [databases.a, databases.b] });
    expect(back.facts).toMatchObject({ primary: databases.b.name, standby: databases.a.name, streaming: true });
    expect(blockedBy(back.checks)).toEqual([]);
  }, 60_000);
});

async function byHand(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}
