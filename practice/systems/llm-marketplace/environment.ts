import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LifeboatError } from "../../../src/lib/errors.ts";
import { ended, ready, startOwn } from "../../environment/child.ts";
import { soon } from "../../environment/patience.ts";
import { type DatabaseServer, isStoredAnew, ledgerOn, watchServers } from "../../environment/servers.ts";
import type {
  InjectableFault,
  SystemEnvironment,
  SystemEnvironmentOptions,
} from "../../environment/system-environment.ts";
import { kubeconfigOf } from "../../targets/kubernetes/index.ts";
import { createSearch, type Repository, type Search } from "../../targets/search/index.ts";
import { createRepository } from "../../targets/search/state.ts";
import { type Cloud, createCloud } from "./cloud.ts";
import { type Clusters, createClusters } from "./clusters.ts";
import { asOwner, createDatabases, DATABASE, type Databases } from "./databases.ts";
import { ASIDE, CRON_JOB, INSTANCES, NAMESPACE, REGIONS, REPOSITORIES, RESTORED, SIDES, type Side } from "./names.ts";
import { createTraffic, type Traffic } from "./traffic.ts";
import { valuesOf } from "./values.ts";

/** LLM-Marketplace: two regions of AWS in front of real PostgreSQL, two clusters whose pods serve, and publishers who publish. */
export interface MarketplaceEnvironment extends SystemEnvironment {
  readonly databases: Databases;
  readonly cloud: Cloud;
  readonly clusters: Clusters;
  readonly search: Search;
  /** What lies in the snapshot repository each region writes. */
  readonly repositories: Readonly<Record<Side, Repository>>;
  readonly traffic: Traffic;
  /** Where rows that only an old primary holds are exported to. */
  readonly exportFolder: string;
}

const ALIAS = "models-search";
export const SNAPSHOT = "rds-llm-marketplace-db-nightly";

export async function createMarketplace(options: SystemEnvironmentOptions): Promise<MarketplaceEnvironment> {
  const folder = resolve(options.folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // PostgreSQL may run as another user, who has to get through.
  await chmod(folder, 0o711);
  const word = () => randomBytes(12).toString("hex");
  const passwords = { owner: word(), replicator: word(), admin: word(), app: word() };
  const databases = await createDatabases(folder, passwords);
  const supervisor = startOwn(
    "environment/server-supervisor",
    [folder, ...databases.all.map((host) => host.folder)],
    {},
  );
  const closers: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close().catch(() => {});
    await Promise.all(databases.all.map(async (host) => host.thaw().then(() => host.kill())));
    await ended(supervisor);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([ready(supervisor, "The environment's keeper"), databases.create()]);
    const cloud = await createCloud(databases);
    closers.push(() => cloud.close());
    cloud.reset();
    const clusters = await createClusters(cloud, passwords.app);
    closers.push(() => clusters.close());
    const search = await createSearch({ clusters: SIDES });
    closers.push(() => search.close());
    const repositories = { east: createRepository(), west: createRepository() };
    clusters.index((side, id) => indexed(search, side)?.docs.set(id, { name: `model-${id}` }));
    const traffic = await createTraffic(cloud, clusters);
    closers.push(() => traffic.close());
    const exportFolder = join(folder, "exports");
    await mkdir(exportFolder);
    const parts = { databases, cloud, clusters, search, repositories, traffic };
    const watch = watchServers();
    closers.push(() => watch.close());
    const writers = () => watch.writers(serversOf(parts));
    let lastGood: string | null = null;
    const valuesFile = join(folder, "values.yml");
    await writeFile(valuesFile, JSON.stringify({ "llm-marketplace": valuesOf({ ...parts, exportFolder }) }, null, 2));
    const practiceEnvironment: MarketplaceEnvironment = {
      ...parts,
      exportFolder,
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
        MARKETPLACE_KUBECONFIG: kubeconfigOf([clusters.east, clusters.west]),
        MARKETPLACE_SEARCH_EAST_PASSWORD: search.cluster("east").login.password,
        MARKETPLACE_SEARCH_WEST_PASSWORD: search.cluster("west").login.password,
      }),
      async reset() {
        lastGood = null;
        await reset(parts);
        await measured(parts);
      },
      writers,
      healthy: () => isStoredAnew(async () => traffic.acknowledged.length),
      ledger: async () => ledgerOn(serversOf(parts), await writers(), "models", traffic.acknowledged),
      writeOff: async (ids) => traffic.writeOff(ids),
      async prepare(runbook, mode) {
        lastGood = await prepare(parts, runbook, mode);
      },
      inputs: (runbook): Record<string, string> =>
        lastGood === null || runbook !== "db-restore-snapshot" ? {} : { before: lastGood },
      injectable: faultsOf(parts).map(({ work: _, ...fault }) => fault),
      async inject(id) {
        const found = faultsOf(parts).find((one) => one.id === id);
        if (!found) throw new LifeboatError({ code: "fault-unknown", what: `Nothing here is called "${id}"` });
        await found.work();
      },
      look: () => look(parts),
      stop,
    };
    await reset(parts);
    return practiceEnvironment;
  } catch (error) {
    await stop();
    throw error;
  }
}

type Parts = Pick<MarketplaceEnvironment, "databases" | "cloud" | "clusters" | "search" | "repositories" | "traffic">;

async function reset(parts: Parts): Promise<void> {
  const { databases, cloud, clusters, traffic } = parts;
  for (const side of SIDES) traffic.cut(side, false);
  await databases.reset();
  cloud.reset();
  cloud.addSnapshot(SNAPSHOT);
  await clusters.reset();
  stockSearch(parts);
  traffic.forget();
}

/** The servers behind the instances an application can reach: by no endpoint it knows does one lead to what was restored beside or put aside. */
function serversOf({ databases, cloud }: Parts): readonly DatabaseServer[] {
  const known = [...cloud.aws.state.instances.values()];
  return known.flatMap(({ id, port }, i) => {
    // While a replica is being made it has no server yet, and its source's port.
    if (known.findIndex((one) => one.port === port) !== i) return [];
    const host = databases.all.find((one) => one.port === port);
    if (host === undefined || !host.running || id === RESTORED || id === ASIDE) return [];
    return [{ name: id, database: DATABASE, port, url: host.url(), role: "app" }];
  });
}

/** Begin where a move to us-west-2 ended, with what was left still running. */
const AFTER_A_MOVE = ["reprotect", "stand-down", "multi-az", "es-follow"];

/** @returns the moment before the damage, where the runbook is about one */
async function prepare(parts: Parts, runbook: string, mode: "planned" | "unplanned"): Promise<string | null> {
  const { databases, cloud, clusters, search, traffic } = parts;
  await reset(parts);
  const moved = AFTER_A_MOVE.includes(runbook);
  if (moved) {
    await databases.moved();
    cloud.moved();
    await clusters.moved();
    traffic.forget();
  }
  await published(traffic);
  if (!moved) await measured(parts);
  if (runbook === "es-restore") breakSearch(search, "east");
  if (runbook === "db-restore-snapshot") {
    await databases.snapshot();
    const lastGood = new Date().toISOString();
    // A migration that went wrong: nothing can be published until the table is back.
    await asOwner(databases.east, DATABASE, ["drop table models"]);
    // The newest snapshot of all holds the harm.
    cloud.addSnapshot("harmed");
    return lastGood;
  }
  const fault = mode === "unplanned" ? LOST[runbook] : undefined;
  if (fault)
    await faultsOf(parts)
      .find(({ id }) => id === fault)
      ?.work();
  return null;
}

/** What an unplanned run is for. */
const LOST: Readonly<Record<string, string>> = {
  "cr-f-001": "lose-us-east-1",
  "db-f-002": "lose-rds-us-east-1",
  "app-f-001": "lose-cluster-us-east-1",
};

function faultsOf(parts: Parts): readonly (InjectableFault & { readonly work: () => Promise<void> })[] {
  return SIDES.flatMap((side) => {
    const region = REGIONS[side];
    const one = (id: string, title: string, work: () => Promise<void>) => ({ id: `${id}-${region}`, title, work });
    return [
      one("lose", `Make ${region} unreachable`, () => loseRegion(parts, side)),
      { ...one("return", `Bring ${region} back`, () => bringBack(parts, side)), returns: true as const },
      one("kill-database", `Kill the database in ${region}`, () => parts.databases[side].kill()),
      one("lose-rds", `Lose RDS and its database in ${region}`, () => loseRds(parts, side)),
      one("lose-cluster", `Lose the cluster in ${region}`, () => loseCluster(parts, side)),
      one("break-search", `Lose the search index in ${region}`, async () => breakSearch(parts.search, side)),
    ];
  });
}

/** Everything in a region falls silent: its API, the control planes that live there, its cluster, its database. */
async function loseRegion(parts: Parts, side: Side): Promise<void> {
  parts.search.faults.down(side);
  await loseCluster(parts, side);
  await loseRds(parts, side);
}

/** The database and RDS's own interface are gone, the cluster beside them is not. */
async function loseRds({ cloud, databases }: Parts, side: Side): Promise<void> {
  cloud.aws.faults.down(REGIONS[side]);
  await databases[side].kill();
}

async function loseCluster({ clusters, traffic }: Parts, side: Side): Promise<void> {
  clusters[side].faults.throw({ kind: "down" });
  traffic.cut(side, true);
}

/** As it was when it went: a primary takes writes again, and what ran in its cluster runs again. */
async function bringBack({ cloud, clusters, databases, traffic, search }: Parts, side: Side): Promise<void> {
  if (cloud.aws.state.instances.has(`${REGIONS[side]}/${INSTANCES[side]}`)) await databases[side].start();
  search.faults.up(side);
  clusters[side].faults.clear();
  cloud.aws.faults.up(REGIONS[side]);
  traffic.cut(side, false);
}

/** What answers searches is empty. */
function breakSearch(search: Search, side: Side): void {
  indexed(search, side)?.docs.clear();
}

/** Until publishers publish. */
async function published({ acknowledged }: { readonly acknowledged: readonly unknown[] }): Promise<void> {
  const before = acknowledged.length;
  await soon("models being published", async () => acknowledged.length > before || acknowledged.length > 1);
}

/** CloudWatch knows how far the replica is behind. */
async function measured({ cloud }: Parts): Promise<void> {
  const { metrics } = cloud.aws.state;
  await soon("the replica's lag being measured", async () => metrics.has(`AWS/RDS ReplicaLag ${INSTANCES.west}`));
}

const MODELS = 40;

/** The index a region's searches are answered from. */
export function indexed(search: Search, side: Side) {
  return [...search.cluster(side).state.indices.values()].find(({ aliases }) => aliases.has(ALIAS)) ?? null;
}

/** us-east-1 holds the index with its snapshot in the repository; us-west-2 an older copy behind the alias. */
function stockSearch({ search, repositories }: Parts): void {
  search.faults.clear();
  search.ledger.clear();
  const docs = (count: number) => Array.from({ length: count }, (_, n) => ({ name: `model-${n}` }));
  for (const side of SIDES) {
    repositories[side].snapshots.clear();
    const { state } = search.cluster(side);
    state.indices.clear();
    state.repositories.clear();
    for (const writer of SIDES)
      state.repositories.set(REPOSITORIES[writer], { repository: repositories[writer], readonly: writer !== side });
  }
  search.cluster("east").addIndex("models", docs(MODELS)).aliases.add(ALIAS);
  search
    .cluster("west")
    .addIndex("models-standby", docs(MODELS - 10))
    .aliases.add(ALIAS);
  const now = Date.now();
  repositories.east.snapshots.set("nightly-1", {
    name: "nightly-1",
    uuid: randomBytes(16).toString("base64url"),
    contents: new Map([["models", new Map(docs(MODELS).map((doc, n) => [String(n + 1), doc]))]]),
    startedAt: now - 11 * 60_000,
    endedAt: now - 10 * 60_000,
    state: "SUCCESS",
    metadata: null,
  });
}

async function look(parts: Parts) {
  const { east, west } = parts.traffic.recent();
  const rows = await Promise.all(SIDES.map((side) => lookAtSide(parts, side)));
  return [
    ...rows.flat(),
    {
      title: "Publishers",
      state: `${east} a second by way of us-east-1, ${west} by way of us-west-2`,
      tone: east + west > 0 ? "well" : "broken",
    } as const,
  ];
}

async function lookAtSide({ databases, cloud, clusters, search }: Parts, side: Side) {
  const [host, region, id] = [databases[side], REGIONS[side], INSTANCES[side]];
  const lag = await (host.running ? databases.lagSeconds(host).catch(() => null) : null);
  const instance = cloud.aws.state.instances.get(`${region}/${id}`);
  const runs = lag === null ? `a primary, in ${instance?.zone}` : `a replica, ${lag.toFixed(1)} s behind`;
  const pods = clusters[side].listeners(NAMESPACE, ["app", "publishing-service"]).length;
  const suspended = clusters[side].get("cronjobs", NAMESPACE, CRON_JOB)?.spec?.suspend === true;
  const gone = cloud.aws.faults.isDown(region);
  return [
    { title: region, state: gone ? "unreachable" : "reachable", tone: gone ? ("broken" as const) : ("well" as const) },
    {
      title: id,
      state: instance === undefined ? "there is none" : host.running ? runs : "off",
      tone: host.running ? ("well" as const) : ("broken" as const),
    },
    {
      title: `Applications in ${region}`,
      state: `${pods} publishing pods, ${CRON_JOB} ${suspended ? "suspended" : "runs"}`,
    },
    { title: `Search in ${region}`, state: `${indexed(search, side)?.docs.size ?? 0} models` },
  ];
}
