import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { PatroniCluster, PatroniNode } from "../../../practice/targets/patroni/index.ts";

/** An application that asks Patroni who takes writes, as a load balancer does, and notes every commit. */
export interface Writers {
  readonly acknowledged: number;
  flowing(): Promise<void>;
  /** Acknowledged rows that are not on this node. */
  lostOn(node: PatroniNode): Promise<number>;
  stop(): Promise<void>;
}

export async function openWriters(environment: PatroniCluster): Promise<Writers> {
  const acknowledged: number[] = [];
  let [stopped, n] = [false, 0];
  const clientOf = (port: number) => {
    const client = new pg.Client({
      host: "127.0.0.1",
      port,
      ...environment.superuser,
      database: "postgres",
      connectionTimeoutMillis: 1000,
      query_timeout: 3000,
    });
    client.on("error", () => {});
    return client;
  };
  const find = async () => {
    for (const node of environment.nodes) {
      const answer = await fetch(`${node.api}/primary`, { signal: AbortSignal.timeout(1000) }).catch(() => null);
      if (answer?.status === 200) return node.port;
    }
    throw new Error("Nobody takes writes");
  };
  const setup = clientOf(await find());
  await setup.connect();
  await setup.query("create table if not exists written (id bigint primary key); truncate written");
  await setup.end();
  const work = Array.from({ length: 3 }, async () => {
    let client: pg.Client | null = null;
    while (!stopped) {
      const id = ++n;
      try {
        if (client === null) {
          client = clientOf(await find());
          await client.connect();
        }
        await client.query("insert into written values ($1)", [id]);
        acknowledged.push(id);
      } catch {
        await client?.end().catch(() => {});
        client = null;
        await sleep(20);
      }
    }
    await client?.end().catch(() => {});
  });
  const writers: Writers = {
    get acknowledged() {
      return acknowledged.length;
    },
    async flowing() {
      const from = acknowledged.length;
      const end = Date.now() + 30_000;
      while (acknowledged.length < from + 100) {
        if (Date.now() > end) throw new Error("No writes are acknowledged");
        await sleep(10);
      }
    },
    async lostOn(node) {
      const client = clientOf(node.port);
      await client.connect();
      const { rows } = await client.query<{ id: string }>("select id from written");
      await client.end();
      const there = new Set(rows.map((row) => Number(row.id)));
      return acknowledged.filter((id) => !there.has(id)).length;
    },
    async stop() {
      stopped = true;
      await Promise.all(work);
    },
  };
  await writers.flowing();
  return writers;
}
