import type { PracticeCluster } from "./server.ts";

export type { Fault, FaultKind } from "../../kit/faults.ts";
export type { Containers } from "./pods.ts";
export { type ClusterOptions, createCluster, type PracticeCluster } from "./server.ts";

/** One kubeconfig with a context for each cluster, named as the cluster is. JSON is YAML. */
export function kubeconfigOf(clusters: readonly Pick<PracticeCluster, "name" | "url" | "token">[]): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: clusters.map(({ name, url }) => ({ name, cluster: { server: url, "insecure-skip-tls-verify": true } })),
    users: clusters.map(({ name, token }) => ({ name, user: { token } })),
    contexts: clusters.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
    "current-context": clusters[0]?.name,
  });
}
