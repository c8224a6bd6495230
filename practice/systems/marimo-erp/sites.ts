import { Resolver } from "node:dns/promises";
import { type RequestListener, request } from "node:http";
import { messageOf } from "../../../src/lib/errors.ts";
import { freePort } from "../../../src/lib/port.ts";
import type { DatabaseHost } from "../../environment/database.ts";
import { soon } from "../../environment/patience.ts";
import { servesSynthetic, syntheticIn } from "../../environment/synthetic.ts";
import { listening } from "../../kit/listening.ts";
import { createCluster, type PracticeCluster } from "../../targets/kubernetes/index.ts";
import type { Thing } from "../../targets/kubernetes/thing.ts";
import { type Databases, tell } from "./databases.ts";
import {
  ADDRESS,
  CRON_JOB,
  KEPT,
  NAMESPACE,
  PUBLIC_NAME,
  REPLICAS,
  SITES,
  type Site,
  TEST_NAMESPACE,
} from "./names.ts";

/** The clusters with the ERP in them, an ingress before each, and the way in by the public name. */
export interface Sites {
  readonly clusters: Readonly<Record<Site, PracticeCluster>>;
  /** Past DNS. */
  readonly ingress: Readonly<Record<Site, string>>;
  /** Each request looks the name up again. */
  readonly publicUrl: string;
  /** Whether the nightly job is suspended there. */
  suspended(site: Site): boolean;
  replicas(site: Site, namespace?: string): Readonly<Record<string, number>>;
  /** A datacentre that is gone answers no one. */
  cut(site: Site, gone: boolean): void;
  /** The primary serves, the secondary stands by, the third is empty. */
  reset(): Promise<void>;
  /** After the failover: the secondary serves. What was left in the primary runs on as it was, and no one stopped it. */
  moved(): Promise<void>;
  /** A release of the gateway that does not start. */
  releaseBadly(): Promise<void>;
  close(): Promise<void>;
}

export interface SitesOptions {
  readonly databases: Databases;
  readonly resolverPort: number;
  /** What the cache says: `ok`, or why not. */
  cache(site: Site): Promise<string>;
  /** A new pod of Redis. */
  startCache(site: Site): Promise<void>;
}

export async function createSites({ databases, resolverPort, cache, startCache }: SitesOptions): Promise<Sites> {
  const of: Readonly<Record<Site, DatabaseHost>> = {
    primary: databases.a,
    secondary: databases.b,
    rebuilt: databases.scratch,
  };
  const gone = new Set<Site>();
  const opened = (site: Site): Promise<PracticeCluster> =>
    createCluster({
      name: site,
      nodes: ["node-1", "node-2", "node-3"],
      pace: { timeScale: 200 },
      beatMilliseconds: 100,
      containers(pod) {
        if (pod.metadata.labels?.app === "redis") void startCache(site).catch(() => {});
        return service(
          site,
          pod,
          () => databases.appUrl(of[site]),
          () => cache(site),
        );
      },
    });
  const [primary, secondary, rebuilt] = (await Promise.all(SITES.map(opened))) as [
    PracticeCluster,
    PracticeCluster,
    PracticeCluster,
  ];
  const clusters = { primary, secondary, rebuilt };
  // One for all ingresses: a name's answer is an address and no port.
  const port = await freePort();
  const servers = await Promise.all(SITES.map((site) => listening(ingressOf(site), { port, host: ADDRESS[site] })));
  const resolver = new Resolver({ timeout: 500, tries: 2 });
  resolver.setServers([`127.0.0.1:${resolverPort}`]);
  const front = await listening((incoming, response) => {
    resolver.resolve4(PUBLIC_NAME).then(
      ([address]) => pass(`http://${address}:${port}${incoming.url}`, incoming, response),
      (error) => say(response, 502, { error: messageOf(error) }),
    );
  });

  function ingressOf(site: Site): RequestListener {
    return (incoming, response) => {
      if (gone.has(site)) return void incoming.socket.destroy();
      const [pod] = clusters[site].listeners(NAMESPACE, ["app", "api-gateway"]);
      if (pod === undefined) return say(response, 503, { status: "unhealthy", why: "no pod of api-gateway" });
      pass(`${pod}${incoming.url}`, incoming, response);
    };
  }

  const put = async (site: Site, counts: Readonly<Record<string, number>>) => {
    const cluster = clusters[site];
    cluster.faults.clear();
    gone.delete(site);
    wipe(cluster);
    for (const [name, count] of Object.entries(counts)) cluster.put("deployments", NAMESPACE, deployment(name, count));
    cluster.put(
      "cronjobs",
      NAMESPACE,
      cronJob(Object.entries(counts).every(([name, count]) => isKept(name) || count === 0)),
    );
    await soon(`${site} having settled`, async () =>
      Object.entries(counts).every(([name, count]) => isSettled(cluster, name, count)),
    );
  };
  const kept = { redis: 1, ...Object.fromEntries(KEPT.map((name) => [name, 1])) };
  const none = Object.fromEntries(Object.keys(REPLICAS).map((name) => [name, 0]));
  const forget = () => {
    for (const cluster of Object.values(clusters)) cluster.forget();
  };
  return {
    clusters,
    ingress: Object.fromEntries(SITES.map((site) => [site, `http://${ADDRESS[site]}:${port}`])) as Record<Site, string>,
    publicUrl: front.url,
    suspended: (site) => clusters[site].get("cronjobs", NAMESPACE, CRON_JOB)?.spec?.suspend === true,
    replicas: (site, namespace = NAMESPACE) =>
      Object.fromEntries(
        clusters[site]
          .list("deployments", namespace)
          .map(({ metadata, spec }) => [metadata.name, Number(spec?.replicas)]),
      ),
    cut(site, away) {
      if (away) gone.add(site);
      else gone.delete(site);
      if (away) clusters[site].faults.throw({ kind: "down" });
      else clusters[site].faults.clear();
    },
    async reset() {
      await Promise.all([
        put("primary", { ...REPLICAS, ...kept }),
        put("secondary", { ...none, ...kept }),
        put("rebuilt", {}),
      ]);
      primary.put("deployments", TEST_NAMESPACE, deployment("inventory-service", 1));
      await soon("the test namespace", async () => isSettled(primary, "inventory-service", 1, TEST_NAMESPACE));
      forget();
    },
    async moved() {
      await Promise.all([put("primary", { ...REPLICAS, ...kept }), put("secondary", { ...REPLICAS, ...kept })]);
      forget();
    },
    async releaseBadly() {
      primary.edit("deployments", NAMESPACE, "api-gateway", (one) => {
        one.spec = { ...one.spec, template: template("api-gateway", "marimo/api-gateway:broken") };
      });
      await soon("the release", async () => revisionOf(primary) === "2");
      forget();
    },
    async close() {
      resolver.cancel();
      await Promise.all([front, ...servers].map((server) => server.close()));
      await Promise.all(Object.values(clusters).map((cluster) => cluster.close()));
    },
  };
}

function deployment(name: string, replicas: number) {
  return {
    metadata: { name, labels: { app: name } },
    spec: {
      replicas,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { app: name } },
      template: template(name, `marimo/${name}:1.8.0`),
    },
  };
}

/** The job that closes each night's invoices. It runs where the ERP is served. */
function cronJob(suspend: boolean) {
  return { metadata: { name: CRON_JOB }, spec: { schedule: "0 3 * * *", suspend } };
}

function isKept(name: string): boolean {
  return name === "redis" || KEPT.some((one) => one === name);
}

function template(name: string, image: string) {
  return { metadata: { labels: { app: name } }, spec: { containers: [{ name: "app", image }] } };
}

function isSettled(cluster: PracticeCluster, name: string, count: number, namespace = NAMESPACE): boolean {
  const { status } = cluster.get("deployments", namespace, name) ?? {};
  return status !== undefined && (status.availableReplicas ?? 0) === count && (status.replicas ?? 0) === count;
}

function revisionOf(cluster: PracticeCluster): string | undefined {
  return cluster.get("deployments", NAMESPACE, "api-gateway")?.metadata.annotations?.[
    "deployment.kubernetes.io/revision"
  ];
}

/** Everything the ERP has in a cluster, and nodes that take pods. */
function wipe(cluster: PracticeCluster): void {
  for (const plural of ["deployments", "replicasets", "pods", "services", "cronjobs"]) {
    for (const { metadata } of cluster.list(plural)) cluster.remove(plural, metadata.namespace, metadata.name);
  }
  for (const { metadata } of cluster.list("nodes")) {
    cluster.edit("nodes", undefined, metadata.name, (node) => {
      node.spec = {};
    });
  }
}

/** What runs in a pod: it is healthy while its datacentre's database takes what it writes. */
function service(site: Site, pod: Thing, url: () => string, cache: () => Promise<string>): RequestListener {
  const about = { pod: pod.metadata.name, datacentre: site };
  return (request, response) => {
    const store = () => syntheticIn((sql, values) => tell(url(), [sql], values));
    if (servesSynthetic(request, response, store, about)) return;
    const look = async () => {
      // Leaves nothing behind, and a server that takes no writes refuses it.
      const [row] = await tell(url(), [
        "update users set changed_at = now() where id = 1",
        "select count(*)::int as users from users",
      ]);
      return { users: row?.users, cache: await cache() };
    };
    look().then(
      (found) => say(response, 200, { status: "healthy", ...about, ...found }),
      (error) => say(response, 503, { status: "unhealthy", ...about, why: messageOf(error) }),
    );
  };
}

function pass(url: string, incoming: Parameters<RequestListener>[0], response: Parameters<RequestListener>[1]): void {
  const { connection: _connection, host: _host, ...headers } = incoming.headers;
  const given = { agent: false, timeout: 3000, method: incoming.method ?? "GET", headers } as const;
  const outgoing = request(url, given, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
  });
  outgoing.on("timeout", () => outgoing.destroy(new Error("timed out")));
  outgoing.on("error", (error) => say(response, 502, { error: messageOf(error) }));
  incoming.pipe(outgoing);
}

function say(response: Parameters<RequestListener>[1], status: number, body: unknown): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
