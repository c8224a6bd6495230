import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { holdPermissions } from "../../support/hold-permissions.ts";
import {
  deployment,
  type KubernetesFixture,
  NAMESPACE,
  openKubernetesFixture,
  Step,
} from "../../support/kubernetes-fixture.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { suite } from "./failure-cases.ts";

// A rollback asks for pods where it doesn't come to its end.
holdPermissions(
  [
    "kubernetes.cordon",
    "kubernetes.drain",
    "kubernetes.patch_config",
    "kubernetes.rollback",
    "kubernetes.suspend_cron",
    "kubernetes.switch_service",
    "kubernetes.uncordon",
  ],
  / pods$/,
);

await runFailureSuite(suite);

describe("a cluster that is down", () => {
  let fixture: KubernetesFixture;
  beforeAll(async () => {
    fixture = await openKubernetesFixture();
    fixture.primary.put("deployments", NAMESPACE, deployment("api", 2));
  });
  afterEach(() => fixture.primary.faults.clear());
  afterAll(() => fixture.close());

  test.each([
    ["kubernetes.scale", { workloads: ["deployment/api"], replicas: 0 }],
    ["kubernetes.cordon", { node: "node-1" }],
    ["velero.backup", { name: "shop", namespaces: [NAMESPACE] }],
  ])("is an observation for %s, after which only a person knows", async (id, more) => {
    const step = new Step(fixture.harness(), id, { cluster: fixture.target, ...more });
    await step.intend();
    fixture.primary.faults.throw({ kind: "down" });
    expect(await step.blockedBy()).toEqual(["cluster.answers"]);
    expect(await step.afterwards()).toBe("ask");
  });
});
