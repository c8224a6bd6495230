import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { blockedBy } from "../conductor.ts";
import { soon } from "../shop.ts";
import { deployment, NAMESPACE, openWorld, Step, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
  world.primary.put("backupstoragelocations", NAMESPACE, {
    metadata: { name: "default" },
    status: { phase: "Available" },
  });
  world.primary.put("deployments", NAMESPACE, deployment("api", 2));
});
afterEach(() => world.close());

const into = { [NAMESPACE]: "shop-dr" };

describe("backing up and restoring", () => {
  test("a backup made now is found by its name, and restored beside what runs", async () => {
    const conductor = world.conductor();
    const { facts } = await conductor.perform("backup", "velero.backup", {
      cluster: world.target,
      name: "shop",
      namespaces: [NAMESPACE],
    });
    expect(facts.backup).toBe("shop-lifeboat-1");
    const source = { cluster: world.target, backup: facts.backup };
    const { evidence } = await conductor.perform("check", "velero.check", source);
    expect(evidence.says).toContain("shop-lifeboat-1 is complete and 0 hours old");
    await conductor.perform("restore", "velero.restore", { ...source, name: "shop", namespaces: [NAMESPACE], into });
    await soon(
      "the restored pods",
      async () => world.primary.get("deployments", "shop-dr", "api")?.status?.availableReplicas === 2,
    );
  });

  test("a restore that ended badly is never repeated by itself", async () => {
    const conductor = world.conductor();
    await conductor.perform("backup", "velero.backup", {
      cluster: world.target,
      name: "shop",
      namespaces: [NAMESPACE],
    });
    world.primary.failItems(1);
    const given = { cluster: world.target, backup: "shop-lifeboat-1", name: "shop", namespaces: [NAMESPACE], into };
    const step = new Step(conductor, "velero.restore", given);
    await step.intend();
    await step.apply();
    await expect(step.verify()).rejects.toMatchObject({
      problem: { code: "velero-failed", what: expect.stringContaining("PartiallyFailed") },
    });
    expect(await step.afterwards()).toBe("ask");
  });

  test("a backup that is too old, and none at all, stop it by name", async () => {
    const conductor = world.conductor();
    const none = await conductor.look("velero.check", { cluster: world.target, schedule: "daily" });
    expect(blockedBy(none.checks)).toEqual(["velero.backup"]);
    world.primary.put("backups", NAMESPACE, {
      metadata: { name: "daily-1", labels: { "velero.io/schedule-name": "daily" } },
      spec: {},
      status: { phase: "Completed", completionTimestamp: new Date(Date.now() - 48 * 3_600_000).toISOString() },
    });
    const old = await conductor.look("velero.check", { cluster: world.target, schedule: "daily" });
    expect(blockedBy(old.checks)).toEqual(["velero.backup"]);
    expect(old.checks.map(({ says }) => says).join(" ")).toContain(
      "daily-1 is complete and 48 hours old; 24 are allowed",
    );
  });
});
