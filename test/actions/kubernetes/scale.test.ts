import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { blockedBy } from "../../support/action-harness.ts";
import { soon } from "../../support/database-fixture.ts";
import { holdPermissions } from "../../support/hold-permissions.ts";
import {
  deployment,
  type KubernetesFixture,
  NAMESPACE,
  openKubernetesFixture,
  Step,
} from "../../support/kubernetes-fixture.ts";

holdPermissions([]);

let fixture: KubernetesFixture;
beforeEach(async () => {
  fixture = await openKubernetesFixture();
});
afterEach(() => fixture.close());

const replicasOf = (name: string) => fixture.primary.get("deployments", NAMESPACE, name)?.spec?.replicas;

async function shopOf(counts: Record<string, number>): Promise<void> {
  for (const [name, count] of Object.entries(counts))
    fixture.primary.put("deployments", NAMESPACE, deployment(name, count));
  await soon("the shop running", async () =>
    Object.entries(counts).every(
      ([name, count]) => fixture.primary.get("deployments", NAMESPACE, name)?.status?.availableReplicas === count,
    ),
  );
}

describe("scaling down and back", () => {
  test("at 0 a pod that is being deleted still writes: it is not done before the last one is gone", async () => {
    await shopOf({ api: 2 });
    const harness = fixture.harness();
    const down = { cluster: fixture.target, workloads: ["deployment/api"], replicas: 0 };
    const step = new Step(harness, "kubernetes.scale", down);
    fixture.primary.setGrace(3600);
    await step.intend();
    await step.apply();
    await soon("the workload saying it has none", async () => {
      const status = fixture.primary.get("deployments", NAMESPACE, "api")?.status;
      return status?.replicas === 0;
    });
    const { done, facts } = await harness.look("kubernetes.scale", down);
    expect([done, facts.podsLeft]).toEqual(["no", 2]);
    expect(fixture.primary.list("pods", NAMESPACE)).toHaveLength(2);
    let verified = false;
    const verifying = step.verify().then(() => {
      verified = true;
    });
    const looks = () => fixture.primary.ledger.filter(({ path }) => path.endsWith("/pods")).length;
    const before = looks();
    await soon("a few looks at them", async () => looks() > before + 2);
    expect(verified).toBe(false);
    fixture.primary.setGrace(0);
    await verifying;
    expect(fixture.primary.list("pods", NAMESPACE)).toEqual([]);
    expect((await harness.look("kubernetes.scale", down)).done).toBe("yes");
  });

  test("the count is right and the configuration is newer: pods are replaced, and once", async () => {
    fixture.primary.put("configmaps", NAMESPACE, { metadata: { name: "app" }, data: { DATABASE: "east" } });
    await shopOf({ api: 2 });
    const harness = fixture.harness();
    const start = { cluster: fixture.target, workloads: ["deployment/api"], replicas: 2, reads: ["app"] };
    await harness.perform("start", "kubernetes.scale", start);
    const names = () => fixture.primary.list("pods", NAMESPACE).map(({ metadata }) => metadata.name);
    const old = names();
    expect((await harness.perform("start", "kubernetes.scale", start)).applied).toBe(false);

    const to = async (from: string, to: string) =>
      await harness.perform("config", "kubernetes.patch_config", {
        cluster: fixture.target,
        configMap: "app",
        changes: { DATABASE: { from, to } },
      });
    // There and back again: a pod that was started again meanwhile read the other value.
    await to("east", "west");
    await to("west", "east");
    expect((await harness.perform("start", "kubernetes.scale", start)).applied).toBe(true);
    await soon("the old pods being gone", async () => !names().some((name) => old.includes(name)));
    const restart = { cluster: fixture.target, workload: "deployment/api", reads: ["app"] };
    expect((await harness.perform("restart", "kubernetes.restart", restart)).applied).toBe(false);
    await to("east", "west");
    expect((await harness.perform("restart", "kubernetes.restart", restart)).applied).toBe(true);
    expect((await harness.perform("start", "kubernetes.scale", start)).applied).toBe(false);
    expect(replicasOf("api")).toBe(2);
  });

  test("a value that goes there and back is changed from any it may have, and from no other", async () => {
    fixture.primary.put("configmaps", NAMESPACE, { metadata: { name: "app" }, data: { DATABASE: "east" } });
    const held = () => fixture.primary.get("configmaps", NAMESPACE, "app")?.data;
    const harness = fixture.harness();
    const towards = (to: string) => ({
      ...{ cluster: fixture.target, configMap: "app" },
      changes: { DATABASE: { from: ["east", "west"], to } },
    });
    const perform = async (to: string) =>
      (await harness.perform("config", "kubernetes.patch_config", towards(to))).applied;
    expect([await perform("west"), await perform("west"), await perform("east")]).toEqual([true, false, true]);
    expect(held()).toEqual({ DATABASE: "east" });
    fixture.primary.edit("configmaps", NAMESPACE, "app", (one) => {
      one.data = { DATABASE: "somewhere" };
    });
    const seen = await harness.look("kubernetes.patch_config", towards("west"));
    expect([seen.done, blockedBy(seen.checks)]).toEqual(["partial", ["config.known"]]);
    expect(held()).toEqual({ DATABASE: "somewhere" });
  });

  test("an autoscaler that moved on within its range is no reason to wait", async () => {
    await shopOf({ api: 2 });
    fixture.primary.put("horizontalpodautoscalers", NAMESPACE, {
      metadata: { name: "api" },
      spec: { scaleTargetRef: { kind: "Deployment", name: "api" }, minReplicas: 2, maxReplicas: 6 },
    });
    const up = { cluster: fixture.target, workloads: ["deployment/api"], replicas: 3 };
    const step = new Step(fixture.harness(), "kubernetes.scale", up);
    await step.intend();
    await step.apply();
    fixture.primary.edit("deployments", NAMESPACE, "api", (one) => {
      one.spec = { ...one.spec, replicas: 5 };
    });
    const { facts } = await step.verify();
    expect(facts.find(({ id }) => id === "replicas:deployment/api")?.value).toBe(5);
  });

  test("brings back exactly the recorded counts, and leaves alone what stood at 0", async () => {
    await shopOf({ api: 3, web: 2, report: 0, postgres: 1 });
    const harness = fixture.harness();
    const down = { cluster: fixture.target, selector: "app!=postgres", replicas: 0 };
    const { evidence } = await harness.perform("down", "kubernetes.scale", down);
    expect(
      evidence.facts.filter(({ id }) => id.startsWith("replicasBefore:")).map(({ id, value }) => [id, value]),
    ).toEqual([
      ["replicasBefore:deployment/api", 3],
      ["replicasBefore:deployment/report", null],
      ["replicasBefore:deployment/web", 2],
    ]);
    expect(["api", "web", "report", "postgres"].map(replicasOf)).toEqual([0, 0, 0, 1]);
    expect(fixture.primary.list("pods", NAMESPACE)).toHaveLength(1);

    await harness.perform("back", "kubernetes.scale", { cluster: fixture.target, restoreFrom: "down" });
    expect(["api", "web", "report", "postgres"].map(replicasOf)).toEqual([3, 2, 0, 1]);
    expect(JSON.stringify(fixture.primary.get("deployments", NAMESPACE, "api")?.metadata)).not.toContain(
      "replicas-before",
    );
    expect(fixture.primary.writes()).toHaveLength(4);
  });

  test("a crash between two patches, and a second attempt that sees only what is left, forget no count", async () => {
    await shopOf({ api: 3, web: 2 });
    const harness = fixture.harness();
    const given = { cluster: fixture.target, workloads: ["deployment/api", "deployment/web"], replicas: 0 };
    const step = new Step(harness, "kubernetes.scale", given);
    await step.intend();
    fixture.primary.faults.throw({ kind: "down", on: "writes", after: 1 });
    await expect(step.apply()).rejects.toThrow();
    fixture.primary.faults.clear();
    expect(["api", "web"].map(replicasOf)).toEqual([0, 2]);

    expect(await step.afterwards()).toBe("again");
    await step.intend();
    await step.apply();
    const evidence = await step.verify();
    harness.remember("down", evidence);
    await harness.perform("back", "kubernetes.scale", { cluster: fixture.target, restoreFrom: "down" });
    expect(["api", "web"].map(replicasOf)).toEqual([3, 2]);
  });

  test("someone who moved a count since the intent is not overruled: a person is asked", async () => {
    await shopOf({ api: 3 });
    const step = new Step(fixture.harness(), "kubernetes.scale", {
      cluster: fixture.target,
      workloads: ["deployment/api"],
      replicas: 0,
    });
    await step.intend();
    fixture.primary.edit("deployments", NAMESPACE, "api", (one) => {
      one.spec = { ...one.spec, replicas: 5 };
    });
    expect(await step.afterwards()).toBe("ask");
    await expect(step.apply()).rejects.toMatchObject({ problem: { code: "kubernetes-422" } });
    expect(replicasOf("api")).toBe(5);
  });

  test("an old mark does not count once someone scaled by hand", async () => {
    await shopOf({ api: 3 });
    const harness = fixture.harness();
    const down = { cluster: fixture.target, workloads: ["deployment/api"], replicas: 0 };
    await harness.perform("first", "kubernetes.scale", down);
    fixture.primary.edit("deployments", NAMESPACE, "api", (one) => {
      one.spec = { ...one.spec, replicas: 5 };
    });
    const { facts } = await harness.perform("second", "kubernetes.scale", down);
    expect(facts["replicasBefore:deployment/api"]).toBe(5);
  });

  test("an autoscaler that would move it back blocks, one that sleeps at 0 does not", async () => {
    await shopOf({ api: 3 });
    fixture.primary.put("horizontalpodautoscalers", NAMESPACE, {
      metadata: { name: "api" },
      spec: { scaleTargetRef: { kind: "Deployment", name: "api" }, minReplicas: 2, maxReplicas: 6 },
    });
    const look = async (replicas: number) =>
      blockedBy(
        (
          await fixture
            .harness()
            .look("kubernetes.scale", { cluster: fixture.target, workloads: ["deployment/api"], replicas })
        ).checks,
      );
    expect(await look(9)).toEqual(["autoscaler.api"]);
    expect(await look(0)).toEqual([]);
    expect(await look(4)).toEqual([]);
  });

  test("restoring waits for the counts, and a workload that is gone is named", async () => {
    const { checks } = await fixture
      .harness()
      .look("kubernetes.scale", { cluster: fixture.target, restoreFrom: "down" });
    expect(blockedBy(checks)).toEqual(["evidence.counts"]);
    const gone = { cluster: fixture.target, workloads: ["deployment/gone"], replicas: 1 };
    expect(blockedBy((await fixture.harness().look("kubernetes.scale", gone)).checks)).toEqual(["workloads.present"]);
  });
});
