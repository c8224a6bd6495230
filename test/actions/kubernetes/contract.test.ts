import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { sha256 } from "../../../src/lib/canonical.ts";
import type { PracticeCluster } from "../../../src/practice/estate/kubernetes/index.ts";
import { soon } from "../shop.ts";
import { deployment, NAMESPACE, openWorld, Step, type World } from "./world.ts";

/** What every action on a cluster has to stand, whatever it does. */
interface Case {
  readonly id: string;
  readonly more: Readonly<Record<string, unknown>>;
  arrange(cluster: PracticeCluster): Promise<void>;
  /** A person with kubectl was faster. Left out: what a person did would not be this step's. */
  byHand?(cluster: PracticeCluster): void;
  /** Only the intent knows what to look for: before it, what a person did can not be told from something else. */
  readonly afterIntent?: true;
  wrong(cluster: PracticeCluster): unknown;
  readonly blocks: string;
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
const folder = mkdtempSync(join(tmpdir(), "lifeboat-manifests-"));
const MANIFEST = { name: "api", path: join(folder, "api.yml"), sha256: sha256(Buffer.from(MANIFEST_TEXT)) };
afterAll(() => rmSync(folder, { recursive: true }));

const CASES: readonly Case[] = [
  {
    id: "kubernetes.scale",
    more: { workloads: ["deployment/api"], replicas: 0 },
    arrange: api,
    byHand: (cluster) => change(cluster, "deployments", "api", { replicas: 0 }),
    wrong: (cluster) => cluster.remove("deployments", NAMESPACE, "api"),
    blocks: "workloads.present",
  },
  {
    id: "kubernetes.restart",
    more: { workload: "deployment/api" },
    arrange: api,
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
    afterIntent: true,
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
    wrong: (cluster) => changeNode(cluster, "node-2", true),
    blocks: "node.others",
  },
  {
    id: "kubernetes.uncordon",
    more: { node: "node-1" },
    arrange: async (cluster) => changeNode(cluster, "node-1", true),
    byHand: (cluster) => changeNode(cluster, "node-1", false),
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
      for (const pod of cluster.list("pods", NAMESPACE)) {
        if (pod.spec?.nodeName === "node-1") cluster.remove("pods", NAMESPACE, pod.metadata.name);
      }
    },
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
    wrong: (cluster) => cluster.remove("cronjobs", NAMESPACE, "backup"),
    blocks: "cronJob.present",
  },
  {
    id: "kubernetes.apply",
    more: { manifests: [MANIFEST] },
    arrange: async () => writeFileSync(MANIFEST.path, MANIFEST_TEXT),
    byHand: (cluster) => cluster.put("deployments", NAMESPACE, deployment("api", 2)),
    wrong: () => writeFileSync(MANIFEST.path, `${MANIFEST_TEXT}# edited\n`),
    blocks: "manifests",
  },
  {
    id: "velero.backup",
    more: { name: "shop", namespaces: [NAMESPACE] },
    arrange: async (cluster) => storage(cluster),
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
    wrong: (cluster) => cluster.put("deployments", "shop-dr", deployment("api", 1)),
    blocks: "restore.room",
  },
];

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

describe.each(CASES.map((one) => [one.id, one] as const))("%s", (id, one) => {
  let world: World;
  let step: Step;
  beforeEach(async () => {
    world = await openWorld();
    await one.arrange(world.primary);
    step = new Step(world.conductor(), id, { cluster: world.target, ...one.more });
  });
  afterEach(() => world.close());

  test("killed before the call: it is not there, and the next attempt does it once", async () => {
    await step.intend();
    expect(await step.afterwards()).toBe("again");
    expect(world.primary.writes()).toEqual([]);
    await step.intend();
    await step.apply();
    await step.verify();
    expect(world.primary.writes()).toHaveLength(1);
    expect(await step.done()).toBe("yes");
  });

  test.each(["failAfter", "dropAfter"] as const)(
    "done, and the answer was %s: found there, and never asked again",
    async (kind) => {
      await step.intend();
      world.primary.faults.throw({ kind, on: "writes", times: 1 });
      await expect(step.apply()).rejects.toThrow();
      expect(await step.afterwards()).toBe("verify");
      await step.verify();
      expect(world.primary.writes()).toHaveLength(1);
    },
  );

  test.each(["throttle", "hang", "down"] as const)(
    "not done, by %s: sent once, and known not to be there",
    async (kind) => {
      await step.intend();
      world.primary.faults.throw({ kind, on: "writes", times: 1 });
      await expect(step.apply(400)).rejects.toThrow();
      expect(world.primary.writes()).toHaveLength(1);
      expect(await step.afterwards()).toBe("again");
    },
  );

  test("a lie is not believed: success was answered, and nothing is there", async () => {
    await step.intend();
    world.primary.faults.throw({ kind: "lie", on: "writes" });
    await step.apply();
    expect(await step.done()).toBe("no");
    await expect(step.verify(300)).rejects.toThrow();
  });

  test("a wrong state stops it before anything is sent", async () => {
    one.wrong(world.primary);
    expect(await step.blockedBy()).toContain(one.blocks);
    expect(world.primary.writes()).toEqual([]);
  });

  test("a cluster that is down is an observation, after which only a person knows", async () => {
    await step.intend();
    world.primary.faults.throw({ kind: "down" });
    expect(await step.blockedBy()).toEqual(["cluster.answers"]);
    expect(await step.afterwards()).toBe("ask");
  });

  if (one.byHand) {
    test("done by hand is found done, and nothing is sent", async () => {
      const { byHand } = one;
      if (one.afterIntent) await step.intend();
      byHand?.(world.primary);
      await soon("it being seen", async () => (await step.done()) === "yes");
      expect(world.primary.writes()).toEqual([]);
    });
  }
});
