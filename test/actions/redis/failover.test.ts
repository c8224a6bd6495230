import { afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { REDIS_PACKAGES, REDIS_PROGRAMS, type RedisGroup } from "../../../practice/targets/redis/index.ts";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { describeWith } from "../../support/describe-with.ts";
import { type Net, openNet } from "../../support/network.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { opened, watchedSuite } from "./failure-cases.ts";
import { openWriters, type Writers } from "./writers.ts";

await runFailureSuite(watchedSuite);

/** A planned failover of a real Sentinel trio under load, and everything that may go wrong around its one request. */
const describe = await describeWith(REDIS_PROGRAMS, REDIS_PACKAGES);

describe("redis.failover over real Sentinels", () => {
  let environment: RedisGroup;
  let writers: Writers;
  let nets: Net[] = [];
  const harness = actionHarness({});

  const setOf = (ports = environment.sentinels.map((one) => one.port)) => ({
    set: { master: environment.master, sentinels: ports.map((port) => ({ host: "127.0.0.1", port })) },
  });
  const said = async () => {
    const [one] = environment.sentinels;
    const text = (await one?.raw("SENTINEL", "MASTER", environment.master)) ?? "";
    const field = (name: string) => new RegExp(`\\r\\n${name}\\r\\n\\$\\d+\\r\\n([^\\r]+)`).exec(text)?.[1];
    return { port: Number(field("port")), address: `127.0.0.1:${field("port")}`, epoch: Number(field("config-epoch")) };
  };
  /** Nothing lost, exactly one failover, no one else is a master. */
  const held = async (from: Awaited<ReturnType<typeof said>>) => {
    await writers.flowing();
    await writers.stop();
    await environment.settled();
    const now = await said();
    expect(now.port).not.toBe(from.port);
    expect(now.epoch).toBe(from.epoch + 1);
    expect(await writers.lostOn(now.port)).toBe(0);
    const roles = await Promise.all(environment.nodes.map((node) => node.raw("ROLE")));
    expect(roles.filter((role) => role.includes("master"))).toHaveLength(1);
  };

  beforeAll(() => {
    environment = opened();
  });
  beforeEach(async () => {
    await environment.settled();
    writers = await openWriters(environment);
  }, 90_000);
  afterEach(async () => {
    await writers?.stop();
    await Promise.all(nets.map((net) => net.close()));
    nets = [];
  });

  test("loses nothing under load, measures that, and stops writes for seconds at most", async () => {
    const from = await said();
    const { evidence, applied } = await harness.perform("failover", "redis.failover", setOf());
    expect(applied).toBe(true);
    expect(evidence.rpo).toMatchObject({ seconds: 0, rows: 0 });
    expect(evidence.says).toContain(`${from.address} follows it. Lost: nothing.`);
    await held(from);
    expect(writers.longestGapMilliseconds).toBeLessThan(10_000);
  }, 60_000);

  test.each([
    ["before the pause was followed by anything", "writes are paused", "again"],
    ["right before the request", "asking for the failover", "again"],
    ["right after the request", undefined, "verify"],
  ])(
    "killed %s, the run goes on and the master moves once",
    async (_when, at, way) => {
      const from = await said();
      const died = await performAndDie("redis.failover", setOf(), at === undefined ? {} : { at });
      expect(died.applied).toBe(at === undefined);
      const recovered = await recoverFrom(harness, "redis.failover", setOf(), died.before);
      expect(recovered.way).toBe(way);
      expect(recovered.evidence?.rpo).toMatchObject({ rows: 0 });
      await held(from);
    },
    90_000,
  );

  test("killed while the request is on its way: it is looked for, and not sent again", async () => {
    const from = await said();
    nets = await Promise.all(environment.sentinels.map((one) => openNet(one.port)));
    const given = setOf(nets.map((net) => Number(new URL(net.url("redis://127.0.0.1:1/")).port)));
    const lost = Promise.race(nets.map((net) => net.loseAnswerTo("FAILOVER")));
    const died = await performAndDie("redis.failover", given, { when: lost });
    expect(died.applied).toBe(false);
    const recovered = await recoverFrom(harness, "redis.failover", given, died.before);
    expect(recovered.way).toBe("verify");
    await held(from);
  }, 90_000);

  test("a lost answer keeps the pause, so nothing is lost while no one knows", async () => {
    const from = await said();
    nets = await Promise.all(environment.sentinels.map((one) => openNet(one.port)));
    const given = setOf(nets.map((net) => Number(new URL(net.url("redis://127.0.0.1:1/")).port)));
    const before = await harness.look("redis.failover", given);
    for (const net of nets) void net.loseAnswerTo("FAILOVER");
    await expect(harness.perform("failover", "redis.failover", given)).rejects.toThrow(/closed|connection|ECONNRESET/i);
    for (const net of nets) net.cut();
    const recovered = await recoverFrom(harness, "redis.failover", setOf(), before.seen);
    expect(recovered).toMatchObject({ way: "verify", evidence: { says: expect.stringContaining("is master") } });
    await held(from);
  }, 90_000);

  test("moved by hand before: it is seen, and nothing is requested", async () => {
    const from = await said();
    await harness.perform("by-hand", "redis.failover", setOf());
    const again = { ...setOf(), from: from.address };
    const { applied, evidence } = await harness.perform("failover", "redis.failover", again);
    expect(applied).toBe(false);
    expect(evidence.says).toContain(`${from.address} follows it.`);
    await held(from);
  }, 90_000);

  test("a master that moved and came back is for a person to judge", async () => {
    const from = await said();
    const { seen } = await harness.look("redis.failover", setOf());
    const returned = { ...(seen as { epoch: number }), epoch: from.epoch + 2 };
    const action = harness.action("redis.failover");
    expect(action.done(returned, harness.input("redis.failover", setOf()), seen)).toBe("unknown");
    expect(
      action.done({ ...returned, epoch: from.epoch, undecided: true }, harness.input("redis.failover", setOf()), seen),
    ).toBe("unknown");
    expect(action.done(seen, harness.input("redis.failover", setOf()), seen)).toBe("no");
  });

  test("a replica that hangs is waited for, then writes go on and nothing was requested", async () => {
    const from = await said();
    const replica = environment.nodes.find((node) => node.port !== from.port);
    const { seen } = await harness.look("redis.failover", setOf());
    replica?.member.freeze();
    try {
      const action = harness.action("redis.failover");
      const context = { ...harness.context, budget: action.budget, progress: () => {}, launched: async () => {} };
      const input = harness.input("redis.failover", { ...setOf(), pauseSeconds: 2 });
      await expect(action.apply?.(context, input, seen)).rejects.toThrow(/has still not received everything/);
      await writers.flowing();
      expect(writers.longestGapMilliseconds).toBeLessThan(10_000);
      expect(await said()).toEqual(from);
    } finally {
      replica?.member.thaw();
    }
  }, 60_000);

  test("a master that hangs is a reason not to begin a failover without loss", async () => {
    const from = await said();
    await writers.stop();
    const master = environment.nodes.find((node) => node.port === from.port);
    master?.member.freeze();
    try {
      expect(blockedBy((await harness.look("redis.failover", setOf())).checks)).toContain("master.answers");
    } finally {
      master?.member.thaw();
      await environment.settled();
    }
  }, 90_000);
});
