import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { blockedBy } from "./conductor.ts";
import { nodeInput, openShop, type Shop, soon } from "./shop.ts";

/** An unplanned failover, and everything that has to stop one, over real servers. */
let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
}, 60_000);
afterAll(() => shop?.environment.stop(), 30_000);
beforeEach(() => shop.whole(), 40_000);

describe("an unplanned failover", () => {
  test("after a power cut: accepted without a fence, promoted, and the loss is counted from the ledger", async () => {
    const conductor = shop.conductor();
    await shop.environment.chaos("stall-and-kill-primary");

    const planned = await conductor.look("postgres.check", { nodes: [shop.a, shop.b], mode: "planned" });
    expect(blockedBy(planned.checks)).toEqual(["primary.answers"]);
    expect(planned.checks.find((check) => check.id === "primary.answers")?.says).toContain("run it unplanned");
    const looked = await conductor.look("postgres.promote", {
      from: shop.a,
      to: shop.b,
      fenceStep: "fence",
      allowDataLoss: true,
    });
    expect(looked.facts.loss).toMatch(
      /^writes after \d\d:\d\d:\d\d UTC \(the newest that reached orders-.\); how many is unknown: orders-. does not answer$/,
    );
    // Known before anybody decides, and only where the run would go on without the fence.
    const fencing = { node: shop.a, app: shop.app };
    expect((await conductor.look("postgres.fence", fencing)).facts).not.toHaveProperty("unfenced");
    const open = await conductor.look("postgres.fence", { ...fencing, acceptUnreachable: true });
    expect(open.facts).toMatchObject({ unfenced: shop.a.name });
    const failed = [planned, open, looked].flatMap(({ checks }) => checks.filter(({ ok }) => !ok));
    const causes = failed.filter(({ id }) => !id.startsWith("evidence."));
    expect(new Set(causes.map(({ cause }) => cause?.id)).size).toBe(1);
    await conductor.perform("check", "postgres.check", { nodes: [shop.a, shop.b], mode: "unplanned" });
    await shop.switchOver(conductor, { unplanned: true });
    // The same moment on every step, and it does not grow while people wait.
    const moment = /after (\d\d:\d\d:\d\d UTC)/;
    const moments = ["check", "drain", "promote"].map((step) =>
      moment.exec(conductor.context.evidenceOf(step)?.says ?? ""),
    );
    expect(moments.map((found) => found?.[1])).toEqual(Array(3).fill(moment.exec(String(looked.facts.loss))?.[1]));
    await shop.ordersFlow();

    const fence = conductor.context.evidenceOf("fence");
    expect(fence?.says).toMatch(/^NOT FENCED: orders-a does not answer/);
    expect(fence?.facts).toContainEqual(expect.objectContaining({ id: "unfenced", value: shop.a.name }));
    expect(conductor.context.evidenceOf("promote")?.rpo).toMatchObject({
      ...{ seconds: null, rows: null },
      keptUntil: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    const { evidence } = await conductor.perform("verify", "postgres.verify", {
      node: shop.b,
      writesAs: shop.app,
      queries: [{ sql: "select count(*) from orders", label: "orders", min: 1 }],
      ledger: { url: `${shop.environment.application.url}/ledger`, table: "orders" },
    });
    const lost = await shop.environment.ledger();
    expect(lost.lost).toBeGreaterThan(10);
    expect(evidence.rpo).toMatchObject({ rows: lost.lost, seconds: lost.lostSeconds });
    expect(evidence.rpo?.seconds).toBeGreaterThan(1);
    expect(evidence.rpo?.seconds).toBeLessThan(10);
    await expect(
      conductor.perform("strict", "postgres.verify", {
        node: shop.b,
        ledger: { url: `${shop.environment.application.url}/ledger`, table: "orders", maxLostRows: 0 },
      }),
    ).rejects.toMatchObject({ problem: { code: "rows-lost" } });

    // Rebuilding the old primary gives up what only it held; from then on nothing is missing.
    await shop.environment.rebuild(shop.a.name);
    expect(await shop.environment.ledger()).toMatchObject({ lost: 0 });
  }, 40_000);

  test("a fence is not accepted away when the server does answer", async () => {
    const conductor = shop.conductor();
    const { facts } = await conductor.perform("fence", "postgres.fence", {
      node: shop.a,
      app: shop.app,
      acceptUnreachable: true,
    });
    expect(facts).toMatchObject({ fenced: true, fenceAccepted: false });
  });

  test("a server that is up and refuses the login is not taken for a dead one", async () => {
    const wrong = { ...shop.a, passwordFrom: "ORDERS_APP_PASSWORD" };
    const given = { node: wrong, app: shop.app, acceptUnreachable: true };
    const looked = await shop.conductor().look("postgres.fence", given);
    expect(blockedBy(looked.checks)).toEqual(["node.answers"]);
    expect(looked.checks[0]?.says).toContain("is up but did not let us in");
  });

  test("a frozen primary costs seconds, not minutes", async () => {
    await shop.environment.chaos("freeze-primary");
    const started = performance.now();
    const looked = await shop.conductor().look("postgres.check", { nodes: [shop.a, shop.b] });
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(looked.facts).toMatchObject({ primaryReachable: false, standby: shop.b.name });
    expect(blockedBy(looked.checks)).toEqual(["primary.answers"]);
  });
});

describe("what stops a switchover", () => {
  const cases = () => ({ from: shop.a, to: shop.b, fenceStep: "fence" });

  test("replay paused", async () => {
    await shop.environment.chaos("pause-replay");
    const conductor = shop.conductor();
    expect(blockedBy((await conductor.look("postgres.promote", cases())).checks)).toContain("standby.replaying");
    const looked = await conductor.look("postgres.check", { nodes: [shop.a, shop.b] });
    expect(looked.checks.find((check) => check.id === "standby.replaying")?.says).toContain("pg_wal_replay_resume()");
  });

  test("a standby that falls behind: over the limit it blocks planned and warns unplanned", async () => {
    await shop.environment.chaos("stall-replication");
    const limits = { nodes: [shop.a, shop.b], maxLagBytes: 0 };
    const conductor = shop.conductor();
    const looked = await soon("lag", async () => {
      const seen = await conductor.look("postgres.check", limits);
      return Number(seen.facts.lagBytes) > 0 && seen;
    });
    expect(blockedBy(looked.checks)).toEqual(["standby.lag"]);
    expect(looked.facts.loss).toMatch(
      /^about [\d.]+ s of writes, after [\d:]+ UTC \(the newest .*; orders-. is \d+ bytes behind/,
    );
    const unplanned = await conductor.look("postgres.check", { ...limits, mode: "unplanned" });
    expect(blockedBy(unplanned.checks)).toEqual([]);

    await conductor.perform("fence", "postgres.fence", { node: shop.a, app: shop.app });
    const drain = { from: shop.a, to: shop.b, fenceStep: "fence", timeoutSeconds: 1 };
    await expect(conductor.perform("drain", "postgres.drain", drain)).rejects.toMatchObject({
      problem: { code: "standby-behind", stateNow: expect.stringContaining("nobody is promoted") },
    });
    const { facts } = await conductor.perform("drain", "postgres.drain", { ...drain, allowDataLoss: true });
    expect(facts).toMatchObject({ drained: false });
    expect(facts.lagBytes).toBeGreaterThan(0);
  });

  test("no standby: it is the only server, is down, or is a primary of its own", async () => {
    const conductor = shop.conductor();
    const alone = await conductor.look("postgres.check", { nodes: [shop.a] });
    expect(blockedBy(alone.checks)).toEqual(["standby.answers"]);
    expect(alone.facts.loss).toBe("unknown: there is no standby");
    await shop.host(shop.b).kill();
    const down = await conductor.look("postgres.check", { nodes: [shop.a, shop.b] });
    expect(blockedBy(down.checks)).toEqual(["standby.answers"]);
    expect(blockedBy((await conductor.look("postgres.promote", cases())).checks)).toContain("standby.inRecovery");
  });

  test("a standby of another cluster", async () => {
    const other = await openShop();
    try {
      const conductor = shop.conductor();
      const stranger = { ...other.b, name: "stranger", passwordFrom: "OTHER_PASSWORD" };
      const both = {
        ...shop.environment.environment(),
        OTHER_PASSWORD: other.environment.environment().ORDERS_DB_PASSWORD ?? "",
      };
      const mixed = { ...conductor.context, secret: (name: string) => (both as Record<string, string>)[name] ?? "" };
      const promote = conductor.action("postgres.promote");
      const input = conductor.input("postgres.promote", { ...cases(), to: stranger });
      const seen = await promote.observe(mixed, input);
      expect(blockedBy(promote.ready(seen, input, mixed))).toContain("standby.sameCluster");
      const check = conductor.action("postgres.check");
      const nodes = conductor.input("postgres.check", { nodes: [shop.a, stranger] });
      expect(blockedBy(check.ready(await check.observe(mixed, nodes), nodes, mixed))).toContain("standby.sameCluster");
    } finally {
      await other.environment.stop();
    }
  }, 60_000);

  test("the two servers named the wrong way round", async () => {
    const looked = await shop.conductor().look("postgres.promote", { from: shop.b, to: shop.a, fenceStep: "fence" });
    // The named standby is the primary and the named primary its standby: there is nothing left to promote.
    expect(looked.done).toBe("yes");
    expect(looked.facts.loss).toBe(`nothing: ${shop.a.name} is the primary already`);
  });
});

describe("a server that accepts and says nothing", () => {
  let silent: Server;
  beforeAll(async () => {
    silent = createServer(() => {});
    await new Promise<void>((open) => silent.listen(0, "127.0.0.1", open));
  });
  afterAll(() => {
    silent.close();
  });

  test("is observed as unreachable within the deadline", async () => {
    const mute = nodeInput("mute", (silent.address() as AddressInfo).port);
    const started = performance.now();
    const looked = await shop.conductor().look("postgres.fence", { node: mute, app: shop.app });
    expect(performance.now() - started).toBeLessThan(12_000);
    expect(looked.seen).toMatchObject({ answers: false, kind: "unreachable" });
    expect(blockedBy(looked.checks)).toEqual(["node.answers"]);
  });
});
