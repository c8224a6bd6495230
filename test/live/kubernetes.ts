import { randomUUID } from "node:crypto";
import { createCluster, kubeconfigOf } from "../../practice/targets/kubernetes/index.ts";
import { workloadPath } from "../../src/actions/kubernetes/workload.ts";
import { openCluster } from "../../src/actions/kubernetes-client.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { deployment } from "../support/kubernetes-fixture.ts";
import { insist, type Target } from "./target.ts";

export const kubernetes: Target = {
  id: "kubernetes",
  title: "a Kubernetes cluster",
  settings: [
    { name: "KUBECONFIG", says: "a kubeconfig, or the path of one" },
    { name: "KUBE_CONTEXT", says: "the context in it" },
    { name: "KUBE_NAMESPACE", says: "a namespace to look into" },
    {
      name: "KUBE_CLUSTER_UID",
      says: "kubectl get namespace kube-system -o jsonpath={.metadata.uid}",
    },
  ],
  mayChange: {
    is: "a deployment of that namespace: deployment/contract",
    does: "gets one replica more, then none at all, then as many as before, and new pods once",
  },
  async standIn() {
    const cluster = await createCluster({ name: "contract", pace: { timeScale: 400 } });
    // As long as Kubernetes gives pods by default, at the stand-in's pace.
    cluster.setGrace(30);
    cluster.put("deployments", "shop", deployment("contract", 2));
    return {
      environment: {
        KUBECONFIG: kubeconfigOf([cluster]),
        KUBE_CONTEXT: cluster.name,
        KUBE_NAMESPACE: "shop",
        KUBE_CLUSTER_UID: cluster.uid,
      },
      mayChange: "deployment/contract",
      stop: () => cluster.close(),
    };
  },
  deals({ setting, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const cluster = {
      kubeconfigFrom: "KUBECONFIG",
      context: setting("KUBE_CONTEXT"),
      namespace: setting("KUBE_NAMESPACE"),
      clusterUid: setting("KUBE_CLUSTER_UID"),
    };
    const workload = mayChange ?? "";
    const restorer = actionHarness({ ...environment }, { practice });
    const countOf = async () =>
      (await restorer.look("kubernetes.scale", { cluster, workloads: [workload], replicas: 1 })).facts[
        `replicas:${workload}`
      ];
    /** As the API server lists them by the workload's own selector, those that are being deleted too. */
    const podsNow = async (): Promise<readonly string[]> => {
      const api = await openCluster(restorer.context, cluster);
      const path = workloadPath(cluster, workload);
      const { spec } = await api.get<{ spec: { selector: { matchLabels?: Record<string, string> } } }>(path);
      const labelSelector = Object.entries(spec.selector.matchLabels ?? {}).map((pair) => pair.join("="));
      insist(labelSelector.length > 0, `${workload} selects its pods by no label`);
      const query = { labelSelector: labelSelector.join() };
      const pods = await api.list<{ metadata: { name: string } }>(
        `/api/v1/namespaces/${cluster.namespace}/pods`,
        query,
      );
      return pods.map(({ metadata }) => metadata.name);
    };
    return [
      {
        says: "it is looked at",
        async hold() {
          return (await harness.perform("check", "kubernetes.check", { cluster })).evidence.says;
        },
      },
      {
        says: "another cluster behind the context is refused before anything is asked of it",
        async hold() {
          const other = { ...cluster, clusterUid: randomUUID() };
          const { checks } = await harness.look("kubernetes.check", { cluster: other });
          insist(blockedBy(checks).join() === "cluster.answers", `blocked by ${blockedBy(checks).join() || "nothing"}`);
          return checks[0]?.says ?? "";
        },
      },
      {
        says: "a workload that is not there is missed by name",
        async hold() {
          const given = { cluster, workloads: ["deployment/lifeboat-is-not-here"] };
          const { checks } = await harness.look("kubernetes.check", given);
          insist(blockedBy(checks).includes("workloads"), "it was not missed");
          return checks.find(({ id }) => id === "workloads")?.says ?? "";
        },
      },
      {
        says: "it may be scaled, and gets back exactly what it had",
        changes: `${workload}: one replica more, and back`,
        async hold(changes) {
          const had = Number(await countOf());
          insist(had >= 1, `${workload} has ${await countOf()} replicas: that proves nothing`);
          const putBack = changes.until({
            left: `${workload} has ${had + 1} replicas, not ${had}, and the annotation lifeboat.dev/replicas-before`,
            by: `kubectl -n ${cluster.namespace} scale ${workload} --replicas=${had}`,
            back: () => restorer.perform("back", "kubernetes.scale", { cluster, counts: { [workload]: had } }),
          });
          const more = await harness.perform("more", "kubernetes.scale", {
            cluster,
            workloads: [workload],
            replicas: had + 1,
          });
          await putBack();
          insist((await countOf()) === had, `it has ${await countOf()}, not ${had}`);
          return `${more.evidence.says} It has ${had} again.`;
        },
      },
      {
        says: "at 0 it is done when its last pod is gone, and not before",
        changes: `${workload}: no pod at all, and back`,
        async hold(changes) {
          const had = Number(await countOf());
          insist(had >= 1, `${workload} has ${await countOf()} replicas: that proves nothing`);
          const pods = await podsNow();
          insist(pods.length >= had, `${workload} has ${pods.length} pods of ${had}: that proves nothing`);
          const putBack = changes.until({
            left: `${workload} has no replicas, not ${had}, and the annotation lifeboat.dev/replicas-before`,
            by: `kubectl -n ${cluster.namespace} scale ${workload} --replicas=${had}`,
            back: () => restorer.perform("up", "kubernetes.scale", { cluster, counts: { [workload]: had } }),
          });
          const none = { cluster, workloads: [workload], replicas: 0 };
          const { evidence } = await harness.perform("none", "kubernetes.scale", none);
          const left = await podsNow();
          insist(left.length === 0, `${left.join(", ")} still ran when it was called done`);
          await putBack();
          insist((await countOf()) === had, `it has ${await countOf()}, not ${had}`);
          return `${evidence.says} It has ${had} again.`;
        },
      },
      {
        says: "new pods replace the old ones",
        changes: `${workload}: a rolling restart`,
        async hold() {
          return (await harness.perform("restart", "kubernetes.restart", { cluster, workload })).evidence.says;
        },
      },
    ];
  },
};
