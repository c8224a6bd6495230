import { createCluster, kubeconfigOf, type PracticeCluster } from "../../practice/targets/kubernetes/index.ts";
import { actions } from "../../src/actions/index.ts";
import { type ActionHarness, actionHarness } from "./action-harness.ts";
import { leastRights } from "./least-rights.ts";

export const NAMESPACE = "shop";

export type Target = { kubeconfigFrom: string; context: string; namespace: string; clusterUid: string };

/** Two practice clusters behind one kubeconfig, and the actions on them, with the rights `lifeboat permissions` prints and no others. */
export interface KubernetesFixture {
  readonly primary: PracticeCluster;
  readonly dr: PracticeCluster;
  readonly target: Target;
  readonly drTarget: Target;
  harness(): ActionHarness;
  close(): Promise<void>;
}

export async function openKubernetesFixture(pace: { jobSeconds?: number } = {}): Promise<KubernetesFixture> {
  const primary = await createCluster({ name: "primary", pace: { timeScale: 400, ...pace } });
  const dr = await createCluster({ name: "dr", pace: { timeScale: 400 } });
  for (const cluster of [primary, dr]) cluster.put("namespaces", undefined, { metadata: { name: NAMESPACE } });
  const of = ({ name, uid }: PracticeCluster): Target => ({
    kubeconfigFrom: "KUBECONFIG_SHOP",
    context: name,
    namespace: NAMESPACE,
    clusterUid: uid,
  });
  return {
    primary,
    dr,
    target: of(primary),
    drTarget: of(dr),
    harness() {
      const login = leastRights([primary, dr]);
      const clusters = [primary, dr].map((cluster, i) => ({ ...cluster, token: login.tokens[i] ?? "" }));
      return actionHarness({ KUBECONFIG_SHOP: kubeconfigOf(clusters) }, { actions: login.of(actions) });
    },
    close: async () => {
      await Promise.all([primary.close(), dr.close()]);
    },
  };
}

export function deployment(
  name: string,
  replicas: number,
  more: { image?: string; labels?: Record<string, string> } = {},
) {
  const labels = { app: name, ...more.labels };
  return {
    metadata: { name, labels },
    spec: {
      replicas,
      progressDeadlineSeconds: 60,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels }, spec: { containers: [{ name: "app", image: more.image ?? "app:1" }] } },
    },
  };
}

export function statefulSet(name: string, replicas: number, updateStrategy: object = { type: "RollingUpdate" }) {
  const { metadata, spec } = deployment(name, replicas);
  return { metadata, spec: { ...spec, serviceName: name, updateStrategy } };
}

export const widgetDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.test" },
  spec: {
    group: "example.test",
    scope: "Namespaced",
    names: { plural: "widgets", singular: "widget", kind: "Widget" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

export { Step } from "./step.ts";
