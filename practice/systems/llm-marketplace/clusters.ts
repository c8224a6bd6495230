import type { RequestListener, ServerResponse } from "node:http";
import pg from "pg";
import { messageOf } from "../../../src/lib/errors.ts";
import { requestUrl } from "../../../src/lib/request-url.ts";
import { soon } from "../../environment/patience.ts";
import { type SyntheticStore, servesSynthetic, syntheticIn } from "../../environment/synthetic.ts";
import { createCluster, type PracticeCluster } from "../../targets/kubernetes/index.ts";
import type { Thing } from "../../targets/kubernetes/thing.ts";
import type { Cloud } from "./cloud.ts";
import { DATABASE } from "./databases.ts";
import { CONFIG, CRON_JOB, EAST, endpointOf, NAMESPACE, PRIMARY, REPLICA, SERVICES, type Side, WEST } from "./names.ts";

/** The two clusters with the marketplace in them. */
export interface Clusters {
  readonly east: PracticeCluster;
  readonly west: PracticeCluster;
  /** us-east-1 serves, us-west-2 stands by with nothing running; both write to the database of us-east-1. */
  reset(): Promise<void>;
  /** us-west-2 serves with its own database; what runs in us-east-1 was not stopped by anyone. */
  moved(): Promise<void>;
  /** What is published through a cluster is in the index its region asks. */
  index(add: (side: Side, id: string) => void): void;
  close(): Promise<void>;
}

export async function createClusters(cloud: Cloud, appPassword: string): Promise<Clusters> {
  const pools = createPools(cloud, appPassword);
  let index: (side: Side, id: string) => void = () => {};
  const opened = async (name: string, side: Side): Promise<PracticeCluster> => {
    let cluster: PracticeCluster | null = null;
    const published = (id: string) => index(side, id);
    cluster = await createCluster({
      name,
      nodes: ["node-1", "node-2", "node-3"],
      beatMilliseconds: 100,
      containers: (pod) => (cluster === null ? null : service(cluster, pod, pools, published)),
    });
    populate(cluster);
    return cluster;
  };
  const [east, west] = await Promise.all([opened("primary-cluster", "east"), opened("dr-cluster", "west")]);
  const [atEast, atWest] = [endpointOf(EAST, PRIMARY), endpointOf(WEST, REPLICA)];
  const both = async (work: (cluster: PracticeCluster) => Promise<void>) => {
    for (const cluster of [east, west]) cluster.faults.clear();
    await Promise.all([east, west].map(work));
    for (const cluster of [east, west]) cluster.forget();
  };
  return {
    east,
    west,
    reset: () => both((cluster) => put(cluster, atEast, cluster === east)),
    moved: () => both((cluster) => put(cluster, cluster === east ? atEast : atWest, true)),
    index(add) {
      index = add;
    },
    async close() {
      await Promise.all([east.close(), west.close()]);
      await pools.close();
    },
  };
}

function populate(cluster: PracticeCluster): void {
  const job = { spec: { template: { spec: { containers: [{ name: "job", image: `${CRON_JOB}:1.4.2` }] } } } };
  cluster.put("cronjobs", NAMESPACE, {
    metadata: { name: CRON_JOB, labels: { "app.kubernetes.io/part-of": "llm-marketplace" } },
    spec: { schedule: "0 3 * * *", jobTemplate: job },
  });
  cluster.put("configmaps", NAMESPACE, { metadata: { name: CONFIG }, data: {} });
  for (const { name, port } of SERVICES) {
    const labels = { app: name, "app.kubernetes.io/part-of": "llm-marketplace" };
    cluster.put("deployments", NAMESPACE, {
      metadata: { name, labels },
      spec: {
        replicas: 0,
        progressDeadlineSeconds: 600,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels }, spec: { containers: [{ name: "app", image: `${name}:1.4.2` }] } },
      },
    });
    cluster.put("services", NAMESPACE, { metadata: { name }, spec: { selector: { app: name }, ports: [{ port }] } });
  }
}

/** Brings a cluster to where it serves or stands by. Pods are made again, because they read their configuration once. */
async function put(cluster: PracticeCluster, endpoint: string, serves: boolean): Promise<void> {
  cluster.edit("configmaps", NAMESPACE, CONFIG, (config) => {
    config.data = { DATABASE_ENDPOINT: endpoint };
  });
  cluster.edit("cronjobs", NAMESPACE, CRON_JOB, (job) => {
    job.spec = { ...job.spec, suspend: !serves };
    job.metadata.annotations = {};
  });
  const scale = (count: (replicas: number) => number) => {
    for (const { name, replicas } of SERVICES) {
      cluster.edit("deployments", NAMESPACE, name, (one) => {
        one.spec = { ...one.spec, replicas: count(replicas) };
        one.metadata.annotations = {};
      });
    }
  };
  const settled = (count: (replicas: number) => number) =>
    soon(`${cluster.name} having settled`, async () =>
      SERVICES.every(({ name, replicas }) => cluster.listeners(NAMESPACE, ["app", name]).length === count(replicas)),
    );
  scale(() => 0);
  await settled(() => 0);
  if (!serves) return;
  scale((replicas) => replicas);
  await settled((replicas) => replicas);
}

/** What runs in a pod: a little service that keeps published models in the database its configuration named when it began. */
function service(cluster: PracticeCluster, pod: Thing, pools: Pools, published: (id: string) => void): RequestListener {
  const endpoint = String(
    (cluster.get("configmaps", NAMESPACE, CONFIG)?.data as { DATABASE_ENDPOINT?: string } | undefined)
      ?.DATABASE_ENDPOINT ?? "",
  );
  const about = { pod: pod.metadata.name, cluster: cluster.name, database: endpoint };
  return (request, response) => {
    if (servesSynthetic(request, response, () => pools.synthetic(endpoint), { cluster: cluster.name })) return;
    const path = requestUrl(request).pathname;
    const answer = async () => {
      if (path !== "/models" || request.method !== "POST") return { ...about, ...(await pools.look(endpoint)) };
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { id } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { id: string };
      await pools.write(endpoint, id);
      published(id);
      return { ...about, id };
    };
    answer().then(
      (body) => say(response, 200, { status: "healthy", ...body }),
      (error) => say(response, 503, { status: "unhealthy", ...about, why: messageOf(error) }),
    );
  };
}

interface Pools {
  /** Rejects unless the database at this endpoint takes writes. */
  look(endpoint: string): Promise<{ readonly models: number }>;
  write(endpoint: string, id: string): Promise<void>;
  synthetic(endpoint: string): SyntheticStore;
  close(): Promise<void>;
}

/** Sessions of all pods, by the machine an endpoint means now. */
function createPools(cloud: Cloud, password: string): Pools {
  const pools = new Map<string, pg.Pool>();
  const poolAt = (endpoint: string): pg.Pool => {
    const at = cloud.lookUp(endpoint);
    if (!at) throw new Error(`getaddrinfo ENOTFOUND ${endpoint}`);
    const key = `${at.host}:${at.port}`;
    const known = pools.get(key);
    if (known) return known;
    const pool = new pg.Pool({
      ...at,
      database: DATABASE,
      user: "app",
      password,
      application_name: "publishing-service",
      max: 3,
      idleTimeoutMillis: 2000,
      connectionTimeoutMillis: 2000,
      query_timeout: 2000,
    });
    pool.on("error", () => {});
    pools.set(key, pool);
    return pool;
  };
  return {
    async look(endpoint) {
      const { rows } = await poolAt(endpoint).query<{ models: number; quiet: boolean }>(
        `select (select count(*)::int from models) as models,
                pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' as quiet`,
      );
      if (rows[0]?.quiet) throw new Error("the database takes no writes");
      return { models: rows[0]?.models ?? 0 };
    },
    async write(endpoint, id) {
      await poolAt(endpoint).query(
        "insert into models (id, name, published_at) values ($1, $2, clock_timestamp()) on conflict (id) do nothing",
        [id, `model-${id}`],
      );
    },
    synthetic: (endpoint) => syntheticIn(async (sql, values) => (await poolAt(endpoint).query(sql, [...values])).rows),
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.end().catch(() => {})));
    },
  };
}

function say(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
