import { type Fleet, openFleet } from "../../../practice/environment/fleet.ts";
import {
  REDIS_PACKAGES,
  REDIS_PROGRAMS,
  type RedisGroup,
  type RedisNode,
  startRedis,
  startRedisNode,
} from "../../../practice/targets/redis/index.ts";
import { actionHarness } from "../../support/action-harness.ts";
import {
  asked,
  type FailureCase,
  type FailureSuite,
  type Struck,
  shownBy,
  struck,
  until,
} from "../../support/failure-case.ts";
import { type FaultProxy, openFaultProxy } from "../fault-proxy.ts";

const needs = { programs: REDIS_PROGRAMS, packages: REDIS_PACKAGES };
const NO = "-ERR refused by the test\r\n";
const YES = "+OK\r\n";
const named = (node: RedisNode, port = node.port) => ({ name: node.name, host: "127.0.0.1", port });
const role = async (node: RedisNode) => ((await node.raw("ROLE")).includes("master") ? "master" : "replica");

let fleet: Fleet;
let nodes = 0;
const alone = (follows?: RedisNode) => startRedisNode(fleet, `trial-${++nodes}`, follows);

const NAMELESS = "a Redis without Sentinels has no name of its own: its address and its password are who it is";

const rebuild: FailureCase = {
  action: "redis.rebuild",
  intentFirst: true,
  seconds: { hanging: 1 },
  async begin() {
    const node = await alone();
    await node.raw("SET", "stale", "yes");
    const way = await openFaultProxy(node.port, { changes: (text) => text.includes("FLUSHALL"), no: NO, yes: YES });
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

const promoteDr: FailureCase = {
  action: "redis.promote_dr",
  seconds: { hanging: 2 },
  async begin() {
    const from = await alone();
    const to = await alone(from);
    const way = await openFaultProxy(to.port, {
      changes: (text) => /REPLICAOF\r\n\$2\r\nNO/.test(text),
      no: NO,
      yes: YES,
    });
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
      // A replica of someone else's.
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

const follow: FailureCase = {
  action: "redis.follow",
  seconds: { hanging: 2, lie: 3 },
  async begin() {
    const [node, master] = [await alone(), await alone()];
    await master.raw("SET", "kept", "yes");
    const way = await openFaultProxy(node.port, { changes: (text) => text.includes("REPLICAOF"), no: NO, yes: YES });
    const input = { node: named(node, way.port), master: named(master) };
    const follows = () => node.raw("REPLICAOF", "127.0.0.1", String(master.port));
    return {
      input,
      ...struck(way),
      holds: async () => (await node.raw("GET", "kept")).includes("yes"),
      byHand: follows,
      wrong: () => master.raw("REPLICAOF", "127.0.0.1", String(node.port)),
      blocks: "master.fit",
      other: () => asked({ ...input, master: { ...input.master, port: 1 } }),
      async close() {
        await way.close();
        await Promise.all([node.member.kill(), master.member.kill()]);
      },
    };
  },
};

/** Nodes that no Sentinel watches. */
export const aloneSuite: FailureSuite = {
  needs,
  async open() {
    fleet = await openFleet("redis");
  },
  close: () => fleet?.stop(),
  cases: [rebuild, promoteDr, follow],
};

let environment: RedisGroup;
/** For the tests beside these. */
export const opened = () => environment;
const FILE = "redis/failover.test.ts";

const failover: FailureCase = {
  action: "redis.failover",
  seconds: { usual: 20, hanging: 3, lie: 3 },
  async begin() {
    await environment.settled();
    const from = await masterOf();
    const ways = await Promise.all(
      environment.sentinels.map(({ port }) =>
        openFaultProxy(port, { changes: (text) => text.includes("FAILOVER"), no: NO, yes: YES }),
      ),
    );
    const set = {
      master: environment.master,
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
    "killed before": shownBy(FILE, "killed %s, the run goes on and the master moves once"),
    "killed during": shownBy(FILE, "killed while the request is on its way: it is looked for, and not sent again"),
    "killed after": shownBy(FILE, "killed %s, the run goes on and the master moves once"),
    "reply lost": shownBy(FILE, "a lost answer keeps the pause, so nothing is lost while no one knows"),
    "done by hand": shownBy(FILE, "moved by hand before: it is seen, and nothing is requested"),
    "wrong state": shownBy(FILE, "a master that hangs is a reason not to begin a failover without loss"),
  },
};

let sets = 0;
/** A set of one Sentinel and one master, by a name of its own; watched or not. */
async function ofOneSentinel(words: string, watched: boolean) {
  const [sentinel] = environment.sentinels;
  if (!sentinel) throw new Error("There is no Sentinel");
  const node = await environment.alone();
  const way = await openFaultProxy(sentinel.port, { changes: (text) => text.includes(words), no: NO, yes: YES });
  const name = `trial-${++sets}`;
  const at = (port: number) => ({ master: name, sentinels: [{ host: "127.0.0.1", port }] });
  const watch = () => sentinel.raw("SENTINEL", "MONITOR", name, "127.0.0.1", String(node.port), "1");
  if (watched) await watch();
  return {
    node,
    name,
    at,
    set: at(way.port),
    direct: at(sentinel.port),
    way,
    isWatched: async () => (await sentinel.raw("SENTINEL", "MASTER", name)).startsWith("*"),
    remove: () => sentinel.raw("SENTINEL", "REMOVE", name),
    async close() {
      await way.close();
      await sentinel.raw("SENTINEL", "REMOVE", name);
      await node.member.kill();
    },
  };
}

const monitor: FailureCase = {
  action: "redis.monitor",
  seconds: { hanging: 2, lie: 3 },
  async begin() {
    const one = await ofOneSentinel("MONITOR", false);
    const input = { set: one.set, node: named(one.node), quorum: 1 };
    return {
      input,
      ...struck(one.way),
      holds: one.isWatched,
      byHand: () => actionHarness({}).perform("by-hand", "redis.monitor", { ...input, set: one.direct }),
      wrong: () => one.node.raw("REPLICAOF", "127.0.0.1", "1"),
      blocks: "node.master",
      other: () => asked({ ...input, set: one.at(1) }),
      close: one.close,
    };
  },
};

const forget: FailureCase = {
  action: "redis.forget",
  seconds: { hanging: 2, lie: 3 },
  async begin() {
    const one = await ofOneSentinel("REMOVE", true);
    const input = { set: one.set, of: `127.0.0.1:${one.node.port}` };
    return {
      input,
      ...struck(one.way),
      holds: async () => !(await one.isWatched()),
      byHand: one.remove,
      wrong: () => asked({ ...input, of: "127.0.0.1:1" }),
      blocks: "sentinels.asPlanned",
      other: () => asked({ ...input, set: one.at(1) }),
      close: one.close,
    };
  },
};

async function masterOf(): Promise<string> {
  const said = await Promise.all(environment.nodes.map(async (node) => [node.port, await role(node)] as const));
  return said.flatMap(([port, is]) => (is === "master" ? [port] : [])).join();
}

/** Whichever is asked: a fault strikes the first that is. */
function together(ways: readonly FaultProxy[]): Struck {
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
export const watchedSuite: FailureSuite = {
  needs,
  async open() {
    environment = await startRedis();
  },
  close: () => environment?.stop(),
  cases: [failover, monitor, forget],
};
