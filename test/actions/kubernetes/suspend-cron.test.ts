import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { blockedBy } from "../../support/action-harness.ts";
import { type KubernetesFixture, NAMESPACE, openKubernetesFixture, Step } from "../../support/kubernetes-fixture.ts";

let fixture: KubernetesFixture;
beforeEach(async () => {
  fixture = await openKubernetesFixture();
  cron("backup", { suspend: true });
  cron("invoices");
  cron("report");
});
afterEach(() => fixture.close());

function cron(name: string, spec: { suspend?: boolean } = {}) {
  const jobTemplate = { spec: { template: { spec: { containers: [{ name: "job", image: "job:1" }] } } } };
  return fixture.primary.put("cronjobs", NAMESPACE, {
    metadata: { name, labels: { app: name } },
    spec: { schedule: "*/5 * * * *", jobTemplate, ...spec },
  });
}

const suspended = () =>
  Object.fromEntries(
    fixture.primary.list("cronjobs", NAMESPACE).map(({ metadata, spec }) => [metadata.name, spec?.suspend]),
  );
const down = () => ({ cluster: fixture.target, all: true, suspend: true });

describe("suspending CronJobs and letting them run again", () => {
  test("brings back exactly those it suspended, and looks the second time", async () => {
    const harness = fixture.harness();
    const first = await harness.perform("quiet", "kubernetes.suspend_cron", down());
    expect(suspended()).toEqual({ backup: true, invoices: true, report: true });
    expect(first.facts).toMatchObject({
      "suspendedBefore:backup": null,
      "suspendedBefore:invoices": false,
      "suspendedBefore:report": false,
    });
    const again = await harness.perform("quiet", "kubernetes.suspend_cron", down());
    expect([again.applied, again.facts["suspendedBefore:report"]]).toEqual([false, false]);

    await harness.perform("back", "kubernetes.suspend_cron", { cluster: fixture.target, restoreFrom: "quiet" });
    expect(suspended()).toEqual({ backup: true, invoices: false, report: false });
    expect(JSON.stringify(fixture.primary.list("cronjobs", NAMESPACE))).not.toContain("suspended-before");
    expect(fixture.primary.writes()).toHaveLength(4);
  });

  test("a crash between two of them forgets nothing", async () => {
    const harness = fixture.harness();
    const step = new Step(harness, "kubernetes.suspend_cron", down());
    await step.intend();
    fixture.primary.faults.throw({ kind: "down", on: "writes", after: 1 });
    await expect(step.apply()).rejects.toThrow();
    fixture.primary.faults.clear();
    expect(suspended()).toEqual({ backup: true, invoices: true, report: false });
    expect(await step.afterwards()).toBe("again");
    await step.intend();
    await step.apply();
    harness.remember("quiet", await step.verify());
    await harness.perform("back", "kubernetes.suspend_cron", { cluster: fixture.target, restoreFrom: "quiet" });
    expect(suspended()).toEqual({ backup: true, invoices: false, report: false });
  });

  test("what one of them started may still write: it is not done before that has ended", async () => {
    const { metadata } = fixture.primary.get("cronjobs", NAMESPACE, "invoices") ?? cron("invoices");
    const template = { spec: { containers: [{ name: "job", image: "job:1" }] } };
    fixture.primary.put("jobs", NAMESPACE, {
      metadata: {
        name: "invoices-1",
        ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name: "invoices", uid: metadata.uid }],
      },
      spec: { template },
    });
    const harness = fixture.harness();
    const { done } = await harness.look("kubernetes.suspend_cron", {
      ...down(),
      all: undefined,
      cronJobs: ["backup"],
    });
    expect(done).toBe("yes");
    const { facts } = await harness.perform("quiet", "kubernetes.suspend_cron", down());
    expect(facts["suspended:invoices"]).toBe(true);
    expect(fixture.primary.get("jobs", NAMESPACE, "invoices-1")?.status?.completionTime).toBeDefined();
  });

  test("a CronJob that is not there is named, and restoring waits for the step that suspended", async () => {
    const look = (more: object) =>
      fixture.harness().look("kubernetes.suspend_cron", { cluster: fixture.target, ...more });
    expect(blockedBy((await look({ cronJobs: ["gone"], suspend: true })).checks)).toEqual(["cronJobs.present"]);
    expect(blockedBy((await look({ selector: "app=gone", suspend: true })).checks)).toEqual(["cronJobs.selected"]);
    expect(blockedBy((await look({ restoreFrom: "quiet" })).checks)).toEqual(["evidence.suspended"]);
    await expect(look({ restoreFrom: "quiet", all: true, suspend: false })).rejects.toThrow("needs restoreFrom alone");
  });
});
