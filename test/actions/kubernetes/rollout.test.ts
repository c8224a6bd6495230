import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { lookEvery } from "../../../src/actions/kubernetes/workload.ts";
import { blockedBy } from "../../support/action-harness.ts";
import { soon } from "../../support/database-fixture.ts";
import { holdPermissions } from "../../support/hold-permissions.ts";
import {
  deployment,
  type KubernetesFixture,
  NAMESPACE,
  openKubernetesFixture,
  Step,
  statefulSet,
} from "../../support/kubernetes-fixture.ts";

holdPermissions(["kubernetes.run_job", "kubernetes.scale"]);

let fixture: KubernetesFixture;
beforeEach(async () => {
  fixture = await openKubernetesFixture();
});
afterEach(() => fixture.close());

const workload = "statefulset/ledger";
const podsOf = (app: string) =>
  fixture.primary.list("pods", NAMESPACE).filter(({ metadata }) => metadata.labels?.app === app);
const ready = async (app: string, count: number) =>
  await soon(`${count} pods of ${app}`, async () => {
    const kind = app === "ledger" ? "statefulsets" : "deployments";
    return fixture.primary.get(kind, NAMESPACE, app)?.status?.availableReplicas === count;
  });

describe("a workload whose pods are not replaced by a new template", () => {
  const olderTemplate = () =>
    fixture.primary.edit("statefulsets", NAMESPACE, "ledger", (one) => {
      const { template } = one.spec as { template: { metadata: { annotations?: object } } };
      template.metadata.annotations = { note: "newer than its pods" };
    });
  const strategies: [string, object][] = [
    ["OnDelete", { type: "OnDelete" }],
    ["a partition", { type: "RollingUpdate", rollingUpdate: { partition: 2 } }],
  ];

  test.each(strategies)("%s: it is scaled all the same, and not waited for in vain", async (_what, strategy) => {
    fixture.primary.put("statefulsets", NAMESPACE, statefulSet("ledger", 2, strategy));
    await ready("ledger", 2);
    olderTemplate();
    const given = { cluster: fixture.target, workloads: [workload], replicas: 3 };
    const { evidence } = await fixture.harness().perform("more", "kubernetes.scale", given);
    expect(evidence.says).toBe("statefulset/ledger: 3 of 3 available, rollout complete.");
  });

  test.each(strategies)("%s: a restart is refused, and so is a newer configuration", async (_what, strategy) => {
    fixture.primary.put("configmaps", NAMESPACE, { metadata: { name: "app" }, data: { A: "1" } });
    fixture.primary.put("statefulsets", NAMESPACE, statefulSet("ledger", 3, strategy));
    await ready("ledger", 3);
    const restart = await fixture.harness().look("kubernetes.restart", { cluster: fixture.target, workload });
    expect(blockedBy(restart.checks)).toEqual(["workload.rolls"]);
    const reads = { cluster: fixture.target, workloads: [workload], replicas: 3, reads: ["app"] };
    const seen = await fixture.harness().look("kubernetes.scale", reads);
    expect(blockedBy(seen.checks)).toEqual(["pods.replaced"]);
  });

  test("a paused deployment is scaled, whatever template it holds back", async () => {
    fixture.primary.put("deployments", NAMESPACE, deployment("api", 1));
    await ready("api", 1);
    fixture.primary.edit("deployments", NAMESPACE, "api", (one) => {
      const spec = one.spec as { paused?: boolean; template: { metadata: { annotations?: object } } };
      spec.paused = true;
      spec.template.metadata.annotations = { note: "not rolled out" };
    });
    const given = { cluster: fixture.target, workloads: ["deployment/api"], replicas: 0 };
    const { evidence } = await fixture.harness().perform("none", "kubernetes.scale", given);
    expect(evidence.says).toContain("rollout complete");
  });

  test("one that rolls is restarted pod by pod", async () => {
    fixture.primary.put("statefulsets", NAMESPACE, statefulSet("ledger", 2));
    await ready("ledger", 2);
    const old = podsOf("ledger").map(({ metadata }) => metadata.name);
    await fixture.harness().perform("restart", "kubernetes.restart", { cluster: fixture.target, workload });
    expect(podsOf("ledger").filter(({ metadata }) => old.includes(metadata.name))).toEqual([]);
  });
});

describe("pods of before, which run until their grace period is over", () => {
  const ending = async () => {
    fixture.primary.put("deployments", NAMESPACE, deployment("api", 2));
    await ready("api", 2);
    fixture.primary.setGrace(3600);
  };
  const says = "2 old pods are still ending: until then they run as before.";

  test("are said where new ones have replaced them", async () => {
    await ending();
    const given = { cluster: fixture.target, workload: "deployment/api" };
    const { evidence } = await fixture.harness().perform("restart", "kubernetes.restart", given);
    expect(evidence.says).toContain(`2 of 2 pods are available. ${says}`);
    expect(fixture.primary.list("pods", NAMESPACE)).toHaveLength(4);
    fixture.primary.setGrace(0);
    await soon("their end", async () => fixture.primary.list("pods", NAMESPACE).length === 2);
  });

  test("are said where they read an older configuration", async () => {
    fixture.primary.put("configmaps", NAMESPACE, { metadata: { name: "app" }, data: { A: "1" } });
    await ending();
    const given = { cluster: fixture.target, workloads: ["deployment/api"], replicas: 2, reads: ["app"] };
    const { evidence } = await fixture.harness().perform("scale", "kubernetes.scale", given);
    expect(evidence.says).toContain(says);
  });
});

test("however many workloads are waited for, the API server is asked 20 times a second at most", () => {
  for (const count of [1, 5, 60, 200]) expect((count / lookEvery(count)) * 1000).toBeLessThanOrEqual(20);
  expect(lookEvery(1)).toBe(250);
});

describe("why pods do not come is said within seconds", () => {
  const scaling = async (given: object) => {
    const harness = fixture.harness();
    const step = new Step(harness, "kubernetes.scale", { cluster: fixture.target, ...given });
    await step.intend();
    await step.apply();
    const verified = step.verify();
    return { harness, verified };
  };

  test("no node has room", async () => {
    for (const node of ["node-1", "node-2"]) {
      fixture.primary.edit("nodes", undefined, node, (one) => {
        one.status = { ...one.status, allocatable: { pods: "1" } };
      });
    }
    fixture.primary.put("deployments", NAMESPACE, deployment("api", 2));
    await ready("api", 2);
    const { harness, verified } = await scaling({ workloads: ["deployment/api"], replicas: 3 });
    await soon("the reason", async () =>
      harness.progress.some((line) => line.includes("Unschedulable: 0/2 nodes are available: 2 Too many pods.")),
    );
    fixture.primary.edit("nodes", undefined, "node-1", (one) => {
      one.status = { ...one.status, allocatable: { pods: "9" } };
    });
    await verified;
  });

  test("a quota refuses them, so that there is no pod to ask", async () => {
    fixture.primary.put("deployments", NAMESPACE, deployment("api", 2));
    await ready("api", 2);
    fixture.primary.put("resourcequotas", NAMESPACE, { metadata: { name: "small" }, spec: { hard: { pods: "2" } } });
    const { harness, verified } = await scaling({ workloads: ["deployment/api"], replicas: 3 });
    await soon("the reason", async () =>
      harness.progress.some((line) => line.includes("FailedCreate") && line.includes("exceeded quota: small")),
    );
    fixture.primary.remove("resourcequotas", NAMESPACE, "small");
    await verified;
  });

  test("a job's pod waits", async () => {
    await fixture.close();
    fixture = await openKubernetesFixture({ jobSeconds: 1200 });
    cronJob({});
    fixture.primary.put("pods", NAMESPACE, {
      metadata: { name: "backup-lifeboat-1-x", labels: { "job-name": "backup-lifeboat-1" } },
      spec: { nodeName: "node-1", containers: [{ name: "b", image: "b:broken" }] },
    });
    const harness = fixture.harness();
    await harness.perform("run", "kubernetes.run_job", { cluster: fixture.target, cronJob: "backup" });
    expect(harness.progress.join()).toContain("ImagePullBackOff");
  }, 20_000);
});

function cronJob(more: object) {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "b", image: "b:1" }] } };
  fixture.primary.put("cronjobs", NAMESPACE, {
    metadata: { name: "backup" },
    spec: { schedule: "0 2 * * *", jobTemplate: { spec: { template, ...more } }, ...more },
  });
}

describe("a job whose end is soon cleared away", () => {
  test.each([
    ["by its CronJob, which keeps none", { successfulJobsHistoryLimit: 0 }],
    ["by its own time", { ttlSecondsAfterFinished: 0 }],
  ])("%s, is seen to have ended well", async (_by, more) => {
    cronJob(more);
    const given = { cluster: fixture.target, cronJob: "backup" };
    const { evidence } = await fixture.harness().perform("run", "kubernetes.run_job", given);
    expect(evidence.says).toBe("backup-lifeboat-1 has completed.");
    expect(fixture.primary.get("jobs", NAMESPACE, "backup-lifeboat-1")).toBeDefined();
  });

  test("deleted by someone, is not waited for until the budget is used up", async () => {
    cronJob({});
    const step = new Step(fixture.harness(), "kubernetes.run_job", { cluster: fixture.target, cronJob: "backup" });
    await step.intend();
    await step.apply();
    fixture.primary.remove("jobs", NAMESPACE, "backup-lifeboat-1");
    await expect(step.verify()).rejects.toMatchObject({ problem: { code: "job-gone" } });
  });
});

describe("an autoscaler", () => {
  test("that took some away again, once they were there, is not waited for", async () => {
    fixture.primary.put("deployments", NAMESPACE, deployment("api", 2));
    fixture.primary.put("horizontalpodautoscalers", NAMESPACE, {
      metadata: { name: "api" },
      spec: { scaleTargetRef: { kind: "Deployment", name: "api" }, minReplicas: 2, maxReplicas: 6 },
    });
    await ready("api", 2);
    const up = { cluster: fixture.target, workloads: ["deployment/api"], replicas: 5 };
    const step = new Step(fixture.harness(), "kubernetes.scale", up);
    await step.intend();
    await step.apply();
    fixture.primary.edit("deployments", NAMESPACE, "api", (one) => {
      one.spec = { ...one.spec, replicas: 2 };
    });
    const { facts } = await step.verify();
    expect(facts.find(({ id }) => id === "replicas:deployment/api")?.value).toBe(2);
    // Without our mark no one knows that our count ever was there.
    const other = new Step(fixture.harness(), "kubernetes.scale", { ...up, replicas: 4 });
    expect(await other.done()).toBe("no");
  });
});
