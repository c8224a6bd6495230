import { randomUUID } from "node:crypto";
import { createCluster, kubeconfigOf } from "../../practice/targets/kubernetes/index.ts";
import { openCluster } from "../../src/actions/kubernetes-client.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { deployment } from "../support/kubernetes-fixture.ts";
import { insist, type Target } from "./target.ts";

export const velero: Target = {
  id: "velero",
  title: "Velero in a Kubernetes cluster",
  settings: [
    { name: "VELERO_NAMESPACE", says: "where Velero is: velero" },
    { name: "KUBECONFIG", says: "a kubeconfig, or the path of one" },
    { name: "KUBE_CONTEXT", says: "the context in it" },
    { name: "KUBE_CLUSTER_UID", says: "kubectl get namespace kube-system -o jsonpath={.metadata.uid}" },
  ],
  mayChange: { is: "a namespace", does: "is backed up once, under lifeboat-contract-lifeboat-…, kept for an hour" },
  async standIn() {
    const cluster = await createCluster({ name: "contract", pace: { timeScale: 400 } });
    cluster.put("backupstoragelocations", "velero", { metadata: { name: "default" }, status: { phase: "Available" } });
    cluster.put("deployments", "shop", deployment("api", 1));
    return {
      environment: {
        VELERO_NAMESPACE: "velero",
        KUBECONFIG: kubeconfigOf([cluster]),
        KUBE_CONTEXT: cluster.name,
        KUBE_CLUSTER_UID: cluster.uid,
      },
      mayChange: "shop",
      stop: () => cluster.close(),
    };
  },
  deals({ setting, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const cluster = {
      kubeconfigFrom: "KUBECONFIG",
      context: setting("KUBE_CONTEXT"),
      namespace: setting("VELERO_NAMESPACE"),
      clusterUid: setting("KUBE_CLUSTER_UID"),
    };
    const backup = { cluster, name: "lifeboat-contract", namespaces: [mayChange ?? "default"], keepHours: 1 };
    const hasWorkloads = async () => {
      const api = await openCluster(harness.context, cluster);
      const kinds = ["deployments", "statefulsets"];
      const found = await Promise.all(kinds.map((kind) => api.list(`/apis/apps/v1/namespaces/${mayChange}/${kind}`)));
      return found.flat().length > 0;
    };
    return [
      {
        says: "it may be asked for a backup, and has a place to keep it",
        async hold() {
          const { checks, facts } = await harness.look("velero.backup", backup);
          insist(blockedBy(checks).length === 0, checks.map(({ says }) => says).join(" "));
          return `${checks.map(({ says }) => says).join(" ")} The next one would be ${facts.next}.`;
        },
      },
      {
        says: "another cluster behind the context is refused before anything is asked of it",
        async hold() {
          const other = { ...backup, cluster: { ...cluster, clusterUid: randomUUID() } };
          const { checks } = await harness.look("velero.backup", other);
          insist(blockedBy(checks).join() === "cluster.answers", `blocked by ${blockedBy(checks).join() || "nothing"}`);
          return checks[0]?.says ?? "";
        },
      },
      {
        says: "a backup that is not there is missed",
        async hold() {
          const { checks } = await harness.look("velero.check", { cluster, backup: "lifeboat-is-not-here" });
          insist(blockedBy(checks).join() === "velero.backup", `blocked by ${blockedBy(checks).join() || "nothing"}`);
          return checks.find(({ id }) => id === "velero.backup")?.says ?? "";
        },
      },
      {
        says: "a namespace is backed up without an error, and the backup is found by its name",
        changes: `${mayChange}: one backup, deleted by Velero after an hour`,
        async hold() {
          insist(await hasWorkloads(), `${mayChange} has no workload: that proves nothing`);
          const { evidence, facts } = await harness.perform("backup", "velero.backup", backup);
          await harness.perform("check", "velero.check", { cluster, backup: facts.backup });
          return evidence.says;
        },
      },
    ];
  },
};
