import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LifeboatError } from "../../../lib/errors.ts";
import { ended, ready } from "../application.ts";
import { startOwn } from "../child.ts";
import { soon } from "../fleet.ts";
import { kubeconfigOf } from "../kubernetes/index.ts";
import { createSearch, type Search } from "../search/index.ts";
import { type DatabaseServer, isStoredAnew, ledgerOn, watchServers } from "../servers.ts";
import type { SystemEstate, SystemEstateOptions } from "../system-estate.ts";
import { type Cloud, createCloud } from "./cloud.ts";
import { type Clusters, createClusters } from "./clusters.ts";
import { asOwner, createDatabases, DATABASE, type Databases } from "./databases.ts";
import { EAST, endpointOf, FAILBACK, PRIMARY, REPLICA, RESTORED, WEST } from "./names.ts";
import { createTraffic, type Traffic } from "./traffic.ts";
import { valuesOf } from "./values.ts";

/** LLM-Marketplace: two regions of AWS in front of real PostgreSQL, two clusters whose pods serve, and publishers who publish. */
export interface MarketplaceEstate extends SystemEstate {
  readonly databases: Databases;
  readonly cloud: Cloud;
  readonly clusters: Clusters;
  readonly search: Search;
  readonly traffic: Traffic;
}

/** Search clusters by the name of their site. */
const SEARCH = ["primary", "dr"] as const;
export const SNAPSHOT = "rds-llm-marketplace-db-nightly";

export async function createMarketplace(options: SystemEstateOptions): Promise<MarketplaceEstate> {
  const folder = resolve(options.folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // PostgreSQL may run as another user, who has to get through.
  await chmod(folder, 0o711);
  const word = () => randomBytes(12).toString("hex");
  const passwords = { owner: word(), replicator: word(), admin: word(), app: word() };
  const databases = await createDatabases(folder, passwords);
  const keeper = startOwn("keeper", [folder, ...databases.all.map((host) => host.folder)], {});
  const closers: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close().catch(() => {});
    await Promise.all(databases.all.map(async (host) => host.thaw().then(() => host.kill())));
    await ended(keeper);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([ready(keeper, "The estate's keeper"), databases.create()]);
    const cloud = await createCloud(databases);
    closers.push(() => cloud.close());
    cloud.reset();
    const clusters = await createClusters(cloud, passwords.app);
    closers.push(() => clusters.close());
    const search = await createSearch({ clusters: SEARCH });
    closers.push(() => search.close());
    const traffic = await createTraffic(cloud, clusters);
    closers.push(() => traffic.close());
    const parts = { databases, cloud, clusters, search, traffic };
    const watch = watchServers();
    closers.push(() => watch.close());
    const writers = () => watch.writers(serversOf(parts));
    let lastGood: string | null = null;
    const valuesFile = join(folder, "values.yml");
    await writeFile(valuesFile, JSON.stringify({ "llm-marketplace": valuesOf(parts) }, null, 2));
    const estate: MarketplaceEstate = {
      ...parts,
      parts: [
        { title: "PostgreSQL 18, primary and cross-region replica", kind: "real" },
        { title: "Name server and caching resolver", kind: "real" },
        { title: "Publishing service with publishers", kind: "real" },
        { title: "RDS, Route 53, ARC, CloudWatch, S3", kind: "stand-in" },
        { title: "Kubernetes, two clusters", kind: "stand-in" },
        { title: "Elasticsearch, two clusters", kind: "stand-in" },
      ],
      handle: () => false,
      environment: () => ({
        LIFEBOAT_VALUES: valuesFile,
        AWS_ENDPOINT_URL: cloud.aws.url,
        MARKETPLACE_DB_PASSWORD: passwords.admin,
        MARKETPLACE_APP_PASSWORD: passwords.app,
        MARKETPLACE_KUBECONFIG: kubeconfigOf([clusters.primary, clusters.dr]),
        MARKETPLACE_SEARCH_PASSWORD: search.cluster("dr").login.password,
      }),
      reset: () => reset(parts),
      writers,
      healthy: () => isStoredAnew(async () => traffic.acknowledged.length),
      ledger: async () => ledgerOn(serversOf(parts), await writers(), "models", traffic.acknowledged),
      writeOff: async (ids) => traffic.writeOff(ids),
      async prepare(runbook, mode) {
        lastGood = await prepare(parts, runbook, mode);
      },
      inputs: (): Record<string, string> => (lastGood === null ? {} : { before: lastGood }),
      strikes: [
        { id: "lose-region", title: "Make us-east-1 unreachable" },
        { id: "return-region", title: "Bring us-east-1 back", returns: true },
        { id: "kill-database", title: "Kill the primary database" },
      ],
      async strike(id) {
        if (id === "lose-region") return loseRegion(parts);
        if (id === "return-region") return regionBack(parts);
        if (id === "kill-database") return databases.primary.kill();
        throw new LifeboatError({ code: "strike-unknown", what: `Nothing here is called "${id}"` });
      },
      look: () => look(parts),
      stop,
    };
    await reset(parts);
    return estate;
  } catch (error) {
    await stop();
    throw error;
  }
}

type Parts = Pick<MarketplaceEstate, "databases" | "cloud" | "clusters" | "search" | "traffic">;

async function reset({ databases, cloud, clusters, search, traffic }: Parts): Promise<void> {
  for (const side of ["east", "west"] as const) traffic.cut(side, false);
  await databases.reset();
  cloud.reset();
  cloud.addSnapshot(SNAPSHOT);
  await clusters.reset();
  stockSearch(search);
  traffic.forget();
}

/** The servers behind the instances RDS knows. What was restored beside the database is another one until it takes its name. */
function serversOf({ databases, cloud }: Parts): readonly DatabaseServer[] {
  const known = [...cloud.aws.world.instances.values()];
  return known.flatMap(({ id, port }, i) => {
    // While a replica is being made it has no server yet, and its source's port.
    if (known.findIndex((one) => one.port === port) !== i) return [];
    const host = databases.all.find((one) => one.port === port);
    if (host === undefined || !host.running || id === RESTORED) return [];
    return [{ name: id, database: DATABASE, port, url: host.url(), role: "app" }];
  });
}

/** @returns the moment before the damage, where the runbook is about one */
async function prepare(parts: Parts, runbook: string, mode: "planned" | "unplanned"): Promise<string | null> {
  const { databases, cloud, clusters, traffic } = parts;
  await reset(parts);
  if (runbook === "reprotect" || runbook === "cr-rollback") {
    const replicaBack = runbook === "cr-rollback";
    await databases.moved();
    if (replicaBack) await databases.followWith(databases.replica);
    cloud.moved({ replicaBack });
    await clusters.moved(endpointOf(WEST, REPLICA));
    traffic.forget();
  }
  await published(traffic);
  await measured(parts, runbook === "cr-rollback" ? FAILBACK : runbook === "reprotect" ? null : REPLICA);
  if (runbook === "db-restore-snapshot") {
    await databases.snapshot();
    const lastGood = new Date().toISOString();
    // A migration that went wrong: nothing can be published until the table is back.
    await asOwner(databases.primary, DATABASE, ["drop table models"]);
    // The newest snapshot of all holds the harm.
    cloud.addSnapshot("harmed");
    return lastGood;
  }
  if (mode === "unplanned") await strike(parts, runbook);
  return null;
}

async function strike(parts: Parts, runbook: string): Promise<void> {
  const { cloud, databases, clusters, traffic } = parts;
  if (runbook === "cr-f-001") return loseRegion(parts);
  if (runbook === "db-f-002" || runbook === "db-promote") {
    // The database and RDS's own interface are gone, the cluster beside them is not.
    cloud.aws.weather.down(EAST);
    await databases.primary.kill();
  }
  if (runbook === "app-f-001") {
    clusters.primary.faults.throw({ kind: "down" });
    traffic.cut("east", true);
  }
}

/** Everything in us-east-1 falls silent: its API, the control planes that live there, its cluster, its database. */
async function loseRegion({ cloud, clusters, databases, traffic, search }: Parts): Promise<void> {
  cloud.aws.weather.down(EAST);
  clusters.primary.faults.throw({ kind: "down" });
  search.weather.down("primary");
  traffic.cut("east", true);
  await databases.primary.kill();
}

async function regionBack({ cloud, clusters, databases, traffic, search }: Parts): Promise<void> {
  await databases.primary.start();
  search.weather.up("primary");
  clusters.primary.faults.clear();
  cloud.aws.weather.up(EAST);
  traffic.cut("east", false);
}

/** Until publishers publish. */
async function published({ acknowledged }: { readonly acknowledged: readonly unknown[] }): Promise<void> {
  const before = acknowledged.length;
  await soon("models being published", 40, async () => acknowledged.length > before || acknowledged.length > 1);
}

/** CloudWatch knows how far a replica is behind. */
async function measured({ cloud }: Parts, replica: string | null): Promise<void> {
  const { metrics } = cloud.aws.world;
  if (replica === null) return;
  await soon(`the lag of ${replica} being measured`, 30, async () => metrics.has(`AWS/RDS ReplicaLag ${replica}`));
}

const MODELS = 40;

/** The primary holds the index with its snapshot in the repository; the other cluster an older copy behind the alias. */
function stockSearch(search: Search): void {
  search.weather.clear();
  search.ledger.clear();
  search.repository.snapshots.clear();
  const docs = (count: number) => Array.from({ length: count }, (_, n) => ({ name: `model-${n}` }));
  for (const [name, count] of [
    ["primary", MODELS],
    ["dr", MODELS - 10],
  ] as const) {
    const cluster = search.cluster(name);
    cluster.world.indices.clear();
    const index = cluster.addIndex(name === "primary" ? "models" : "models-standby", docs(count));
    if (name === "dr") index.aliases.add("models-search");
  }
  const now = Date.now();
  search.repository.snapshots.set("nightly-1", {
    name: "nightly-1",
    uuid: randomBytes(16).toString("base64url"),
    contents: new Map([["models", new Map(docs(MODELS).map((doc, n) => [String(n + 1), doc]))]]),
    startedAt: now - 11 * 60_000,
    endedAt: now - 10 * 60_000,
    state: "SUCCESS",
    metadata: null,
  });
}

async function look({ databases, cloud, clusters, traffic }: Parts) {
  const { primary, replica } = databases;
  const lag = await (replica.running ? databases.lagSeconds(replica).catch(() => null) : null);
  const { world } = cloud.aws;
  const gone = cloud.aws.weather.isDown(EAST);
  const { east, west } = traffic.recent();
  const pods = (cluster: Clusters["primary"]) =>
    cluster.listeners("llm-marketplace", ["app", "publishing-service"]).length;
  return [
    { title: EAST, state: gone ? "unreachable" : "reachable", tone: gone ? "broken" : "well" },
    {
      title: PRIMARY,
      state: primary.running ? `runs in ${world.instances.get(`${EAST}/${PRIMARY}`)?.zone ?? EAST}` : "off",
      tone: primary.running ? "well" : "broken",
    },
    { title: REPLICA, state: lag === null ? "a primary of its own, or off" : `replica, ${lag.toFixed(1)} s behind` },
    { title: "Primary cluster", state: `${pods(clusters.primary)} publishing pods` },
    { title: "DR cluster", state: `${pods(clusters.dr)} publishing pods` },
    {
      title: "Publishers",
      state: `${east} a second by way of us-east-1, ${west} by way of us-west-2`,
      tone: east + west > 0 ? "well" : "broken",
    },
  ] as const;
}
