import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { blockedBy } from "../conductor.ts";
import { soon } from "../shop.ts";
import { deployment, NAMESPACE, openWorld, Step, statefulSet, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const workload = "statefulset/ledger";
const podsOf = (app: string) =>
  world.primary.list("pods", NAMESPACE).filter(({ metadata }) => metadata.labels?.app === app);
const ready = async (app: string, count: number) =>
  await soon(`${count} pods of ${app}`, async () => {
    const kind = app === "ledger" ? "statefulsets" : "deployments";
    return world.primary.get(kind, NAMESPACE, app)?.status?.availableReplicas === count;
  });

describe("a workload whose pods are not replaced by a new template", () => {
  const olderTemplate = () =>
    world.primary.edit("statefulsets", NAMESPACE, "ledger", (one) => {
      const { template } = one.spec as { template: { metadata: { annotations?: object } } };
      template.metadata.annotations = { note: "newer than its pods" };
    });
  const strategies: [string, object][] = [
    ["OnDelete", { type: "OnDelete" }],
    ["a partition", { type: "RollingUpdate", rollingUpdate: { partition: 2 } }],
  ];

  test.each(strategies)("%s: it is scaled all the same, and not waited for in vain", async (_what, strategy) => {
    world.primary.put("statefulsets", NAMESPACE, statefulSet("ledger", 2, strategy));
    await ready("ledger", 2);
    olderTemplate();
    const given = { cluster: world.target, workloads: [workload], replicas: 3 };
    const { evidence } = await world.conductor().perform("more", "kubernetes.scale", given);
    expect(evidence.says).toBe("statefulset/ledger: 3 of 3 available, rollout complete.");
  });

  test.each(strategies)("%s: a restart is refused, and so is a newer configuration", async (_what, strategy) => {
    world.primary.put("configmaps", NAMESPACE, { metadata: { name: "app" }, data: { A: "1" } });
    world.primary.put("statefulsets", NAMESPACE, statefulSet("ledger", 3, strategy));
    await ready("ledger", 3);
    const restart = await world.conductor().look("kubernetes.restart", { cluster: world.target, workload });
    expect(blockedBy(restart.checks)).toEqual(["workload.rolls"]);
    const reads = { cluster: world.target, workloads: [workload], replicas: 3, reads: ["app"] };
    const seen = await world.conductor().look("kubernetes.scale", reads);
    expect(blockedBy(seen.checks)).toEqual(["pods.replaced"]);
  });

  test("a paused deployment is scaled, whatever template it holds back", async () => {
    world.primary.put("deployments", NAMESPACE, deployment("api", 1));
    await ready("api", 1);
    world.primary.edit("deployments", NAMESPACE, "api", (one) => {
      const spec = one.spec as { paused?: boolean; template: { metadata: { annotations?: object } } };
      spec.paused = true;
      spec.template.metadata.annotations = { note: "not rolled out" };
    });
    const given = { cluster: world.target, workloads: ["deployment/api"], replicas: 0 };
    const { evidence } = await world.conductor().perform("none", "kubernetes.scale", given);
    expect(evidence.says).toContain("rollout complete");
  });

  test("one that rolls is restarted pod by pod", async () => {
    world.primary.put("statefulsets", NAMESPACE, statefulSet("ledger", 2));
    await ready("ledger", 2);
    const old = podsOf("ledger").map(({ metadata }) => metadata.name);
    await world.conductor().perform("restart", "kubernetes.restart", { cluster: world.target, workload });
    expect(podsOf("ledger").filter(({ metadata }) => old.includes(metadata.name))).toEqual([]);
  });
});

describe("why pods do not come is said within seconds", () => {
  const scaling = async (given: object) => {
    const conductor = world.conductor();
    const step = new Step(conductor, "kubernetes.scale", { cluster: world.target, ...given });
    await step.intend();
    await step.apply();
    const verified = step.verify();
    return { conductor, verified };
  };

  test("no node has room", async () => {
    for (const node of ["node-1", "node-2"]) {
      world.primary.edit("nodes", undefined, node, (one) => {
        one.status = { ...one.status, allocatable: { pods: "1" } };
      });
    }
    world.primary.put("deployments", NAMESPACE, deployment("api", 2));
    await ready("api", 2);
    const { conductor, verified } = await scaling({ workloads: ["deployment/api"], replicas: 3 });
    await soon("the reason", async () =>
      conductor.progress.some((line) => line.includes("Unschedulable: 0/2 nodes are available: 2 Too many pods.")),
    );
    world.primary.edit("nodes", undefined, "node-1", (one) => {
      one.status = { ...one.status, allocatable: { pods: "9" } };
    });
    await verified;
  });

  test("a quota refuses them, so that there is no pod to ask", async () => {
    world.primary.put("deployments", NAMESPACE, deployment("api", 2));
    await ready("api", 2);
    world.primary.put("resourcequotas", NAMESPACE, { metadata: { name: "small" }, spec: { hard: { pods: "2" } } });
    const { conductor, verified } = await scaling({ workloads: ["deployment/api"], replicas: 3 });
    await soon("the reason", async () =>
      conductor.progress.some((line) => line.includes("FailedCreate") && line.includes("exceeded quota: small")),
    );
    world.primary.remove("resourcequotas", NAMESPACE, "small");
    await verified;
  });

  test("a job's pod waits", async () => {
    await world.close();
    world = await openWorld({ jobSeconds: 1200 });
    cronJob({});
    world.primary.put("pods", NAMESPACE, {
      metadata: { name: "backup-lifeboat-1-x", labels: { "job-name": "backup-lifeboat-1" } },
      spec: { nodeName: "node-1", containers: [{ name: "b", image: "b:broken" }] },
    });
    const conductor = world.conductor();
    await conductor.perform("run", "kubernetes.run_job", { cluster: world.target, cronJob: "backup" });
    expect(conductor.progress.join()).toContain("ImagePullBackOff");
  }, 20_000);
});

function cronJob(more: object) {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "b", image: "b:1" }] } };
  world.primary.put("cronjobs", NAMESPACE, {
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
    const given = { cluster: world.target, cronJob: "backup" };
    const { evidence } = await world.conductor().perform("run", "kubernetes.run_job", given);
    expect(evidence.says).toBe("backup-lifeboat-1 has completed.");
    expect(world.primary.get("jobs", NAMESPACE, "backup-lifeboat-1")).toBeDefined();
  });

  test("deleted by somebody, is not waited for until the budget is used up", async () => {
    cronJob({});
    const step = new Step(world.conductor(), "kubernetes.run_job", { cluster: world.target, cronJob: "backup" });
    await step.intend();
    await step.apply();
    world.primary.remove("jobs", NAMESPACE, "backup-lifeboat-1");
    await expect(step.verify()).rejects.toMatchObject({ problem: { code: "job-gone" } });
  });
});

describe("an autoscaler", () => {
  test("that took some away again, once they were there, is not waited for", async () => {
    world.primary.put("deployments", NAMESPACE, deployment("api", 2));
    world.primary.put("horizontalpodautoscalers", NAMESPACE, {
      metadata: { name: "api" },
      spec: { scaleTargetRef: { kind: "Deployment", name: "api" }, minReplicas: 2, maxReplicas: 6 },
    });
    await ready("api", 2);
    const up = { cluster: world.target, workloads: ["deployment/api"], replicas: 5 };
    const step = new Step(world.conductor(), "kubernetes.scale", up);
    await step.intend();
    await step.apply();
    world.primary.edit("deployments", NAMESPACE, "api", (one) => {
      one.spec = { ...one.spec, replicas: 2 };
    });
    const { facts } = await step.verify();
    expect(facts.find(({ id }) => id === "replicas:deployment/api")?.value).toBe(2);
    // Without our mark nobody knows that our count ever was there.
    const other = new Step(world.conductor(), "kubernetes.scale", { ...up, replicas: 4 });
    expect(await other.done()).toBe("no");
  });
});
