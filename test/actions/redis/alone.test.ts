import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { soon } from "../../../src/practice/estate/fleet.ts";
import {
  REDIS_PACKAGES,
  REDIS_PROGRAMS,
  type RedisEstate,
  type RedisNode,
  startRedis,
} from "../../../src/practice/estate/redis/index.ts";
import { blockedBy, conduct } from "../conductor.ts";
import { performAndDie, recoverFrom } from "../crash.ts";
import { describeWith } from "../present.ts";
import { survives } from "../survives.ts";
import { aloneProof } from "./trials.ts";

await survives(aloneProof);

/** Pairs that no Sentinel watches: promoted in another place, or emptied and made again. */
const describe = await describeWith(REDIS_PROGRAMS, REDIS_PACKAGES);

describe("redis without Sentinels", () => {
  let estate: RedisEstate;
  const conductor = conduct({});
  const named = (node: RedisNode) => ({ name: node.name, host: "127.0.0.1", port: node.port });
  const pair = async () => {
    const from = await estate.alone();
    const to = await estate.alone(from);
    await soon("the replica being online", 20, async () =>
      (await from.raw("INFO", "replication")).includes("state=online"),
    );
    return { from, to };
  };

  beforeAll(async () => {
    estate = await startRedis();
  }, 90_000);
  afterAll(() => estate?.stop(), 30_000);

  test("a planned promotion loses nothing, and the old master follows", async () => {
    const { from, to } = await pair();
    await from.raw("SET", "kept", "yes");
    const { evidence } = await conductor.perform("promote", "redis.promote_dr", { from: named(from), to: named(to) });
    expect(evidence.rpo).toMatchObject({ seconds: 0, rows: 0 });
    expect(await to.raw("GET", "kept")).toContain("yes");
    expect(await from.raw("ROLE")).toContain("slave");
    const again = await conductor.look("redis.promote_dr", { from: named(from), to: named(to) });
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
      const recovered = await recoverFrom(conductor, "redis.promote_dr", given, died.before);
      expect(recovered).toMatchObject({ way, evidence: { rpo: { rows: 0 } } });
      expect(await from.raw("ROLE")).toContain("slave");
    },
    40_000,
  );

  test("a lost master: only unplanned, and what it cost is said to be unknown", async () => {
    const { from, to } = await pair();
    const given = { from: named(from), to: named(to) };
    const unplanned = { ...given, mode: "unplanned" };
    expect(blockedBy((await conductor.look("redis.promote_dr", unplanned)).checks)).toEqual(["master.fit"]);
    await from.member.kill();
    expect(blockedBy((await conductor.look("redis.promote_dr", given)).checks)).toContain("master.fit");
    const { evidence } = await conductor.perform("promote", "redis.promote_dr", unplanned);
    expect(evidence.rpo).toMatchObject({ seconds: null, rows: null });
  }, 40_000);

  test("two masters with nothing recorded are for a person to judge", async () => {
    const [from, to] = [await estate.alone(), await estate.alone()];
    expect((await conductor.look("redis.promote_dr", { from: named(from), to: named(to) })).done).toBe("partial");
  }, 40_000);
});
