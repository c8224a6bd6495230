import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../../environment/patience.ts";
import { type RedisGroup, type RedisNode, startRedis } from "../../targets/redis/index.ts";
import { SENTINEL_SET, type Side } from "./names.ts";

export type Passwords = Readonly<Record<Side, string>> & { readonly replication: string };

/**
 * In each region two Redis servers and three Sentinels. Those of the serving side watch; the servers of the other side follow its master, and
 * its Sentinels watch nothing. Each region has a password of its own: Sentinels of a region that comes back can't lead the
 * servers of the other one. Carts are written all the time.
 */
export interface Cache {
  readonly at: Readonly<Record<Side, RedisGroup>>;
  /** Where carts are written: where the last order was taken. */
  side: Side;
  /** By the word of that side's Sentinels; `side` if left out. */
  master(of?: Side): Promise<RedisNode>;
  readonly acknowledged: number;
  /** Acknowledged carts that the node does not hold. */
  lostOn(node: RedisNode): Promise<number>;
  /** What the application keeps there that can be made again. */
  warm(node: RedisNode, ids: readonly string[]): Promise<void>;
  isWarm(side: Side): Promise<boolean>;
  reset(): Promise<void>;
  /** Every server there, Sentinels too, is gone. */
  lose(side: Side): Promise<void>;
  /** What `lose` took is started again, as it was set up and with no data: nothing here is kept on disk. */
  regain(side: Side): Promise<void>;
  /** As an unplanned move leaves it when us-east-1 is back: us-west-2 leads and is watched, and so is what runs in us-east-1. */
  left(): Promise<void>;
  stop(): Promise<void>;
}

const WORKERS = 2;
const PAUSE_MS = 20;
const WARM = "warmed";
const NODES = 2;
/** After that it is set up again. */
const SETTLES_SECONDS = 60;

export async function createCache(passwords: Passwords): Promise<Cache> {
  const start = (side: Side, standbyOf?: RedisNode) =>
    startRedis({
      nodes: NODES,
      master: SENTINEL_SET,
      password: passwords[side],
      replicationPassword: passwords.replication,
      ...(standbyOf && { standbyOf }),
    });
  const both = async () => {
    const east = await start("east");
    return { east, west: await start("west", east.nodes[0]) };
  };
  let at = await both();
  let side: Side = "east";
  let carts: string[] = [];
  let harmed = false;
  let closed = false;
  let turn = 0;

  const master = async (of: Side = side): Promise<RedisNode> => {
    const { sentinels, nodes, master: name } = at[of];
    for (const one of sentinels) {
      const said = await one.raw("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name).catch(() => "");
      const port = Number(/\r\n(\d+)\r\n$/.exec(said)?.[1]);
      const found = nodes.find((node) => node.port === port);
      if (found) return found;
    }
    throw new Error(`No Sentinel of ${of} names a master`);
  };
  const writing = Array.from({ length: WORKERS }, async () => {
    let to: RedisNode | null = null;
    let since: Side = side;
    while (!closed) {
      const cart = `cart:${++turn}`;
      const mine = carts;
      try {
        if (since !== side) to = null;
        since = side;
        to ??= await master();
        if ((await to.raw("SET", cart, "1")) !== "+OK\r\n") throw new Error("refused");
        mine.push(cart);
      } catch {
        to = null;
        await sleep(30);
      }
      await sleep(PAUSE_MS);
    }
  });

  return {
    get at() {
      return at;
    },
    get side() {
      return side;
    },
    set side(now) {
      side = now;
    },
    master,
    get acknowledged() {
      return carts.length;
    },
    async lostOn(node) {
      const all = [...carts];
      let present = 0;
      for (let i = 0; i < all.length; i += 500) {
        present += Number((await node.raw("EXISTS", ...all.slice(i, i + 500))).slice(1));
      }
      return all.length - present;
    },
    async warm(node, ids) {
      for (const id of ids) await node.raw("SET", `order:${id}`, "1");
      await node.raw("SET", WARM, "1");
    },
    isWarm: async (where) => (await (await master(where)).raw("EXISTS", WARM)) === ":1\r\n",
    async reset() {
      side = "east";
      if (harmed || !(await isIntact())) {
        const old = at;
        await Promise.all([old.east.stop(), old.west.stop()]);
        at = await both();
        harmed = false;
      }
      // The last order may still have been taken elsewhere.
      await (await master("east")).raw("SET", WARM, "1");
      carts = [];
    },
    async lose(of) {
      harmed = true;
      const { nodes, sentinels } = at[of];
      await Promise.all([...nodes, ...sentinels].map((one) => one.member.kill()));
    },
    regain: (of) => at[of].restart(),
    async left() {
      harmed = true;
      const [first, second] = at.west.nodes;
      await first?.raw("REPLICAOF", "NO", "ONE");
      await second?.raw("REPLICAOF", "127.0.0.1", String(first?.port));
      for (const one of at.west.sentinels) {
        await one.raw("SENTINEL", "MONITOR", SENTINEL_SET, "127.0.0.1", String(first?.port), "2");
        await one.raw("SENTINEL", "SET", SENTINEL_SET, "auth-pass", passwords.west);
      }
      side = "west";
    },
    async stop() {
      closed = true;
      await Promise.all(writing);
      await Promise.all([at.east.stop(), at.west.stop()]);
    },
  };

  /** As at the beginning: us-east-1 is watched and leads, and everything else follows its master. */
  async function isIntact(): Promise<boolean> {
    const all = [at.east, at.west].flatMap(({ nodes, sentinels }) => [...nodes, ...sentinels]);
    if (all.some((one) => !one.member.running)) return false;
    try {
      const leading = await master("east");
      const others = [...at.east.nodes, ...at.west.nodes].filter((node) => node.port !== leading.port);
      await within(5, "every Redis server following the master", async () => {
        const said = await Promise.all(others.map((node) => node.raw("INFO", "replication")));
        return said.every((text) => text.includes(`master_port:${leading.port}`) && text.includes("link_status:up"));
      });
      await at.east.settled(SETTLES_SECONDS);
      const watching = await Promise.all(at.west.sentinels.map((one) => one.raw("SENTINEL", "MASTERS")));
      return watching.every((said) => said === "*0\r\n");
    } catch {
      return false;
    }
  }
}
