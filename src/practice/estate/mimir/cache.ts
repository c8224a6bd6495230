import { setTimeout as sleep } from "node:timers/promises";
import { soon } from "../fleet.ts";
import { type RedisEstate, type RedisNode, startRedis } from "../redis/index.ts";
import type { Side } from "./names.ts";

/** A real Sentinel set in us-east-1, a replica in us-west-2 that no Sentinel may choose, and carts that are written all the time. */
export interface Cache {
  readonly estate: RedisEstate;
  readonly dr: RedisNode;
  /** Where carts are written: by the word of the Sentinels, or to the replica once it is a master. */
  side: Side;
  master(): Promise<RedisNode>;
  readonly acknowledged: number;
  /** Acknowledged carts that the node does not hold. */
  lostOn(node: RedisNode): Promise<number>;
  /** What the application keeps there that can be made again. */
  warm(node: RedisNode, ids: readonly string[]): Promise<void>;
  isWarm(side: Side): Promise<boolean>;
  reset(): Promise<void>;
  /** Every node in us-east-1, Sentinels too, is gone. */
  lose(): Promise<void>;
  /** What `lose` took is started again, as it was set up and with no data: nothing here is kept on disk. */
  regain(): Promise<void>;
  /** As somebody does on each Sentinel before the master is led away: they stop watching. */
  unwatch(): Promise<void>;
  /** As leaving us-east-1 leaves it behind: the replica is a master, and keeps the carts. */
  moved(): Promise<void>;
  stop(): Promise<void>;
}

const WORKERS = 2;
const PAUSE_MS = 20;
const WARM = "warmed";

export async function createCache(): Promise<Cache> {
  let estate = await startRedis();
  let dr = await replicaOf(estate);
  let side: Side = "east";
  let carts: string[] = [];
  let harmed = false;
  let closed = false;
  let turn = 0;

  const master = async (): Promise<RedisNode> => {
    for (const one of estate.sentinels) {
      const said = await one.raw("SENTINEL", "GET-MASTER-ADDR-BY-NAME", estate.master).catch(() => "");
      const port = Number(/\r\n(\d+)\r\n$/.exec(said)?.[1]);
      const found = estate.nodes.find((node) => node.port === port);
      if (found) return found;
    }
    throw new Error("No Sentinel names a master");
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
        to ??= side === "east" ? await master() : dr;
        if ((await to.raw("SET", cart, "1")) !== "+OK\r\n") throw new Error("refused");
        mine.push(cart);
      } catch {
        to = null;
        await sleep(30);
      }
      await sleep(PAUSE_MS);
    }
  });

  const cache: Cache = {
    get estate() {
      return estate;
    },
    get dr() {
      return dr;
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
    async isWarm(where) {
      const node = where === "east" ? await master() : dr;
      return (await node.raw("EXISTS", WARM)) === ":1\r\n";
    },
    async reset() {
      side = "east";
      if (harmed || !(await isIntact())) {
        await estate.stop();
        estate = await startRedis();
        dr = await replicaOf(estate);
        harmed = false;
      } else {
        // After a failover the Sentinels would lead it to the new master some seconds later.
        const { port } = await master();
        await dr.raw("REPLICAOF", "127.0.0.1", String(port));
        await settled();
      }
      await (await master()).raw("SET", WARM, "1");
      carts = [];
    },
    async lose() {
      harmed = true;
      await Promise.all([...estate.nodes, ...estate.sentinels].map((one) => one.member.kill()));
    },
    regain: () => estate.restart(),
    async unwatch() {
      harmed = true;
      for (const one of estate.sentinels) await one.raw("SENTINEL", "REMOVE", estate.master);
    },
    async moved() {
      harmed = true;
      await dr.raw("REPLICAOF", "NO", "ONE");
      side = "west";
      await soon("The master in us-east-1 missing its third replica", 20, async () => {
        const said = await (await master()).raw("INFO", "replication");
        return (said.match(/state=online/g) ?? []).length === 2;
      });
      // They watch what is left, and would lead the new master back to the old one if they remembered it.
      for (const one of estate.sentinels) await one.raw("SENTINEL", "RESET", estate.master);
      await estate.settled();
    },
    async stop() {
      closed = true;
      await Promise.all(writing);
      await estate.stop();
    },
  };
  return cache;

  async function isIntact(): Promise<boolean> {
    const all = [...estate.nodes, ...estate.sentinels];
    if (all.some((one) => !one.member.running)) return false;
    return (await dr.raw("INFO", "replication")).includes("role:slave");
  }

  async function settled(): Promise<void> {
    await soon("Redis in both regions having settled", 40, async () => {
      const leading = await master();
      const said = await leading.raw("INFO", "replication");
      const flags = await Promise.all(estate.sentinels.map((one) => one.raw("SENTINEL", "MASTER", estate.master)));
      const calm = flags.every(
        (text) => /\r\nflags\r\n\$6\r\nmaster\r\n/.test(text) && text.includes(`\r\n${leading.port}\r\n`),
      );
      return calm && (said.match(/state=online/g) ?? []).length === 3;
    });
  }
}

/** Beyond the Sentinels' choice, as a replica in another region has to be. */
async function replicaOf(estate: RedisEstate): Promise<RedisNode> {
  const [first] = estate.nodes;
  const dr = await estate.alone(first);
  await dr.raw("CONFIG", "SET", "replica-priority", "0");
  await soon("The replica in us-west-2 following", 20, async () =>
    (await dr.raw("INFO", "replication")).includes("master_link_status:up"),
  );
  return dr;
}
