import type { RequestListener, ServerResponse } from "node:http";
import pg from "pg";
import { messageOf } from "../../../src/lib/errors.ts";
import { requestUrl } from "../../../src/lib/request-url.ts";
import { soon } from "../../environment/patience.ts";
import { type SyntheticStore, servesSynthetic, syntheticIn } from "../../environment/synthetic.ts";
import type { Aws } from "../../targets/aws/index.ts";
import { createCluster, type PracticeCluster } from "../../targets/kubernetes/index.ts";
import type { Thing } from "../../targets/kubernetes/thing.ts";
import type { Cache } from "./cache.ts";
import { DATABASE, type Databases } from "./databases.ts";
import {
  API_REPLICAS,
  CONFIG,
  DATABASE_SERVICE,
  DATABASES,
  MEDIA,
  NAMESPACE,
  REGION,
  type Side,
  type Site,
  WARM_JOB,
} from "./names.ts";

/** One cluster a region, with the API in it. */
export interface Clusters extends Readonly<Record<Side, PracticeCluster>> {
  /** us-east-1 serves; us-west-2 stands by with nothing running and the setting it had before it ever served. */
  reset(): Promise<void>;
  /** After an unplanned failover: us-west-2 serves. What was left in us-east-1 runs on as it was, and no one stopped it. */
  moved(): Promise<void>;
  /** The API in us-east-1 writes to the database in us-west-2. */
  leadToDr(): void;
  close(): Promise<void>;
}

interface Behind {
  readonly databases: Databases;
  readonly aws: Aws;
  readonly cache: Cache;
}

export async function createClusters(behind: Behind, appPassword: string): Promise<Clusters> {
  const pools = createPools(behind.databases, appPassword);
  const opened = async (side: Side): Promise<PracticeCluster> => {
    let cluster: PracticeCluster | null = null;
    cluster = await createCluster({
      name: REGION[side],
      nodes: ["a", "b", "c"].map((zone, n) => `node-${n + 1}@${REGION[side]}${zone}`),
      containers: (pod) =>
        cluster === null || pod.metadata.labels?.app !== "api" ? null : api(cluster, side, pod, behind, pools),
    });
    populate(cluster, side);
    return cluster;
  };
  const [east, west] = await Promise.all([opened("east"), opened("west")]);
  const warmed = new Set<string>();
  const jobs = setInterval(() => {
    for (const side of ["east", "west"] as const)
      void warmFor(side === "east" ? east : west, side, warmed, behind, pools);
  }, 100);
  jobs.unref();
  const settle = async (away: boolean) => {
    for (const one of [east, west]) one.faults.clear();
    await Promise.all([put(east, "east", true), put(west, "west", away)]);
    for (const one of [east, west]) one.forget();
  };
  return {
    east,
    west,
    reset: () => settle(false),
    moved: () => settle(true),
    leadToDr: () => lead(east, "east", "dr"),
    async close() {
      clearInterval(jobs);
      await Promise.all([east.close(), west.close()]);
      await pools.close();
    },
  };
}

/** PostgreSQL stands behind relays, as servers outside a cluster do: one a site, told apart by a label. */
function populate(cluster: PracticeCluster, side: Side): void {
  const run = (name: string, labels: Record<string, string>, replicas: number) =>
    cluster.put("deployments", NAMESPACE, {
      metadata: { name, labels },
      spec: {
        replicas,
        progressDeadlineSeconds: 600,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "app", image: `${name}:2.1.0` }] } },
      },
    });
  run("api", { app: "api" }, 0);
  for (const site of Object.keys(DATABASES)) run(`postgres-${site}`, { app: "postgres", site }, 1);
  const service = (name: string, selector: Record<string, string>, port: number) =>
    cluster.put("services", NAMESPACE, { metadata: { name }, spec: { selector, ports: [{ port }] } });
  service("api", { app: "api" }, 8080);
  service(DATABASE_SERVICE[side], { app: "postgres", site: side === "east" ? "primary" : "dr" }, 5432);
  cluster.put("configmaps", NAMESPACE, { metadata: { name: CONFIG }, data: {} });
  const template = { spec: { containers: [{ name: "warm", image: "cache-warm:2.1.0" }], restartPolicy: "Never" } };
  cluster.put("cronjobs", NAMESPACE, {
    metadata: { name: WARM_JOB },
    spec: { schedule: "0 4 * * *", suspend: side === "west", jobTemplate: { spec: { template } } },
  });
}

async function put(cluster: PracticeCluster, side: Side, serves: boolean): Promise<void> {
  cluster.edit("configmaps", NAMESPACE, CONFIG, (config) => {
    const bucket: Side = serves ? side : "east";
    config.data = { MEDIA_BUCKET: MEDIA[bucket], MEDIA_REGION: REGION[bucket] };
  });
  lead(cluster, side, side === "east" ? "primary" : "dr");
  cluster.edit("cronjobs", NAMESPACE, WARM_JOB, (one) => {
    one.spec = { ...one.spec, suspend: !serves };
    one.metadata.annotations = {};
  });
  // Pods are made again, because they read their configuration once.
  await scaleTo(cluster, 0);
  if (serves) await scaleTo(cluster, API_REPLICAS);
}

async function scaleTo(cluster: PracticeCluster, replicas: number): Promise<void> {
  cluster.edit("deployments", NAMESPACE, "api", (one) => {
    one.spec = { ...one.spec, replicas };
    one.metadata.annotations = {};
  });
  const settled = async () => cluster.listeners(NAMESPACE, ["app", "api"]).length === replicas;
  await soon(`${cluster.name} having settled`, settled);
}

function lead(cluster: PracticeCluster, side: Side, site: Site): void {
  cluster.edit("services", NAMESPACE, DATABASE_SERVICE[side], (one) => {
    one.spec = { ...one.spec, selector: { app: "postgres", site } };
  });
}

/** What runs in a pod: it takes orders, into the database its Service leads to now, with a receipt into the bucket it was told of. */
function api(cluster: PracticeCluster, side: Side, pod: Thing, { aws, cache }: Behind, pools: Pools): RequestListener {
  const config = (cluster.get("configmaps", NAMESPACE, CONFIG)?.data ?? {}) as Record<string, string>;
  const bucket = config.MEDIA_BUCKET ?? "";
  const siteNow = (): Site => {
    const selector = (cluster.get("services", NAMESPACE, DATABASE_SERVICE[side])?.spec?.selector ?? {}) as {
      site?: Site;
    };
    const relays = selector.site ? cluster.listeners(NAMESPACE, ["site", selector.site]) : [];
    if (!selector.site || relays.length === 0) throw new Error(`${DATABASE_SERVICE[side]} leads nowhere`);
    return selector.site;
  };
  const about = () => ({ pod: pod.metadata.name, region: REGION[side], bucket });
  return (request, response) => {
    if (servesSynthetic(request, response, () => pools.synthetic(siteNow()), { region: REGION[side] })) return;
    const path = requestUrl(request).pathname;
    const answer = async () => {
      if (path === "/cache") return { ...about(), cache: (await cache.isWarm(side)) ? "warm" : "cold" };
      const site = siteNow();
      if (path !== "/orders" || request.method !== "POST") {
        return { ...about(), database: DATABASES[site], ...(await pools.look(site)) };
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { id } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { id: string };
      await pools.write(site, id);
      if (Number(id) % 5 === 0) receipt(aws, bucket, id);
      return { ...about(), id };
    };
    answer().then(
      (body) => say(response, 200, { status: "healthy", ...body }),
      (error) => say(response, 503, { status: "unhealthy", ...about(), why: messageOf(error) }),
    );
  };
}

/** Past the wire, but not past a region that is gone. */
function receipt({ s3, faults }: Aws, name: string, id: string): void {
  const bucket = s3.buckets.get(name);
  if (!bucket || faults.isDown(bucket.region)) throw new Error(`${name} can't be written to`);
  s3.put(name, `receipts/${id}.txt`, `order ${id}`);
}

/** What the job does: it fills the cache of its region from the database. */
async function warmFor(
  cluster: PracticeCluster,
  side: Side,
  warmed: Set<string>,
  { cache }: Behind,
  pools: Pools,
): Promise<void> {
  for (const job of cluster.list("jobs", NAMESPACE)) {
    if (!job.metadata.name.startsWith(`${WARM_JOB}-`) || warmed.has(job.metadata.uid)) continue;
    warmed.add(job.metadata.uid);
    try {
      const selector = cluster.get("services", NAMESPACE, DATABASE_SERVICE[side])?.spec?.selector as { site?: Site };
      const ids = await pools.recent(selector.site ?? "primary");
      await cache.warm(await cache.master(side), ids);
    } catch {
      warmed.delete(job.metadata.uid);
    }
  }
}

interface Pools {
  /** Rejects unless this database takes writes. */
  look(site: Site): Promise<{ readonly orders: number }>;
  write(site: Site, id: string): Promise<void>;
  recent(site: Site): Promise<readonly string[]>;
  synthetic(site: Site): SyntheticStore;
  close(): Promise<void>;
}

/** Sessions of all pods, by the server they lead to. */
function createPools({ at }: Databases, password: string): Pools {
  const pools = new Map<Site, pg.Pool>();
  const poolAt = (site: Site): pg.Pool => {
    const known = pools.get(site);
    if (known) return known;
    const pool = new pg.Pool({
      host: "127.0.0.1",
      port: at[site].port,
      database: DATABASE,
      user: "app",
      password,
      application_name: "mimir-api",
      max: 3,
      idleTimeoutMillis: 2000,
      connectionTimeoutMillis: 800,
      query_timeout: 1000,
    });
    pool.on("error", () => {});
    pools.set(site, pool);
    return pool;
  };
  return {
    async look(site) {
      const { rows } = await poolAt(site).query<{ orders: number; quiet: boolean }>(
        `select (select count(*)::int from orders) as orders,
                pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' as quiet`,
      );
      if (rows[0]?.quiet) throw new Error("the database takes no writes");
      return { orders: rows[0]?.orders ?? 0 };
    },
    async write(site, id) {
      await poolAt(site).query(
        "insert into orders (id, placed_at, cents) values ($1, clock_timestamp(), 1000) on conflict (id) do nothing",
        [id],
      );
    },
    synthetic: (site) => syntheticIn(async (sql, values) => (await poolAt(site).query(sql, [...values])).rows),
    async recent(site) {
      const { rows } = await poolAt(site).query<{ id: string }>(
        "select id::text from orders order by id desc limit 100",
      );
      return rows.map(({ id }) => id);
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.end().catch(() => {})));
    },
  };
}

function say(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
