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

holdPermissions(["velero.backup", "velero.check", "velero.restore"]);

let fixture: KubernetesFixture;
beforeEach(async () => {
  fixture = await openKubernetesFixture();
  fixture.primary.put("backupstoragelocations", NAMESPACE, {
    metadata: { name: "default" },
    status: { phase: "Available" },
  });
  fixture.primary.put("deployments", NAMESPACE, deployment("api", 2));
});
afterEach(() => fixture.close());

const into = { [NAMESPACE]: "shop-dr" };

describe("backing up and restoring", () => {
  test("a backup made now is found by its name, and restored beside what runs", async () => {
    const harness = fixture.harness();
    const { facts } = await harness.perform("backup", "velero.backup", {
      cluster: fixture.target,
      name: "shop",
      namespaces: [NAMESPACE],
    });
    expect(facts.backup).toBe("shop-lifeboat-1");
    const source = { cluster: fixture.target, backup: facts.backup };
    const { evidence } = await harness.perform("check", "velero.check", source);
    expect(evidence.says).toContain("shop-lifeboat-1 is complete and 0 hours old");
    await harness.perform("restore", "velero.restore", { ...source, name: "shop", namespaces: [NAMESPACE], into });
    await soon(
      "the restored pods",
      async () => fixture.primary.get("deployments", "shop-dr", "api")?.status?.availableReplicas === 2,
    );
  });

  test("a restore that ended badly is never repeated by itself", async () => {
    const harness = fixture.harness();
    await harness.perform("backup", "velero.backup", {
      cluster: fixture.target,
      name: "shop",
      namespaces: [NAMESPACE],
    });
    fixture.primary.failItems(1);
    const given = { cluster: fixture.target, backup: "shop-lifeboat-1", name: "shop", namespaces: [NAMESPACE], into };
    const step = new Step(harness, "velero.restore", given);
    await step.intend();
    await step.apply();
    await expect(step.verify()).rejects.toMatchObject({
      problem: { code: "velero-failed", what: expect.stringContaining("PartiallyFailed") },
    });
    expect(await step.afterwards()).toBe("ask");
  });

  test("a backup that is too old, and none at all, stop it by name", async () => {
    const harness = fixture.harness();
    const none = await harness.look("velero.check", { cluster: fixture.target, schedule: "daily" });
    expect(blockedBy(none.checks)).toEqual(["velero.backup"]);
    fixture.primary.put("backups", NAMESPACE, {
      metadata: { name: "daily-1", labels: { "velero.io/schedule-name": "daily" } },
      spec: {},
      status: { phase: "Completed", completionTimestamp: new Date(Date.now() - 48 * 3_600_000).toISOString() },
    });
    const old = await harness.look("velero.check", { cluster: fixture.target, schedule: "daily" });
    expect(blockedBy(old.checks)).toEqual(["velero.backup"]);
    expect(old.checks.map(({ says }) => says).join(" ")).toContain(
      "daily-1 is complete and 48 hours old; 24 are allowed",
    );
  });
});
