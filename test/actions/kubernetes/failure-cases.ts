import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { kubeconfigOf, type PracticeCluster } from "../../../practice/targets/kubernetes/index.ts";
import { sha256 } from "../../../src/lib/canonical.ts";
import { soon } from "../../support/database-fixture.ts";
import {
  asked,
  type FailureCase,
  type FailureMode,
  type FailureSuite,
  type Instead,
  struck,
} from "../../support/failure-case.ts";
import { deployment, NAMESPACE, openKubernetesFixture } from "../../support/kubernetes-fixture.ts";

/** What every action on a cluster has to stand, whatever it does. */
interface Case {
  readonly id: string;
  /** The rest of its input; a function where the cluster has to say it. */
  readonly more: Readonly<Record<string, unknown>> | ((cluster: PracticeCluster) => Readonly<Record<string, unknown>>);
  arrange(cluster: PracticeCluster): unknown;
  holds(cluster: PracticeCluster): boolean;
  /** A person with kubectl was faster. Left out: what a person did would not be this step's. */
  byHand?(cluster: PracticeCluster): unknown;
  readonly intentFirst?: true;
  wrong?(cluster: PracticeCluster): unknown;
  readonly blocks?: string;
  readonly of?: string;
  readonly requests?: number;
  readonly absolute?: string;
  readonly instead?: Readonly<Partial<Record<FailureMode, Instead>>>;
}

const available = (cluster: PracticeCluster, name: string, count: number) =>
  soon(`${count} of ${name}`, async () => {
    const status = cluster.get("deployments", NAMESPACE, name)?.status;
    return status?.availableReplicas === count && status.replicas === count;
  });

async function api(cluster: PracticeCluster): Promise<void> {
  cluster.put("deployments", NAMESPACE, deployment("api", 2));
  await available(cluster, "api", 2);
}

const MANIFEST_TEXT = stringify({ apiVersion: "apps/v1", kind: "Deployment", ...deployment("api", 2) });
/** Where it stands is known once the folder is made. */
const MANIFEST = { name: "api", path: "", sha256: sha256(Buffer.from(MANIFEST_TEXT)) };

const CASES: readonly Case[] = [
  {
    id: "kubernetes.scale",
    more: { workloads: ["deployment/api"], replicas: 0 },
    arrange: api,
    byHand: (cluster) => change(cluster, "deployments", "api", { replicas: 0 }),
    holds: (cluster) => specOf(cluster, "deployments", "api")?.replicas === 0,
    wrong: (cluster) => cluster.remove("deployments", NAMESPACE, "api"),
    blocks: "workloads.present",
  },
  {
    id: "kubernetes.scale",
    of: "of two",
    requests: 2,
    more: { workloads: ["deployment/api", "deployment/web"], replicas: 0 },
    async arrange(cluster) {
      cluster.put("deployments", NAMESPACE, deployment("web", 1));
      await Promise.all([api(cluster), available(cluster, "web", 1)]);
    },
    byHand(cluster) {
      for (const name of ["api", "web"]) change(cluster, "deployments", name, { replicas: 0 });
    },
    holds: (cluster) => ["api", "web"].every((name) => specOf(cluster, "deployments", name)?.replicas === 0),
    wrong: (cluster) => cluster.remove("deployments", NAMESPACE, "web"),
    blocks: "workloads.present",
  },
  {
    id: "kubernetes.scale",
    of: "to the count they have, for a ConfigMap that changed",
    more: { workloads: ["deployment/api"], replicas: 2, reads: ["app"] },
    async arrange(cluster) {
      cluster.put("configmaps", NAMESPACE, { metadata: { name: "app" }, data: { DB_HOST: "a" } });
      await api(cluster);
    },
    holds: (cluster) => JSON.stringify(specOf(cluster, "deployments", "api")).includes("config-read"),
    instead: { "done by hand": "only this step marks what pods were made for; without the mark they are replaced" },
    wrong: (cluster) => cluster.remove("configmaps", NAMESPACE, "app"),
    blocks: "config.present",
  },
  {
    id: "kubernetes.suspend_cron",
    requests: 2,
    more: { cronJobs: ["backup", "report"], suspend: true },
    arrange: async (cluster) => crons(cluster),
    byHand(cluster) {
      for (const name of ["backup", "report"]) change(cluster, "cronjobs", name, { suspend: true });
    },
    holds: (cluster) => ["backup", "report"].every((name) => specOf(cluster, "cronjobs", name)?.suspend === true),
    wrong: (cluster) => cluster.remove("cronjobs", NAMESPACE, "report"),
    blocks: "cronJobs.present",
  },
  {
    id: "kubernetes.restart",
    more: { workload: "deployment/api" },
    arrange: api,
    holds: (cluster) => JSON.stringify(specOf(cluster, "deployments", "api")).includes("restartedAt"),
    instead: { "done by hand": "a restart by somebody else is not the one this step was asked for" },
    wrong: (cluster) => change(cluster, "deployments", "api", { paused: true }),
    blocks: "workload.rolls",
  },
  {
    id: "kubernetes.rollback",
    more: { deployment: "api", toRevision: 1 },
    async arrange(cluster) {
      await api(cluster);
      change(cluster, "deployments", "api", { template: deployment("api", 2, { image: "app:2" }).spec.template });
      await soon("revision 2", async () => revisionOf(cluster) === "2");
      await available(cluster, "api", 2);
    },
    byHand: (cluster) => change(cluster, "deployments", "api", { template: deployment("api", 2).spec.template }),
    intentFirst: true,
    holds: (cluster) => JSON.stringify(specOf(cluster, "deployments", "api")).includes('"app:1"'),
    wrong: (cluster) => {
      const first = cluster
        .list("replicasets", NAMESPACE)
        .find(({ metadata }) => metadata.annotations?.["deployment.kubernetes.io/revision"] === "1");
      cluster.remove("replicasets", NAMESPACE, first?.metadata.name ?? "");
    },
    blocks: "revision.kept",
  },
  {
    id: "kubernetes.cordon",
    more: { node: "node-1" },
    arrange: async () => {},
    byHand: (cluster) => changeNode(cluster, "node-1", true),
    holds: (cluster) => cluster.get("nodes", undefined, "node-1")?.spec?.unschedulable === true,
    wrong: (cluster) => changeNode(cluster, "node-2", true),
    blocks: "node.others",
  },
  {
    id: "kubernetes.uncordon",
    more: { node: "node-1" },
    arrange: async (cluster) => changeNode(cluster, "node-1", true),
    byHand: (cluster) => changeNode(cluster, "node-1", false),
    holds: (cluster) => cluster.get("nodes", undefined, "node-1")?.spec?.unschedulable !== true,
    wrong: (cluster) => cluster.remove("nodes", undefined, "node-1"),
    blocks: "node.present",
  },
  {
    id: "kubernetes.drain",
    more: { node: "node-1", retrySeconds: 0.05 },
    async arrange(cluster) {
      await api(cluster);
      changeNode(cluster, "node-1", true);
    },
    byHand: (cluster) => {
      for (const { metadata } of podsOn(cluster, "node-1")) cluster.remove("pods", NAMESPACE, metadata.name);
    },
    holds: (cluster) => podsOn(cluster, "node-1").length === 0,
    wrong: (cluster) => changeNode(cluster, "node-1", false),
    blocks: "evidence.cordoned",
  },
  {
    id: "kubernetes.drain",
    of: "of two pods",
    requests: 2,
    more: { node: "node-1", retrySeconds: 0.05 },
    async arrange(cluster) {
      cluster.put("deployments", NAMESPACE, deployment("api", 4));
      await available(cluster, "api", 4);
      changeNode(cluster, "node-1", true);
    },
    byHand: (cluster) => {
      for (const { metadata } of podsOn(cluster, "node-1")) cluster.remove("pods", NAMESPACE, metadata.name);
    },
    holds: (cluster) => podsOn(cluster, "node-1").length === 0,
    wrong: (cluster) => changeNode(cluster, "node-1", false),
    blocks: "evidence.cordoned",
  },
  {
    id: "kubernetes.switch_service",
    more: { service: "front", label: "color", from: "blue", to: "green" },
    async arrange(cluster) {
      for (const color of ["blue", "green"]) {
        cluster.put("deployments", NAMESPACE, deployment(color, 1, { labels: { tier: "front", color } }));
      }
      cluster.put("services", NAMESPACE, {
        metadata: { name: "front" },
        spec: { selector: { tier: "front", color: "blue" }, ports: [{ port: 80 }] },
      });
      await Promise.all([available(cluster, "blue", 1), available(cluster, "green", 1)]);
    },
    byHand: (cluster) => change(cluster, "services", "front", { selector: { tier: "front", color: "green" } }),
    holds: (cluster) => JSON.stringify(specOf(cluster, "services", "front")).includes("green"),
    wrong: (cluster) => change(cluster, "services", "front", { selector: { tier: "front", color: "red" } }),
    blocks: "service.side",
  },
  {
    id: "kubernetes.patch_config",
    more: { configMap: "app", changes: { DB_HOST: { from: "a", to: "b" }, MODE: { from: "rw", to: "ro" } } },
    async arrange(cluster) {
      cluster.put("configmaps", NAMESPACE, {
        metadata: { name: "app" },
        data: { DB_HOST: "a", MODE: "rw", other: "x" },
      });
    },
    byHand: (cluster) => {
      cluster.edit("configmaps", NAMESPACE, "app", (one) => {
        one.data = { DB_HOST: "b", MODE: "ro", other: "x" };
      });
    },
    holds: (cluster) =>
      JSON.stringify(cluster.get("configmaps", NAMESPACE, "app")?.data) ===
      JSON.stringify({ DB_HOST: "b", MODE: "ro", other: "x" }),
    wrong: (cluster) => {
      cluster.edit("configmaps", NAMESPACE, "app", (one) => {
        one.data = { DB_HOST: "c", MODE: "rw" };
      });
    },
    blocks: "config.known",
  },
  {
    id: "kubernetes.run_job",
    more: { cronJob: "backup" },
    async arrange(cluster) {
      const template = { spec: { restartPolicy: "Never", containers: [{ name: "b", image: "b:1" }] } };
      cluster.put("cronjobs", NAMESPACE, {
        metadata: { name: "backup" },
        spec: { schedule: "0 2 * * *", jobTemplate: { spec: { template } } },
      });
    },
    holds: (cluster) => cluster.list("jobs", NAMESPACE).length === 1,
    instead: {
      "done by hand": "a job of another name is somebody else's, and may have run before anything was broken",
    },
    wrong: (cluster) => cluster.remove("cronjobs", NAMESPACE, "backup"),
    blocks: "cronJob.present",
  },
  {
    id: "kubernetes.fail_zone",
    requests: 2,
    more: { fault: "zone", zone: "a", retrySeconds: 0.05 },
    async arrange(cluster) {
      zoned(cluster);
      cluster.put("deployments", NAMESPACE, deployment("api", 2));
      await available(cluster, "api", 2);
    },
    byHand(cluster) {
      changeNode(cluster, "node-1", true);
      for (const { metadata } of podsOn(cluster, "node-1")) cluster.remove("pods", NAMESPACE, metadata.name);
    },
    holds: (cluster) =>
      cluster.get("nodes", undefined, "node-1")?.spec?.unschedulable === true && podsOn(cluster, "node-1").length === 0,
    wrong: (cluster) => changeNode(cluster, "node-2", true),
    blocks: "zone.others",
  },
  {
    id: "kubernetes.isolate",
    requests: 2,
    more: (cluster) => ({ fault: "cut", pods: { app: "api" }, seconds: 7200, probe: { url: addressOf(cluster) } }),
    arrange: api,
    holds: (cluster) =>
      cluster.list("networkpolicies", NAMESPACE).length === 1 && cluster.list("jobs", NAMESPACE).length === 1,
    instead: { "done by hand": "a policy of another name is somebody else's, and nothing would end it" },
    absolute: "a policy whose Job the cluster does not know is removed by the cluster, and both are made again",
    async wrong(cluster) {
      change(cluster, "deployments", "api", { replicas: 0 });
      await soon("no pod of it", async () => cluster.list("pods", NAMESPACE).length === 0);
    },
    blocks: "probe.answers",
  },
  {
    id: "kubernetes.exhaust",
    more: { fault: "load", pods: 2, cpu: "500m", memory: "64Mi", seconds: 7200 },
    arrange: async () => {},
    holds: (cluster) => cluster.list("jobs", NAMESPACE).length === 1,
    instead: { "done by hand": "a load of another name is somebody else's, and has an end of its own" },
    wrong: (cluster) => endedJob(cluster, "lifeboat-fault-load"),
    blocks: "fault.free",
  },
  {
    id: "kubernetes.lift_fault",
    requests: 2,
    more: { fault: "zone", kind: "zone" },
    arrange: async (cluster) => markZone(cluster, "zone"),
    byHand: (cluster) => markZone(cluster, null),
    holds: (cluster) => cluster.list("nodes").every(({ spec }) => spec?.unschedulable !== true),
    instead: { "wrong state": "what is left of the fault is lifted, whatever else is so" },
  },
  {
    id: "kubernetes.lift_fault",
    of: "of a partition",
    requests: 2,
    more: { fault: "cut", kind: "partition" },
    async arrange(cluster) {
      const { metadata } = cluster.put("jobs", NAMESPACE, heldJob("lifeboat-fault-cut"));
      const owner = { apiVersion: "batch/v1", kind: "Job", name: metadata.name, uid: metadata.uid };
      cluster.put("networkpolicies", NAMESPACE, {
        metadata: { name: "lifeboat-fault-cut", ownerReferences: [owner] },
        spec: { podSelector: { matchLabels: { app: "api" } } },
      });
    },
    byHand(cluster) {
      cluster.remove("networkpolicies", NAMESPACE, "lifeboat-fault-cut");
      cluster.remove("jobs", NAMESPACE, "lifeboat-fault-cut");
    },
    holds: (cluster) =>
      cluster.list("networkpolicies", NAMESPACE).length === 0 && cluster.list("jobs", NAMESPACE).length === 0,
    instead: { "wrong state": "what is left of the fault is lifted, whatever else is so" },
  },
  {
    id: "kubernetes.apply",
    more: { manifests: [MANIFEST] },
    arrange: async () => writeFileSync(MANIFEST.path, MANIFEST_TEXT),
    byHand: (cluster) => cluster.put("deployments", NAMESPACE, deployment("api", 2)),
    holds: (cluster) => cluster.get("deployments", NAMESPACE, "api") !== undefined,
    wrong: () => writeFileSync(MANIFEST.path, `${MANIFEST_TEXT}# edited\n`),
    blocks: "manifests",
  },
  {
    id: "velero.backup",
    more: { name: "shop", namespaces: [NAMESPACE] },
    arrange: async (cluster) => storage(cluster),
    holds: (cluster) =>
      cluster.list("backups", NAMESPACE).filter(({ status }) => status?.phase === "Completed").length === 1,
    instead: { "done by hand": "a backup of another name is somebody else's: one of this moment was asked for" },
    wrong: (cluster) => cluster.remove("backupstoragelocations", NAMESPACE, "default"),
    blocks: "velero.location",
  },
  {
    id: "velero.restore",
    more: { name: "shop", backup: "daily-1", namespaces: [NAMESPACE], into: { [NAMESPACE]: "shop-dr" } },
    async arrange(cluster) {
      storage(cluster);
      await api(cluster);
      cluster.put("backups", NAMESPACE, { metadata: { name: "daily-1" }, spec: { includedNamespaces: [NAMESPACE] } });
      await soon("the backup", async () => cluster.get("backups", NAMESPACE, "daily-1")?.status?.phase === "Completed");
    },
    // Velero's policy "none" would end as Completed and change nothing.
    holds: (cluster) => cluster.get("deployments", "shop-dr", "api") !== undefined,
    instead: {
      "done by hand":
        "what stands where it is restored to blocks it (restore.room, the wrong state): Velero would not touch it",
    },
    wrong: (cluster) => cluster.put("deployments", "shop-dr", deployment("api", 1)),
    blocks: "restore.room",
  },
];

const specOf = (cluster: PracticeCluster, plural: string, name: string) => cluster.get(plural, NAMESPACE, name)?.spec;
const podsOn = (cluster: PracticeCluster, node: string) =>
  cluster.list("pods", NAMESPACE).filter(({ spec }) => spec?.nodeName === node);

function zoned(cluster: PracticeCluster): void {
  for (const { metadata } of cluster.list("nodes"))
    cluster.edit("nodes", undefined, metadata.name, (node) => {
      const zone = node.metadata.name === "node-1" ? "a" : "b";
      node.metadata.labels = { ...node.metadata.labels, "topology.kubernetes.io/zone": zone };
    });
}

/** Two nodes as a zone failure leaves them, or as they were. */
function markZone(cluster: PracticeCluster, fault: string | null): void {
  for (const name of ["node-1", "node-2"])
    cluster.edit("nodes", undefined, name, (node) => {
      node.spec = { ...node.spec, unschedulable: fault !== null };
      node.metadata.labels = fault === null ? {} : { "lifeboat.dev/fault": fault };
    });
}

const addressOf = (cluster: PracticeCluster) => cluster.listeners(NAMESPACE, ["app", "api"])[0] ?? "";
const heldJob = (name: string) => ({
  metadata: { name },
  spec: { activeDeadlineSeconds: 7200, template: deployment(name, 1).spec.template },
});

function endedJob(cluster: PracticeCluster, name: string): void {
  cluster.put("jobs", NAMESPACE, { ...heldJob(name), status: { conditions: [{ type: "Failed", status: "True" }] } });
}

function crons(cluster: PracticeCluster): void {
  for (const name of ["backup", "report"])
    cluster.put("cronjobs", NAMESPACE, {
      metadata: { name },
      spec: { schedule: "*/5 * * * *", jobTemplate: { spec: {} } },
    });
}

function storage(cluster: PracticeCluster): void {
  cluster.put("backupstoragelocations", NAMESPACE, { metadata: { name: "default" }, status: { phase: "Available" } });
}

function change(cluster: PracticeCluster, plural: string, name: string, spec: Record<string, unknown>): void {
  cluster.edit(plural, NAMESPACE, name, (one) => {
    one.spec = { ...one.spec, ...spec };
  });
}

function changeNode(cluster: PracticeCluster, name: string, unschedulable: boolean): void {
  cluster.edit("nodes", undefined, name, (one) => {
    one.spec = { ...one.spec, unschedulable };
  });
}

function revisionOf(cluster: PracticeCluster): string | undefined {
  return cluster.get("deployments", NAMESPACE, "api")?.metadata.annotations?.["deployment.kubernetes.io/revision"];
}

/** Told from the API server's side. Another cluster behind the same context is another target. */
function overCluster(one: Case): FailureCase {
  const {
    id,
    more,
    arrange,
    holds,
    byHand,
    intentFirst,
    wrong,
    blocks,
    of,
    absolute,
    requests = 1,
    instead = {},
  } = one;
  return {
    action: id,
    ...(of ? { of } : {}),
    requests,
    ...(requests > 1 ? { inTurn: true } : {}),
    ...(absolute && { absolute }),
    instead,
    seconds: { hanging: 0.4 },
    ...(intentFirst ? { intentFirst } : {}),
    async begin() {
      const { primary, target, close } = await openKubernetesFixture();
      await arrange(primary);
      const input = { cluster: target, ...(typeof more === "function" ? more(primary) : more) };
      return {
        input,
        secrets: { KUBECONFIG_SHOP: kubeconfigOf([primary]) },
        ...struck(primary),
        holds: () => holds(primary),
        ...(byHand ? { byHand: () => byHand(primary) } : {}),
        ...(wrong && { wrong: () => wrong(primary) }),
        ...(blocks && { blocks }),
        other: () => asked({ ...input, cluster: { ...target, clusterUid: randomUUID() } }),
        close,
      };
    },
  };
}

let folder = "";
export const suite: FailureSuite = {
  async open() {
    folder = mkdtempSync(join(tmpdir(), "lifeboat-manifests-"));
    MANIFEST.path = join(folder, "api.yml");
  },
  close: async () => rmSync(folder, { recursive: true }),
  cases: CASES.map(overCluster),
};
