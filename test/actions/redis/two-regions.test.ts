import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { soon } from "../../../practice/environment/patience.ts";
import {
  REDIS_PACKAGES,
  REDIS_PROGRAMS,
  type RedisGroup,
  type RedisNode,
  startRedis,
} from "../../../practice/targets/redis/index.ts";
import { actionHarness } from "../../support/action-harness.ts";
import { describeWith } from "../../support/describe-with.ts";

/** Two regions, each with Sentinels and a password of its own: those of one can't lead the servers of the other. */
const describe = await describeWith(REDIS_PROGRAMS, REDIS_PACKAGES);

describe("redis in two regions", () => {
  let east: RedisGroup;
  let west: RedisGroup;
  const harness = actionHarness({ EAST: "east-word", WEST: "west-word" });
  const at = (node: RedisNode | undefined, passwordFrom: string) => ({
    ...{ name: `${passwordFrom.toLowerCase()}-${node?.name}`, host: "127.0.0.1", port: node?.port, passwordFrom },
  });
  const setOf = ({ master, sentinels }: RedisGroup, passwordFrom: string) => ({
    ...{ master, login: { passwordFrom } },
    sentinels: sentinels.map(({ port }) => ({ host: "127.0.0.1", port })),
  });
  const follows = async (node: RedisNode | undefined) =>
    Number(/master_port:(\d+)/.exec((await node?.raw("INFO", "replication")) ?? "")?.[1]);

  beforeAll(async () => {
    const shared = { nodes: 2, replicationPassword: "replication-word" };
    east = await startRedis({ ...shared, password: "east-word" });
    const [first] = east.nodes;
    west = await startRedis({ ...shared, password: "west-word", ...(first && { standbyOf: first }) });
  }, 90_000);
  afterAll(async () => {
    await Promise.all([east?.stop(), west?.stop()]);
  }, 30_000);

  test("a failover within a region leads the servers of the other one along, and passes over those that do not answer", async () => {
    await soon("the Sentinels losing sight of what they cannot log in to", async () => {
      const [one] = east.sentinels;
      const said = (await one?.raw("SENTINEL", "REPLICAS", east.master)) ?? "";
      return (said.match(/s_down/g) ?? []).length === 2;
    });
    const gone = { name: "gone", host: "127.0.0.1", port: 1, passwordFrom: "WEST" };
    const elsewhere = [...west.nodes.map((node) => at(node, "WEST")), gone];
    const { evidence } = await harness.perform("failover", "redis.failover", { set: setOf(east, "EAST"), elsewhere });
    const master = east.nodes[1]?.port;
    expect(await Promise.all(west.nodes.map(follows))).toEqual([master, master]);
    expect(evidence.says).toMatch(/west-redis-1 and west-redis-2 follow it from elsewhere\. gone did not answer/);
  }, 90_000);

  test("the cache of a set is emptied where its Sentinels say the master is", async () => {
    await east.nodes[1]?.raw("SET", "wrong", "yes");
    await harness.perform("rebuild", "redis.rebuild", { set: setOf(east, "EAST") });
    expect(await east.nodes[1]?.raw("EXISTS", "wrong")).toBe(":0\r\n");
  }, 40_000);

  test("the other region is promoted from whichever server the Sentinels had chosen, and all that is left follows", async () => {
    const [first, second] = east.nodes;
    await second?.raw("SET", "kept", "yes");
    await harness.perform("forget", "redis.forget", { set: setOf(east, "EAST") });
    const given = { from: at(first, "EAST"), fromOthers: [at(second, "EAST")], to: at(west.nodes[0], "WEST") };
    const { evidence } = await harness.perform("promote", "redis.promote_dr", given);
    expect(evidence.rpo).toMatchObject({ seconds: 0, rows: 0 });
    expect(await west.nodes[0]?.raw("GET", "kept")).toContain("yes");
    expect(await follows(second)).toBe(west.nodes[0]?.port);
    // The master is looked for here, too: its region's first server is named last.
    const master = { master: at(west.nodes[1], "WEST"), masterOthers: [at(west.nodes[0], "WEST")] };
    await harness.perform("follow", "redis.follow", { node: at(first, "EAST"), ...master });
    expect(await follows(first)).toBe(west.nodes[0]?.port);
    expect((await harness.look("redis.follow", { node: at(first, "EAST"), ...master })).done).toBe("yes");
  }, 60_000);
});
