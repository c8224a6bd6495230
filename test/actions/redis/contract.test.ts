import { afterAll, beforeAll, expect, test } from "@jest/globals";
import {
  REDIS_PACKAGES,
  REDIS_PROGRAMS,
  type RedisEstate,
  startRedis,
} from "../../../src/practice/estate/redis/index.ts";
import { blockedBy, conduct } from "../conductor.ts";
import { describeWith } from "../present.ts";

/**
 * What has to be true of any Sentinel set, looked at only. Over a set of yours: REDIS_SENTINELS=host:port,host:port, with
 * REDIS_MASTER (mymaster), REDIS_PASSWORD and REDIS_SENTINEL_PASSWORD where they ask for one.
 */
const given = process.env.REDIS_SENTINELS;
const describe = await describeWith(given === undefined ? REDIS_PROGRAMS : [], REDIS_PACKAGES);

describe(`a Sentinel set, ${given === undefined ? "of practice" : "given by REDIS_SENTINELS"}`, () => {
  let estate: RedisEstate | null = null;
  let input: { set: object };
  const secrets = Object.fromEntries(
    ["REDIS_PASSWORD", "REDIS_SENTINEL_PASSWORD"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined || given === undefined ? [] : [[name, value]];
    }),
  );
  const conductor = conduct(secrets, { practice: given === undefined });
  const login = (name: string) => (secrets[name] === undefined ? {} : { passwordFrom: name });

  beforeAll(async () => {
    if (given === undefined) estate = await startRedis();
    const places = given?.split(",") ?? estate?.sentinels.map((one) => `127.0.0.1:${one.port}`) ?? [];
    input = {
      set: {
        master: estate?.master ?? process.env.REDIS_MASTER ?? "mymaster",
        sentinels: places.map((place) => ({
          host: place.slice(0, place.lastIndexOf(":")),
          port: Number(place.slice(place.lastIndexOf(":") + 1)),
        })),
        login: login("REDIS_PASSWORD"),
        sentinelLogin: login("REDIS_SENTINEL_PASSWORD"),
      },
    };
  }, 90_000);
  afterAll(() => estate?.stop(), 30_000);

  test("is looked at within seconds, and its material facts stay the same", async () => {
    const first = await conductor.perform("check", "redis.check", input);
    const second = await conductor.perform("check", "redis.check", input);
    expect(first.evidence.says).toMatch(/is master of/);
    for (const fact of ["master", "masterReachable", "quorum"]) expect(second.facts[fact]).toEqual(first.facts[fact]);
    expect(first.facts).toMatchObject({ masterReachable: true, quorum: true });
  }, 30_000);

  test("is ready for a failover that loses nothing, and has not had it", async () => {
    const { checks, done } = await conductor.look("redis.failover", input);
    expect(blockedBy(checks)).toEqual([]);
    expect(done).toBe("no");
  }, 30_000);
});
