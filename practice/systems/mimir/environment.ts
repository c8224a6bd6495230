import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { withDeadline } from "../../../src/lib/deadline.ts";
import { LifeboatError } from "../../../src/lib/errors.ts";
import { openFleet } from "../../environment/fleet.ts";
import { openHostsAgent } from "../../environment/hosts-agent.ts";
import { soon } from "../../environment/patience.ts";
import { type DatabaseServer, isStoredAnew, ledgerOn, watchServers } from "../../environment/servers.ts";
import type { Row, SystemEnvironment, SystemEnvironmentOptions } from "../../environment/system-environment.ts";
import type { StandInServer } from "../../kit/server.ts";
import { kubeconfigOf, type PracticeCluster } from "../../targets/kubernetes/index.ts";
import { type Cache, createCache } from "./cache.ts";
import { type Cloud, createCloud } from "./cloud.ts";
import { type Clusters, createClusters } from "./clusters.ts";
import { createDatabases, DATABASE, type Databases } from "./databases.ts";
import { CONTROLS, NAMESPACE, REGION, type Side } from "./names.ts";
import { createTraffic, type Traffic } from "./traffic.ts";
import { valuesOf } from "./values.ts";

/** Mimir: two regions with real PostgreSQL and real Redis, clusters whose pods take orders, and customers who order. */
export interface MimirEnvironment extends SystemEnvironment {
  readonly databases: Databases;
  readonly cloud: Cloud;
  readonly clusters: Clusters;
  readonly cache: Cache;
  readonly traffic: Traffic;
  readonly agent: StandInServer;
}
type Parts = Pick<MimirEnvironment, "databases" | "cloud" | "clusters" | "cache" | "traffic" | "agent">;

export async function createMimir(options: SystemEnvironmentOptions): Promise<MimirEnvironment> {
  const folder = resolve(options.folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // PostgreSQL may run as another user, who has to get through.
  await chmod(folder, 0o711);
  const word = () => randomBytes(12).toString("hex");
  const passwords = { owner: word(), replicator: word(), admin: word(), app: word(), monitor: word() };
  const fleet = await openFleet("mimir");
  const closers: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse())
      await withDeadline("A part of Mimir's environment", 5, close).catch(() => {});
    await fleet.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const databases = await createDatabases(fleet, passwords);
    closers.push(
      async () => void (await Promise.all(databases.all.map((host) => host.thaw().then(() => host.kill())))),
    );
    await databases.create();
    const redisPasswords = { east: word(), west: word(), replication: word() };
    const cache = await createCache(redisPasswords);
    closers.push(() => cache.stop());
    const cloud = await createCloud();
    closers.push(() => cloud.close());
    cloud.reset("east");
    const clusters = await createClusters({ databases, aws: cloud.aws, cache }, passwords.app);
    closers.push(() => clusters.close());
    const token = word();
    const agent = await openHostsAgent(token, [databases.at.primary, databases.at.dr], undefined, [
      databases.at.restored,
    ]);
    closers.push(() => agent.close());
    const traffic = await createTraffic(cloud, clusters, cache);
    closers.push(() => traffic.close());
    let lastGood = new Date().toISOString();
    const parts = { databases, cloud, clusters, cache, traffic, agent };
    const watch = watchServers();
    closers.push(() => watch.close());
    const writers = () => watch.writers(serversOf(parts));
    const valuesFile = join(folder, "values.yml");
    const exports = join(folder, "exports");
    await mkdir(exports);
    const tell = async () =>
      await writeFile(valuesFile, JSON.stringify({ mimir: await valuesOf({ ...parts, exports }) }, null, 2));
    const practiceEnvironment: MimirEnvironment = {
      ...parts,
      parts: [
        { title: "PostgreSQL 15, primary and standby, and one to restore to", kind: "real" },
        { title: "pgBackRest repository", kind: "real" },
        { title: "Redis with three Sentinels in each region", kind: "real" },
        { title: "Name server and caching resolver", kind: "real" },
        { title: "API with customers", kind: "real" },
        { title: "Route 53, ARC, S3 in two regions", kind: "stand-in" },
        { title: "Kubernetes, two clusters", kind: "stand-in" },
      ],
      handle: () => false,
      environment: () => ({
        LIFEBOAT_VALUES: valuesFile,
        AWS_ENDPOINT_URL: cloud.aws.url,
        MIMIR_DB_PASSWORD: passwords.admin,
        MIMIR_APP_PASSWORD: passwords.app,
        MIMIR_REDIS_EAST_PASSWORD: redisPasswords.east,
        MIMIR_REDIS_WEST_PASSWORD: redisPasswords.west,
        MIMIR_KUBECONFIG: kubeconfigOf([clusters.east, clusters.west]),
        MIMIR_HOSTS_TOKEN: token,
      }),
      async reset() {
        await reset(parts);
        await tell();
        lastGood = new Date().toISOString();
      },
      writers,
      healthy: () => isStoredAnew(async () => traffic.acknowledged.length),
      ledger: async () => ledgerOn(serversOf(parts), await writers(), "orders", traffic.acknowledged),
      writeOff: async (ids) => traffic.writeOff(ids),
      async prepare(runbook, mode) {
        await reset(parts);
        await tell();
        await populate(parts, runbook);
        if (runbook === "db-restore-moment") lastGood = await damage(parts);
        if (["db-restore-s3", "backup-validate"].includes(runbook)) await databases.archived();
        if (mode === "unplanned") await injectFault(parts, runbook);
      },
      inputs: (runbook): Record<string, string> => (runbook === "db-restore-moment" ? { to: lastGood } : {}),
      injectable: [
        { id: "lose-us-east-1", title: "Make us-east-1 unreachable" },
        { id: "return-us-east-1", title: "Bring us-east-1 back", returns: true },
        { id: "lose-us-west-2", title: "Make us-west-2 unreachable" },
        { id: "return-us-west-2", title: "Bring us-west-2 back", returns: true },
        { id: "kill-database", title: "Kill the database that takes the writes" },
        { id: "return-database", title: "Start the database that is down", returns: true },
        { id: "corrupt-database", title: "Delete every other order" },
        { id: "kill-redis", title: "Kill the Redis master" },
      ],
      async inject(id) {
        if (id === "lose-us-east-1") return await loseRegion(parts, "east");
        if (id === "return-us-east-1") return await returnRegion(parts, "east");
        if (id === "lose-us-west-2") return await loseRegion(parts, "west");
        if (id === "return-us-west-2") return await returnRegion(parts, "west");
        if (id === "kill-database") return await killWriter(parts, await writers());
        if (id === "return-database") return await startDatabases(parts);
        if (id === "corrupt-database") {
          lastGood = await damage(parts);
          return;
        }
        if (id === "kill-redis") return await (await cache.master()).member.kill();
        throw new LifeboatError({ code: "fault-unknown", what: `Nothing here is called "${id}"` });
      },
      look: () => look(parts),
      stop,
    };
    await reset(parts);
    await tell();
    return practiceEnvironment;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** As the document draws it: us-east-1 serves, us-west-2 stands by. */
async function reset({ databases, cloud, clusters, cache, traffic }: Parts): Promise<void> {
  for (const side of ["east", "west"] as const) traffic.cut(side, false);
  await Promise.all([databases.reset(), cache.reset()]);
  cloud.reset("east");
  await clusters.reset();
  traffic.forget();
  await ordered(traffic);
}

async function populate(parts: Parts, runbook: string): Promise<void> {
  const { databases, cloud, clusters, cache } = parts;
  if (runbook === "db-rejoin") {
    clusters.leadToDr();
    return await databases.left();
  }
  if (runbook !== "region-rejoin") return;
  // As an unplanned move leaves it when us-east-1 has come back: everything there runs as it did, and knows nothing of the move.
  await Promise.all([databases.left(), cache.left()]);
  await clusters.moved();
  cloud.aws.state.controls.set(CONTROLS.east, "Off");
  parts.traffic.forget();
  await ordered(parts.traffic);
}

/** Orders are deleted, and more are taken meanwhile. @returns the moment right before, and the log that far can be restored */
async function damage({ databases, traffic }: Parts): Promise<string> {
  const lastGood = new Date().toISOString();
  await databases.corrupt();
  await more(traffic);
  await databases.archived();
  return lastGood;
}

const REGIONAL = /^(region-failover|region-drill|annual-)/;

async function injectFault(parts: Parts, runbook: string): Promise<void> {
  if (REGIONAL.test(runbook)) return await loseRegion(parts, "east");
  if (runbook === "redis-failover") return await (await parts.cache.master()).member.kill();
  if (runbook === "db-restore-s3") return await parts.databases.destroy();
  if (/^db-(failover|promote)$/.test(runbook)) return await parts.databases.at.primary.kill();
}

const hostOf = ({ databases }: Parts, side: Side) => (side === "east" ? databases.at.primary : databases.at.dr);

/** Everything in a region falls silent: the control planes that live there, its cluster, database, cache and bucket. */
async function loseRegion(parts: Parts, side: Side): Promise<void> {
  const { cloud, clusters, cache, traffic } = parts;
  cloud.aws.faults.down(REGION[side]);
  clusters[side].faults.throw({ kind: "down" });
  traffic.cut(side, true);
  await Promise.all([hostOf(parts, side).kill(), cache.lose(side)]);
}

/** It comes back as it was when it went: its database as it stood, its pods running, its Redis empty and watched. */
async function returnRegion(parts: Parts, side: Side): Promise<void> {
  const { cloud, clusters, cache, traffic } = parts;
  await Promise.all([hostOf(parts, side).start(), cache.regain(side)]);
  clusters[side].faults.clear();
  cloud.aws.faults.up(REGION[side]);
  traffic.cut(side, false);
}

async function killWriter({ databases }: Parts, writers: readonly { readonly port: number }[]): Promise<void> {
  const host = databases.all.find(({ port }) => port === writers[0]?.port);
  await host?.kill();
}

async function startDatabases({ databases: { at } }: Parts): Promise<void> {
  await Promise.all([at.primary.start(), at.dr.start()]);
}

/** The pair. The server that is restored to is looked at by people alone. */
function serversOf({ databases }: Parts): readonly DatabaseServer[] {
  const { primary, dr } = databases.at;
  return [primary, dr]
    .filter(({ running }) => running)
    .map((host) => ({ name: host.name, database: DATABASE, port: host.port, url: host.url(), role: "app" }));
}

/** A few more than there were. */
async function more(traffic: Traffic): Promise<void> {
  const before = traffic.acknowledged.length;
  await soon("orders being taken", async () => traffic.acknowledged.length > before + 3);
}

async function ordered({ acknowledged }: { readonly acknowledged: readonly unknown[] }): Promise<void> {
  await soon("orders being taken", async () => acknowledged.length > 3);
}

async function look({ databases, cloud, clusters, cache, traffic }: Parts): Promise<readonly Row[]> {
  const regions = (["east", "west"] as const).map((side): Row => {
    const gone = cloud.aws.faults.isDown(REGION[side]);
    return { title: REGION[side], state: gone ? "unreachable" : "reachable", tone: gone ? "broken" : "well" };
  });
  const pods = (cluster: PracticeCluster) => `${cluster.listeners(NAMESPACE, ["app", "api"]).length} API pods`;
  const { east, west } = traffic.recent();
  const { primary, dr } = databases.at;
  return [
    ...regions,
    { title: primary.name, state: primary.running ? "runs" : "off", tone: primary.running ? "well" : "broken" },
    { title: dr.name, state: dr.running ? "runs" : "off", tone: dr.running ? "well" : "broken" },
    { title: "Redis", state: `${cache.acknowledged} carts acknowledged, kept in the ${cache.side}` },
    { title: "Cluster us-east-1", state: pods(clusters.east) },
    { title: "Cluster us-west-2", state: pods(clusters.west) },
    {
      title: "Customers",
      state: `${east} orders a second by way of us-east-1, ${west} by way of us-west-2`,
      tone: east + west > 0 ? "well" : "broken",
    },
  ];
}
