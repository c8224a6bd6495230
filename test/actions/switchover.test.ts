import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { blockedBy } from "./conductor.ts";
import { openShop, type Shop, soon } from "./shop.ts";

/** A planned switchover over real servers under load. */
let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
}, 60_000);
afterAll(() => shop?.environment.stop(), 30_000);
beforeEach(() => shop.whole(), 40_000);

describe("a planned switchover", () => {
  test("loses nothing under load, and writes pause for seconds at most", async () => {
    const conductor = shop.conductor();
    await shop.environment.application.measure();

    const { evidence: looked } = await conductor.perform("check", "postgres.check", { nodes: [shop.a, shop.b] });
    await shop.switchOver(conductor);
    await shop.ordersFlow();

    expect(looked.says).toContain("What a failover would lose now: nothing: standby streaming, 0 bytes behind.");
    expect(conductor.context.evidenceOf("promote")?.rpo).toMatchObject({ seconds: 0, rows: 0 });
    expect(await shop.environment.ledger()).toMatchObject({ lost: 0 });
    const state = await shop.environment.application.state();
    expect(state?.target.name).toBe(shop.b.name);
    expect(state?.longestGapSeconds).toBeLessThan(10);
  }, 40_000);

  test("the fence is seen as the application sees it, and an unfence takes it away", async () => {
    const conductor = shop.conductor();
    const { evidence, facts } = await conductor.perform("fence", "postgres.fence", { node: shop.a, app: shop.app });
    expect(evidence.says).toContain(`${shop.a.name} refuses writes by app (25006)`);
    expect(facts).toMatchObject({ fenced: true, fenceAccepted: false });
    await soon("the application being refused", async () => {
      const state = await shop.environment.application.state();
      return state?.lastError?.includes("[25006]") ?? false;
    });

    const again = await conductor.look("postgres.fence", { node: shop.a, app: shop.app });
    expect(again.done).toBe("yes");

    await conductor.perform("unfence", "postgres.unfence", { node: shop.a, other: shop.b, app: shop.app });
    await shop.ordersFlow();
  });

  test("nobody is promoted without evidence of a fence", async () => {
    const conductor = shop.conductor();
    const step = { from: shop.a, to: shop.b, fenceStep: "fence" };
    expect(blockedBy((await conductor.look("postgres.promote", step)).checks)).toEqual(["evidence.fence"]);
    conductor.remember("fence", {
      says: "it was not fenced",
      facts: [{ id: "fenceAccepted", label: "accepted", value: true, material: false }],
    });
    expect(blockedBy((await conductor.look("postgres.promote", step)).checks)).toEqual(["evidence.fence"]);
  });

  test("a second promotion is refused by the server, which counts as nothing, and looking decides", async () => {
    const conductor = shop.conductor();
    const step = { from: shop.a, to: shop.b, fenceStep: "fence" };
    const before = (await conductor.look("postgres.promote", step)).seen;
    await shop.switchOver(conductor);

    const promote = conductor.action("postgres.promote");
    const input = conductor.input("postgres.promote", step);
    const context = { ...conductor.context, budget: promote.budget, progress: () => {}, launched: async () => {} };
    const handle = await promote.apply?.(context, input, before);
    expect(handle).toMatchObject({ promoted: false, refused: "recovery is not in progress" });
    const seen = await promote.observe(context, input);
    expect(promote.done(seen, input, before)).toBe("yes");
    expect((await promote.verify(context, input, before, handle ?? null)).rpo).toMatchObject({ rows: 0 });
  });

  test("split brain is called by its name, with the state now and what to do", async () => {
    const conductor = shop.conductor();
    const step = { from: shop.a, to: shop.b, fenceStep: "fence" };
    const before = (await conductor.look("postgres.promote", step)).seen;
    await byHand(shop.superuser(shop.b), "select pg_promote(true, 30)");

    const looked = await conductor.look("postgres.check", { nodes: [shop.a, shop.b] });
    expect(blockedBy(looked.checks)).toContain("splitBrain");
    const promote = conductor.action("postgres.promote");
    const context = { ...conductor.context, budget: promote.budget, progress: () => {}, launched: async () => {} };
    const input = conductor.input("postgres.promote", step);
    expect(promote.done((await conductor.look("postgres.promote", step)).seen, input, null)).toBe("partial");
    await expect(promote.verify(context, input, before, null)).rejects.toMatchObject({
      problem: { code: "split-brain", stateNow: expect.stringContaining(`${shop.a.name} is still a primary`) },
    });
  });

  test("the old primary comes back as a standby through its host's own script", async () => {
    const conductor = shop.conductor();
    await shop.switchOver(conductor);
    const { evidence, applied } = await conductor.perform("rejoin", "postgres.rejoin", {
      node: shop.a,
      primary: shop.b,
      slot: shop.a.name.replace("-", "_"),
      script: await shop.script("rejoin.mjs", ["PRACTICE_HOSTS_TOKEN"]),
      arguments: [shop.environment.url, shop.a.name],
    });
    expect(applied).toBe(true);
    expect(evidence.says).toBe(`${shop.a.name} is a standby of ${shop.b.name}: streaming, 0 bytes behind, seen twice.`);
    const back = await conductor.look("postgres.check", { nodes: [shop.a, shop.b] });
    expect(back.facts).toMatchObject({ primary: shop.b.name, standby: shop.a.name, streaming: true });
    expect(blockedBy(back.checks)).toEqual([]);
  }, 60_000);
});

async function byHand(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}
