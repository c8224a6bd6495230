import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { blockedBy } from "../support/action-harness.ts";
import { type DatabaseFixture, nodeInput, openDatabaseFixture, soon } from "../support/database-fixture.ts";

/** An unplanned failover, and everything that has to stop one, over real servers. */
let databases: DatabaseFixture;
beforeAll(async () => {
  databases = await openDatabaseFixture();
}, 60_000);
afterAll(() => databases?.environment.stop(), 30_000);
beforeEach(() => databases.whole(), 40_000);

describe("an unplanned failover", () => {
  test("after a power cut: accepted without a fence, promoted, and the loss is counted from the ledger", async () => {
    const harness = databases.harness();
    await databases.environment.injectFault("stall-and-kill-primary");

    const planned = await harness.look("postgres.check", { nodes: [databases.a, databases.b], mode: "planned" });
    expect(blockedBy(planned.checks)).toEqual(["primary.answers"]);
    expect(planned.checks.find((check) => check.id === "primary.answers")?.next).toBe("Run it unplanned.");
    const looked = await harness.look("postgres.promote", {
      from: databases.a,
      to: databases.b,
      fenceStep: "fence",
      allowDataLoss: true,
    });
    expect(looked.facts.loss).toMatch(
      /^writes after \d\d:\d\d:\d\d UTC \(the newest that reached orders-.\); how many is unknown: orders-. does not answer$/,
    );
    // Known before anyone decides, and only where the run would go on without the fence.
    const fencing = { node: databases.a, app: databases.app };
    expect((await harness.look("postgres.fence", fencing)).facts).not.toHaveProperty("unfenced");
    const open = await harness.look("postgres.fence", { ...fencing, acceptUnreachable: true });
    expect(open.facts).toMatchObject({ unfenced: databases.a.name });
    const failed = [planned, open, looked].flatMap(({ checks }) => checks.filter(({ ok }) => !ok));
    const causes = failed.filter(({ id }) => !id.startsWith("evidence."));
    expect(new Set(causes.map(({ cause }) => cause?.id)).size).toBe(1);
    await harness.perform("check", "postgres.check", { nodes: [databases.a, databases.b], mode: "unplanned" });
    await databases.switchOver(harness, { unplanned: true });
    // The same moment on every step, and it does not grow while people wait.
    const moment = /after (\d\d:\d\d:\d\d UTC)/;
    const moments = ["check", "drain", "promote"].map((step) =>
      moment.exec(harness.context.evidenceOf(step)?.says ?? ""),
    );
    expect(moments.map((found) => found?.[1])).toEqual(Array(3).fill(moment.exec(String(looked.facts.loss))?.[1]));
    await databases.ordersFlow();

    const fence = harness.context.evidenceOf("fence");
    expect(fence?.says).toMatch(/^NOT FENCED: orders-a does not answer/);
    expect(fence?.facts).toContainEqual(expect.objectContaining({ id: "unfenced", value: databases.a.name }));
    expect(harness.context.evidenceOf("promote")?.rpo).toMatchObject({
      ...{ seconds: null, rows: null },
      keptUntil: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    const { evidence } = await harness.perform("verify", "postgres.verify", {
      node: databases.b,
      writesAs: databases.app,
      queries: [{ sql: "select count(*) from orders", label: "orders", min: 1 }],
      ledger: { url: `${databases.environment.application.url}/ledger`, table: "orders" },
    });
    const lost = await databases.environment.ledger();
    expect(lost.lost).toBeGreaterThan(10);
    expect(evidence.rpo).toMatchObject({ rows: lost.lost, seconds: lost.lostSeconds });
    expect(evidence.rpo?.seconds).toBeGreaterThan(1);
    expect(evidence.rpo?.seconds).toBeLessThan(10);
    await expect(
      harness.perform("strict", "postgres.verify", {
        node: databases.b,
        ledger: { url: `${databases.environment.application.url}/ledger`, table: "orders", maxLostRows: 0 },
      }),
    ).rejects.toMatchObject({ problem: { code: "rows-lost" } });

    // Rebuilding the old primary gives up what only it held; from then on nothing is missing.
    await databases.environment.rebuild(databases.a.name);
    expect(await databases.environment.ledger()).toMatchObject({ lost: 0 });
  }, 40_000);

  test("a fence is not accepted away when the server does answer", async () => {
    const harness = databases.harness();
    const { facts } = await harness.perform("fence", "postgres.fence", {
      node: databases.a,
      app: databases.app,
      acceptUnreachable: true,
    });
    expect(facts).toMatchObject({ fenced: true, fenceAccepted: false });
  });

  test("a server that is up and refuses the login is not taken for a dead one", async () => {
    const wrong = { ...databases.a, passwordFrom: "ORDERS_APP_PASSWORD" };
    const given = { node: wrong, app: databases.app, acceptUnreachable: true };
    const looked = await databases.harness().look("postgres.fence", given);
    expect(blockedBy(looked.checks)).toEqual(["node.answers"]);
    expect(looked.checks[0]?.says).toContain("is up but did not let us in");
  });

  test("a frozen primary costs seconds, not minutes", async () => {
    await databases.environment.injectFault("freeze-primary");
    const started = performance.now();
    const looked = await databases.harness().look("postgres.check", { nodes: [databases.a, databases.b] });
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(looked.facts).toMatchObject({ primaryReachable: false, standby: databases.b.name });
    expect(blockedBy(looked.checks)).toEqual(["primary.answers"]);
  });
});

describe("what stops a switchover", () => {
  const cases = () => ({ from: databases.a, to: databases.b, fenceStep: "fence" });

  test("replay paused", async () => {
    await databases.environment.injectFault("pause-replay");
    const harness = databases.harness();
    expect(blockedBy((await harness.look("postgres.promote", cases())).checks)).toContain("standby.replaying");
    const looked = await harness.look("postgres.check", { nodes: [databases.a, databases.b] });
    expect(looked.checks.find((check) => check.id === "standby.replaying")?.next).toContain("pg_wal_replay_resume()");
  });

  test("a standby that falls behind: over the limit it blocks planned and warns unplanned", async () => {
    await databases.environment.injectFault("stall-replication");
    const limits = { nodes: [databases.a, databases.b], maxLagBytes: 0 };
    const harness = databases.harness();
    const looked = await soon("lag", async () => {
      const seen = await harness.look("postgres.check", limits);
      return Number(seen.facts.lagBytes) > 0 && seen;
    });
    expect(blockedBy(looked.checks)).toEqual(["standby.lag"]);
    expect(looked.facts.loss).toMatch(
      /^about [\d.]+ s of writes, after [\d:]+ UTC \(the newest .*; orders-. is \d+ bytes behind/,
    );
    const unplanned = await harness.look("postgres.check", { ...limits, mode: "unplanned" });
    expect(blockedBy(unplanned.checks)).toEqual([]);
    const ahead = { from: databases.a, to: databases.b, fenceStep: "fence" };
    expect((await harness.look("postgres.drain", { ...ahead, allowDataLoss: true })).facts.loss).toMatch(/^about/);

    await harness.perform("fence", "postgres.fence", { node: databases.a, app: databases.app });
    const drain = { from: databases.a, to: databases.b, fenceStep: "fence", timeoutSeconds: 1 };
    await expect(harness.perform("drain", "postgres.drain", drain)).rejects.toMatchObject({
      problem: { code: "standby-behind", stateNow: expect.stringMatching(/no standby is promoted/i) },
    });
    const { facts } = await harness.perform("drain", "postgres.drain", { ...drain, allowDataLoss: true });
    expect(facts).toMatchObject({ drained: false });
    expect(facts.lagBytes).toBeGreaterThan(0);
  });

  test("no standby: it is the only server, is down, or is a primary of its own", async () => {
    const harness = databases.harness();
    const alone = await harness.look("postgres.check", { nodes: [databases.a] });
    expect(blockedBy(alone.checks)).toEqual(["standby.answers"]);
    expect(alone.facts.loss).toBe("unknown: there is no standby");
    await databases.host(databases.b).kill();
    const down = await harness.look("postgres.check", { nodes: [databases.a, databases.b] });
    expect(blockedBy(down.checks)).toEqual(["standby.answers"]);
    expect(blockedBy((await harness.look("postgres.promote", cases())).checks)).toContain("standby.inRecovery");
  });

  test("a standby of another cluster", async () => {
    const other = await openDatabaseFixture();
    try {
      const harness = databases.harness();
      const stranger = { ...other.b, name: "stranger", passwordFrom: "OTHER_PASSWORD" };
      const both = {
        ...databases.environment.environment(),
        OTHER_PASSWORD: other.environment.environment().ORDERS_DB_PASSWORD ?? "",
      };
      const mixed = { ...harness.context, secret: (name: string) => (both as Record<string, string>)[name] ?? "" };
      const promote = harness.action("postgres.promote");
      const input = harness.input("postgres.promote", { ...cases(), to: stranger });
      const seen = await promote.observe(mixed, input);
      expect(blockedBy(promote.ready(seen, input, mixed))).toContain("standby.sameCluster");
      const check = harness.action("postgres.check");
      const nodes = harness.input("postgres.check", { nodes: [databases.a, stranger] });
      expect(blockedBy(check.ready(await check.observe(mixed, nodes), nodes, mixed))).toContain("standby.sameCluster");
    } finally {
      await other.environment.stop();
    }
  }, 60_000);

  test("the two servers named the wrong way round", async () => {
    const looked = await databases
      .harness()
      .look("postgres.promote", { from: databases.b, to: databases.a, fenceStep: "fence" });
    // The named standby is the primary and the named primary its standby: there is nothing left to promote.
    expect(looked.done).toBe("yes");
    expect(looked.facts.loss).toBe(`nothing: ${databases.a.name} is the primary already`);
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
    const looked = await databases.harness().look("postgres.fence", { node: mute, app: databases.app });
    expect(performance.now() - started).toBeLessThan(12_000);
    expect(looked.seen).toMatchObject({ answers: false, kind: "unreachable" });
    expect(blockedBy(looked.checks)).toEqual(["node.answers"]);
  });
});
