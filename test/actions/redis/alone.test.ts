import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { soon } from "../../../practice/environment/patience.ts";
import {
  REDIS_PACKAGES,
  REDIS_PROGRAMS,
  type RedisGroup,
  type RedisNode,
  startRedis,
} from "../../../practice/targets/redis/index.ts";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { describeWith } from "../../support/describe-with.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { aloneSuite } from "./failure-cases.ts";

await runFailureSuite(aloneSuite);

/** Pairs that no Sentinel watches: promoted in another place, or emptied and made again. */
const describe = await describeWith(REDIS_PROGRAMS, REDIS_PACKAGES);

describe("redis without Sentinels", () => {
  let environment: RedisGroup;
  const harness = actionHarness({});
  const named = (node: RedisNode) => ({ name: node.name, host: "127.0.0.1", port: node.port });
  const pair = async () => {
    const from = await environment.alone();
    const to = await environment.alone(from);
    await soon("the replica being online", async () =>
      (await from.raw("INFO", "replication")).includes("state=online"),
    );
    return { from, to };
  };

  beforeAll(async () => {
    environment = await startRedis();
  }, 90_000);
  afterAll(() => environment?.stop(), 30_000);

  test("a planned promotion loses nothing, and the old master follows", async () => {
    const { from, to } = await pair();
    await from.raw("SET", "kept", "yes");
    const { evidence } = await harness.perform("promote", "redis.promote_dr", { from: named(from), to: named(to) });
    expect(evidence.rpo).toMatchObject({ seconds: 0, rows: 0 });
    expect(await to.raw("GET", "kept")).toContain("yes");
    expect(await from.raw("ROLE")).toContain("slave");
    const again = await harness.look("redis.promote_dr", { from: named(from), to: named(to) });
    expect(again.done).toBe("yes");
  }, 40_000);

  test.each([
    ["before the promotion", "writes are paused", "again"],
    ["after it", undefined, "verify"],
  ])(
    "killed %s, the run goes on",
    async (_when, at, way) => {
      const { from, to } = await pair();
      const given = { from: named(from), to: named(to) };
      const died = await performAndDie("redis.promote_dr", given, at === undefined ? {} : { at });
      const recovered = await recoverFrom(harness, "redis.promote_dr", given, died.before);
      expect(recovered).toMatchObject({ way, evidence: { rpo: { rows: 0 } } });
      expect(await from.raw("ROLE")).toContain("slave");
    },
    40_000,
  );

  test("a lost master: only unplanned, and what it cost is said to be unknown", async () => {
    const { from, to } = await pair();
    const given = { from: named(from), to: named(to) };
    const unplanned = { ...given, mode: "unplanned" };
    await from.member.kill();
    expect(blockedBy((await harness.look("redis.promote_dr", given)).checks)).toContain("master.fit");
    const accepting = { ...unplanned, allowUnfenced: true };
    const moment = /^writes after (\d\d:\d\d:\d\d) UTC \(when .* last heard from .*\); how many is unknown/;
    const looked = await harness.look("redis.promote_dr", accepting);
    expect(looked.facts).toMatchObject({ unfenced: given.from.name, loss: expect.stringMatching(moment) });
    const { evidence, facts } = await harness.perform("promote", "redis.promote_dr", accepting);
    expect(facts).toMatchObject({ unfenced: given.from.name });
    expect(evidence.rpo).toMatchObject({ seconds: null, rows: null });
    // Redis counts whole seconds, so two looks may differ by one; an age would have grown by what lies between them.
    const said = moment.exec(String(looked.facts.loss))?.[1];
    const kept = Date.parse(`${evidence.rpo?.keptUntil?.slice(0, 10)}T${said}Z`);
    expect(Math.abs(Date.parse(evidence.rpo?.keptUntil ?? "") - kept)).toBeLessThanOrEqual(2000);
  }, 40_000);

  test("unplanned, a master that still answers hands over what it has, takes no write more, and follows", async () => {
    const { from, to } = await pair();
    await from.raw("SET", "kept", "yes");
    const given = { from: named(from), to: named(to), mode: "unplanned", allowUnfenced: true };
    const looked = await harness.look("redis.promote_dr", given);
    expect(blockedBy(looked.checks)).toEqual([]);
    expect(looked.facts).toMatchObject({ masterReachable: true, loss: expect.stringMatching(/^nothing, unless/) });
    expect(looked.facts.unfenced).toBeUndefined();
    const { evidence, facts } = await harness.perform("promote", "redis.promote_dr", given);
    expect(evidence.rpo).toMatchObject({ seconds: 0, rows: 0 });
    expect(facts.unfenced).toBeUndefined();
    expect(await to.raw("GET", "kept")).toContain("yes");
    expect([await from.raw("ROLE"), await to.raw("ROLE")]).toEqual([
      expect.stringContaining("slave"),
      expect.stringContaining("master"),
    ]);
  }, 40_000);

  test("unplanned, one that answers and can't hand over is left behind all the same, and takes no write more", async () => {
    const { from, to } = await pair();
    // Its stream is cut: what it is told now never arrives.
    await to.raw("REPLICAOF", "127.0.0.1", "1");
    await from.raw("SET", "late", "yes");
    const given = { from: named(from), to: named(to), mode: "unplanned", allowUnfenced: true, pauseSeconds: 2 };
    await harness.perform("promote", "redis.promote_dr", given);
    expect(await to.raw("GET", "late")).toBe("$-1\r\n");
    expect([await from.raw("ROLE"), await to.raw("ROLE")]).toEqual([
      expect.stringContaining("slave"),
      expect.stringContaining("master"),
    ]);
  }, 40_000);

  test("two masters with nothing recorded are for a person to judge", async () => {
    const [from, to] = [await environment.alone(), await environment.alone()];
    expect((await harness.look("redis.promote_dr", { from: named(from), to: named(to) })).done).toBe("partial");
  }, 40_000);

  test("the way back: the old side follows, is promoted again, and nothing is lost either way", async () => {
    const { from, to } = await pair();
    await from.raw("SET", "kept", "yes");
    await from.member.kill();
    await harness.perform("promote", "redis.promote_dr", { from: named(from), to: named(to), mode: "unplanned" });
    await to.raw("SET", "later", "yes");
    // It comes back empty and as a master: no one told it of the promotion.
    const back = await environment.alone();
    const given = { node: named(back), master: named(to) };
    await harness.perform("follow", "redis.follow", given);
    expect(await back.raw("GET", "later")).toContain("yes");
    expect((await harness.look("redis.follow", given)).done).toBe("yes");
    await harness.perform("home", "redis.promote_dr", { from: named(to), to: named(back) });
    expect([await back.raw("ROLE"), await to.raw("ROLE")]).toEqual([
      expect.stringContaining("master"),
      expect.stringContaining("slave"),
    ]);
  }, 60_000);

  test("what takes the writes, or holds the only copy, is not made a replica", async () => {
    const [node, master] = [await environment.alone(), await environment.alone()];
    await node.raw("SET", "only", "here");
    const look = async (given: object) => blockedBy((await harness.look("redis.follow", given)).checks);
    const given = { node: named(node), master: named(master) };
    expect(await look(given)).toEqual(["node.notTheOnlyHolder"]);
    await master.raw("SET", "other", "yes");
    expect(await look(given)).toEqual([]);
    let writing = true;
    const writes = (async () => {
      while (writing) await node.raw("INCR", "orders");
    })();
    expect(await look(given)).toEqual(["node.quiet"]);
    writing = false;
    await writes;
    await master.raw("REPLICAOF", "127.0.0.1", String(node.port));
    expect(await look(given)).toEqual(["master.fit"]);
  }, 40_000);

  test("Sentinels forget a set and watch it again, each of them, and no one types anything", async () => {
    await environment.settled();
    const [first] = environment.nodes;
    if (!first) throw new Error("no node");
    const set = {
      master: environment.master,
      sentinels: environment.sentinels.map(({ port }) => ({ host: "127.0.0.1", port })),
    };
    const other = await environment.alone();
    const follow = { node: named(first), master: named(other), set };
    await other.raw("SET", "here", "too");
    expect(blockedBy((await harness.look("redis.follow", follow)).checks)).toContain("node.notTheMaster");

    const before = (await harness.look("redis.forget", { set })).seen;
    const { facts } = await harness.perform("forget", "redis.forget", { set, of: `127.0.0.1:${first.port}` });
    expect(facts.forgottenBy).toBe(3);
    expect(blockedBy((await harness.look("redis.monitor", { set, node: named(first), quorum: 4 })).checks)).toEqual([
      "sentinels.enough",
    ]);
    const undo = harness.action("redis.forget").undo.step(before, harness.input("redis.forget", { set }), {
      calls: [],
      acceptUnreachable: false,
    });
    if (undo.kind !== "step") throw new Error(undo.says);
    const watched = await harness.perform("monitor", undo.action, undo.input);
    expect(watched.evidence.says).toContain("3 Sentinels watch");
    await environment.settled();
  }, 90_000);
});
