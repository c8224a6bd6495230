import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import type { RedisGroup } from "../../../practice/targets/redis/index.ts";

/** An application that finds the master through the Sentinels, writes as fast as it is answered, and notes every OK. */
export interface Writers {
  readonly acknowledged: number;
  readonly longestGapMilliseconds: number;
  /** Resolves when writes were acknowledged again after this call. */
  flowing(): Promise<void>;
  /** Acknowledged keys that are not on this node. */
  lostOn(port: number): Promise<number>;
  stop(): Promise<void>;
}

export async function openWriters(environment: RedisGroup): Promise<Writers> {
  const run = Math.random().toString(36).slice(2, 8);
  const acknowledged: string[] = [];
  let [stopped, last, gap, n] = [false, performance.now(), 0, 0];
  const clients = Array.from({ length: 4 }, () => {
    const client = new Redis({
      sentinels: environment.sentinels.map(({ port }) => ({ host: "127.0.0.1", port })),
      name: environment.master,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      sentinelRetryStrategy: () => 50,
      retryStrategy: () => 20,
      failoverDetector: false,
    });
    client.on("error", () => {});
    return client;
  });
  const work = clients.map(async (client) => {
    while (!stopped) {
      const key = `${run}:${++n}`;
      try {
        await client.set(key, "1");
        const now = performance.now();
        gap = Math.max(gap, now - last);
        last = now;
        acknowledged.push(key);
      } catch {
        await sleep(10);
      }
    }
  });
  const writers: Writers = {
    get acknowledged() {
      return acknowledged.length;
    },
    get longestGapMilliseconds() {
      return gap;
    },
    async flowing() {
      const from = acknowledged.length;
      const end = Date.now() + 20_000;
      while (acknowledged.length < from + 100) {
        if (Date.now() > end) throw new Error("No writes are acknowledged");
        await sleep(10);
      }
    },
    async lostOn(port) {
      const client = new Redis({ port, lazyConnect: true, retryStrategy: () => null });
      await client.connect();
      let lost = 0;
      for (let i = 0; i < acknowledged.length; i += 2000) {
        const found = await client.mget(acknowledged.slice(i, i + 2000));
        lost += found.filter((value) => value === null).length;
      }
      client.disconnect();
      return lost;
    },
    async stop() {
      stopped = true;
      for (const client of clients) client.disconnect();
      await Promise.allSettled(work);
    },
  };
  await writers.flowing();
  gap = 0;
  return writers;
}
