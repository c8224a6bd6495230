import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { soon } from "../../environment/patience.ts";
import type { PatroniCluster, PatroniNode } from "./index.ts";

const REJECT = "host replication all 127.0.0.1/32 reject # practice\n";
/** `maximum_lag_on_failover` of the environment. */
const LAG_BYTES = 1_048_576;
const BEHIND_BYTES = 6 * LAG_BYTES;

/**
 * Every replica is further behind than Patroni lets one lead, and then the leader's host is gone: no one leads, and no one
 * is elected. Says who was lost.
 */
export async function leaveBehind(environment: PatroniCluster, database = "postgres"): Promise<PatroniNode> {
  const leader = await environment.settled();
  await cutOff(environment, leader);
  await asOwner(environment, leader, database, [
    "create table if not exists ballast (filler text)",
    `insert into ballast select repeat(md5(random()::text), 32) from generate_series(1, ${BEHIND_BYTES / 1024})`,
    "select pg_switch_wal()",
  ]);
  await soon("Patroni knowing how far behind the others are", async () => {
    const others = (await toldBy(leader)).members.filter(({ name }) => name !== leader.name);
    return others.every(({ lag }) => typeof lag === "number" && lag > LAG_BYTES);
  });
  await environment.lose(leader);
  await environment.expire(leader);
  await noLeader(environment.nodes.filter((node) => node !== leader));
  return leader;
}

/** From now on no replica follows this member; it goes on taking writes. */
export async function cutOff(environment: PatroniCluster, leader: PatroniNode): Promise<void> {
  await writeFile(hbaOf(leader), REJECT + (await readFile(hbaOf(leader), "utf8")));
  await asOwner(environment, leader, "postgres", [
    "select pg_reload_conf()",
    // Until the reload has reached the postmaster, one that is ended comes back.
    "select pg_sleep(0.2)",
    "select pg_terminate_backend(pid) from pg_stat_replication",
  ]);
  await soon("A leader without followers", async () => {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: leader.port,
      database: "postgres",
      ...environment.superuser,
    });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query("select from pg_stat_replication")).rowCount === 0;
    } finally {
      await client.end();
    }
  });
}

/** Replicas may follow this member again, wherever they were kept from it. */
export async function admit(environment: PatroniCluster, node: PatroniNode): Promise<void> {
  const text = await readFile(hbaOf(node), "utf8").catch(() => "");
  if (!text.includes(REJECT)) return;
  await writeFile(hbaOf(node), text.replaceAll(REJECT, ""));
  await asOwner(environment, node, "postgres", ["select pg_reload_conf()"]).catch(() => {});
}

interface Told {
  readonly members: readonly { readonly name: string; readonly role: string; readonly lag?: number | string }[];
}

const hbaOf = (node: PatroniNode) => join(node.folder, "pg_hba.conf");
const toldBy = async ({ api }: PatroniNode) =>
  (await (await fetch(`${api}/cluster`, { signal: AbortSignal.timeout(2000) })).json()) as Told;

/** For two rounds of Patroni's: no one elects by itself. */
async function noLeader(nodes: readonly PatroniNode[]): Promise<void> {
  let rounds = 0;
  await soon("a cluster without a leader", async () => {
    const told = await Promise.all(nodes.map(toldBy));
    const led = told.some(({ members }) => members.some(({ role }) => role === "leader"));
    rounds = led ? 0 : rounds + 1;
    return rounds >= 40;
  });
}

async function asOwner(
  { superuser }: PatroniCluster,
  { port }: PatroniNode,
  database: string,
  statements: readonly string[],
): Promise<void> {
  const client = new pg.Client({ host: "127.0.0.1", port, database, ...superuser });
  client.on("error", () => {});
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
