import { type Fleet, openFleet } from "../../../src/practice/estate/fleet.ts";
import {
  REDIS_PACKAGES,
  REDIS_PROGRAMS,
  type RedisEstate,
  type RedisNode,
  startRedis,
  startRedisNode,
} from "../../../src/practice/estate/redis/index.ts";
import { asked, type Proof, type Struck, struck, type Trial, told, until } from "../trial.ts";
import { openWire, type Way } from "../wire.ts";

const needs = { programs: REDIS_PROGRAMS, packages: REDIS_PACKAGES };
const NO = "-ERR refused by the test\r\n";
const YES = "+OK\r\n";
const named = (node: RedisNode, port = node.port) => ({ name: node.name, host: "127.0.0.1", port });
const role = async (node: RedisNode) => ((await node.raw("ROLE")).includes("master") ? "master" : "replica");

let fleet: Fleet;
let nodes = 0;
const alone = (follows?: RedisNode) => startRedisNode(fleet, `trial-${++nodes}`, follows);

const NAMELESS = "a Redis without Sentinels has no name of its own: its address and its password are who it is";

const rebuild: Trial = {
  action: "redis.rebuild",
  intentFirst: true,
  seconds: { hanging: 1 },
  async begin() {
    const node = await alone();
    await node.raw("SET", "stale", "yes");
    const way = await openWire(node.port, { changes: (text) => text.includes("FLUSHALL"), no: NO, yes: YES });
    return {
      input: { node: named(node, way.port) },
      ...struck(way),
      holds: async () => (await node.raw("GET", "stale")) === "$-1\r\n",
      byHand: () => node.raw("FLUSHALL"),
      wrong: () => node.raw("REPLICAOF", "127.0.0.1", "1"),
      blocks: "node.master",
      async close() {
        await way.close();
        await node.member.kill();
      },
    };
  },
  instead: { "another target": NAMELESS },
};

const promoteDr: Trial = {
  action: "redis.promote_dr",
  seconds: { hanging: 2 },
  async begin() {
    const from = await alone();
    const to = await alone(from);
    const way = await openWire(to.port, { changes: (text) => /REPLICAOF\r\n\$2\r\nNO/.test(text), no: NO, yes: YES });
    // The master knows its replica by the address that the step knows.
    await to.raw("CONFIG", "SET", "replica-announce-port", String(way.port));
    await to.raw("REPLICAOF", "NO", "ONE");
    await to.raw("REPLICAOF", "127.0.0.1", String(from.port));
    await until("the replica being online", async () => {
      const said = await from.raw("INFO", "replication");
      return said.includes(`port=${way.port},state=online`);
    });
    return {
      input: { from: named(from), to: named(to, way.port) },
      ...struck(way),
      holds: async () => (await role(to)) === "master" && (await role(from)) === "replica",
      async byHand() {
        await to.raw("REPLICAOF", "NO", "ONE");
        await from.raw("REPLICAOF", "127.0.0.1", String(to.port));
      },
      wrong: () => from.member.kill(),
      blocks: "master.fit",
      // A replica of somebody else's.
      async other() {
        await to.raw("REPLICAOF", "127.0.0.1", "1");
      },
      async close() {
        await way.close();
        await Promise.all([from.member.kill(), to.member.kill()]);
      },
    };
  },
};

/** Nodes that no Sentinel watches. */
export const aloneProof: Proof = {
  needs,
  async open() {
    fleet = await openFleet("redis");
  },
  close: () => fleet?.stop(),
  trials: [rebuild, promoteDr],
};

let estate: RedisEstate;
/** For the tests beside these. */
export const opened = () => estate;
const FILE = "redis/failover.test.ts";

const failover: Trial = {
  action: "redis.failover",
  seconds: { usual: 20, hanging: 3, lie: 3 },
  async begin() {
    await estate.settled();
    const from = await masterOf();
    const ways = await Promise.all(
      estate.sentinels.map(({ port }) =>
        openWire(port, { changes: (text) => text.includes("FAILOVER"), no: NO, yes: YES }),
      ),
    );
    const set = {
      master: estate.master,
      sentinels: ways.map(({ port }) => ({ host: "127.0.0.1", port })),
    };
    return {
      input: { set },
      ...struck(together(ways)),
      holds: async () => (await masterOf()) !== from,
      other: () => asked({ set: { ...set, master: "another" } }),
      close: () => Promise.all(ways.map((way) => way.close())),
    };
  },
  instead: {
    "killed before": told(FILE, "killed %s, the run goes on and the master moves once"),
    "killed during": told(FILE, "killed while the request is on its way: it is looked for, and not sent again"),
    "killed after": told(FILE, "killed %s, the run goes on and the master moves once"),
    "reply lost": told(FILE, "a lost answer keeps the pause, so nothing is lost while nobody knows"),
    "done by hand": told(FILE, "moved by hand before: it is seen, and nothing is asked for"),
    "wrong state": told(FILE, "a master that hangs is a reason not to begin a failover without loss"),
  },
};

async function masterOf(): Promise<string> {
  const said = await Promise.all(estate.nodes.map(async (node) => [node.port, await role(node)] as const));
  return said.flatMap(([port, is]) => (is === "master" ? [port] : [])).join();
}

/** Whichever is asked: a fault strikes the first that is. */
function together(ways: readonly Way[]): Struck {
  return {
    faults: {
      throw(fault) {
        for (const way of ways) way.faults.throw(fault);
      },
    },
    writes: () => ways.flatMap((way) => way.writes()),
  };
}

/** A set that Sentinels watch. */
export const watchedProof: Proof = {
  needs,
  async open() {
    estate = await startRedis();
  },
  close: () => estate?.stop(),
  trials: [failover],
};
