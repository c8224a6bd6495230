import { randomUUID } from "node:crypto";
import { createCluster, kubeconfigOf } from "../../practice/targets/kubernetes/index.ts";
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
    does: "gets one replica more and then as many as before, and new pods once",
  },
  async standIn() {
    const cluster = await createCluster({ name: "contract", pace: { timeScale: 400 } });
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
          const countOf = async () =>
            (await restorer.look("kubernetes.scale", { cluster, workloads: [workload], replicas: 1 })).facts[
              `replicas:${workload}`
            ];
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
        says: "new pods replace the old ones",
        changes: `${workload}: a rolling restart`,
        async hold() {
          return (await harness.perform("restart", "kubernetes.restart", { cluster, workload })).evidence.says;
        },
      },
    ];
  },
};
