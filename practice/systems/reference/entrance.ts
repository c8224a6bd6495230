import { answerSynthetic, type SyntheticStore } from "../../environment/synthetic.ts";
import { openServer, type ServerReply, type StandInServer } from "../../kit/server.ts";
import type { PracticeCluster } from "../../targets/kubernetes/index.ts";

/** Where people come into a region: leads them to pods of the application, in the namespace the cluster's own ConfigMap names. */
export interface Entrance {
  readonly region: string;
  readonly url: string;
  /** No one gets in any more, and no one hears why: the region is gone. */
  close(): void;
  open(): void;
  /** Someone comes in. */
  visit(): Promise<boolean>;
  /** Its pods answer. */
  serves(): Promise<boolean>;
  stop(): Promise<void>;
}

/** Without a visitor for so long, no one is there any more. */
const IDLE_MS = 700;
const TRANSACTIONS = "/synthetic";

/** @param store the database as pods of this region find it */
export async function openEntrance(region: string, cluster: PracticeCluster, store: SyntheticStore): Promise<Entrance> {
  let visitedAt = 0;
  let open = true;
  const server: StandInServer = await openServer({
    isWrite: () => false,
    async answer({ method, path, headers }): Promise<ServerReply> {
      if (path === "/traffic") return { status: 200, body: { idle: Date.now() - visitedAt > IDLE_MS } };
      if (path === "/visit") visitedAt = Date.now();
      const namespace = namespaceOf(cluster);
      const pod = await throughService(cluster, namespace);
      if (pod === null) return { status: 503, body: { region, namespace, healthy: false } };
      const synthetic = await answerSynthetic(store, TRANSACTIONS, { method, path, headers }, { region });
      return synthetic ?? { status: 200, body: { region, namespace, pod, healthy: true } };
    },
  });
  return {
    region,
    url: server.url,
    close() {
      open = false;
      server.faults.throw({ kind: "down" });
    },
    open() {
      open = true;
      server.faults.clear();
    },
    visit: async () =>
      (await fetch(`${server.url}/visit`, { signal: AbortSignal.timeout(1000) }).catch(() => null))?.status === 200,
    serves: async () => open && (await throughService(cluster, namespaceOf(cluster))) !== null,
    stop: () => server.close(),
  };
}

function namespaceOf(cluster: PracticeCluster): string {
  const data = cluster.get("configmaps", "entrance", "entrance")?.data as Record<string, string> | undefined;
  return data?.NAMESPACE ?? "production";
}

/** By the API server's own proxy, as someone with nothing but its address would. */
async function throughService(cluster: PracticeCluster, namespace: string): Promise<string | null> {
  const path = `/api/v1/namespaces/${namespace}/services/api:80/proxy/health`;
  const answer = await fetch(`${cluster.url}${path}`, {
    headers: { authorization: `Bearer ${cluster.token}` },
    signal: AbortSignal.timeout(1000),
  }).catch(() => null);
  if (answer?.status !== 200) return null;
  return ((await answer.json()) as { pod?: string }).pod ?? null;
}
