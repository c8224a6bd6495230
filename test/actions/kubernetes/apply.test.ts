import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { kubeconfigOf } from "../../../practice/targets/kubernetes/index.ts";
import { holdAgainst } from "../../../src/actions/kubernetes/objects.ts";
import { type Cluster, openCluster } from "../../../src/actions/kubernetes-client.ts";
import { sha256 } from "../../../src/lib/canonical.ts";
import { actionHarness } from "../../support/action-harness.ts";
import { holdPermissions } from "../../support/hold-permissions.ts";
import {
  deployment,
  type KubernetesFixture,
  NAMESPACE,
  openKubernetesFixture,
  Step,
  widgetDefinition,
} from "../../support/kubernetes-fixture.ts";

holdPermissions(["kubernetes.apply"], / none\//);

let folder: string;
let fixture: KubernetesFixture;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-manifests-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  fixture = await openKubernetesFixture();
});
afterEach(() => fixture.close());

const api = (replicas: number) => ({ apiVersion: "apps/v1", kind: "Deployment", ...deployment("api", replicas) });
const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "api" }, data: { MODE: "rw" } };

async function file(name: string, ...objects: readonly object[]) {
  const text = objects.map((one) => stringify(one)).join("---\n");
  const path = join(folder, `${name}.yml`);
  await writeFile(path, text);
  return { name, path, sha256: sha256(Buffer.from(text)) };
}

describe("kubernetes.apply", () => {
  test("makes what is missing, changes what differs, leaves the rest, and says the way back", async () => {
    const harness = fixture.harness();
    const first = { cluster: fixture.target, manifests: [await file("app", config, api(2))] };
    const { evidence } = await harness.perform("first", "kubernetes.apply", first);
    expect(evidence.says).toBe("app is applied; deployment/api: 2 of 2 available, rollout complete.");
    expect(fixture.primary.get("configmaps", NAMESPACE, "api")?.data).toEqual({ MODE: "rw" });

    fixture.primary.forget();
    const second = { cluster: fixture.target, manifests: [await file("app", config, api(3))] };
    const step = new Step(harness, "kubernetes.apply", second);
    await step.intend();
    await step.apply();
    await step.verify();
    expect(fixture.primary.writes().map(({ path }) => path.split("/").at(-1))).toEqual(["api"]);
    const plan = { calls: [], acceptUnreachable: false };
    expect(harness.action("kubernetes.apply").undo.step(step.before, second, plan)).toEqual({
      kind: "by-hand",
      says: "Apply what was recorded of deployment/api, or the manifests of the commit before.",
    });
    expect(JSON.stringify(step.before)).toContain('"replicas":2');
  });

  test("what a controller writes between two looks is no difference", async () => {
    const wanted = { ...api(2), metadata: { ...api(2).metadata, namespace: NAMESPACE } };
    fixture.primary.put("deployments", NAMESPACE, deployment("api", 2));
    const admin = actionHarness({ KUBECONFIG_SHOP: kubeconfigOf([fixture.primary]) });
    const cluster = await openCluster(admin.context, fixture.target);
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/api`;
    let writes = 1;
    const busy: Cluster = {
      ...cluster,
      async get<T>(at: string) {
        const found = await cluster.get<T>(at);
        if (writes-- > 0)
          fixture.primary.edit("deployments", NAMESPACE, "api", ({ metadata }) => {
            metadata.annotations = { ...metadata.annotations, "controller.test/writes": String(writes) };
          });
        return found;
      },
    };
    const how = { fieldManager: "lifeboat", force: false };
    expect(await holdAgainst(busy, path, wanted, how)).toMatchObject({ there: true, differs: false });
    expect(await holdAgainst(cluster, path, { ...wanted, ...api(3) }, how)).toMatchObject({ differs: true });
  });

  test("what the API server would refuse is said before anything is sent", async () => {
    const harness = fixture.harness();
    const blocked = async (...objects: readonly object[]) =>
      new Step(harness, "kubernetes.apply", {
        cluster: fixture.target,
        manifests: [await file("x", ...objects)],
      }).blockedBy();
    expect(await blocked({ ...config, apiVersion: "none/v1" })).toEqual(["manifests"]);
    expect(await blocked({ ...config, metadata: { name: "api", namespace: "kube-system" } })).toEqual(["manifests"]);
    expect(await blocked({ apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } })).toEqual(["manifests"]);
    // A slip in a field's name, which Kubernetes refuses with 500: the manifest's fault, not the cluster's.
    expect(await blocked({ ...config, dta: {} })).toEqual(["dryRun"]);
    await harness.perform("mine", "kubernetes.apply", {
      cluster: fixture.target,
      manifests: [await file("x", config)],
    });
    const others = {
      cluster: fixture.target,
      manifests: [await file("x", { ...config, data: { MODE: "ro" } })],
      fieldManager: "argo",
    };
    expect(await new Step(harness, "kubernetes.apply", others).blockedBy()).toEqual(["dryRun"]);
    expect(await new Step(harness, "kubernetes.apply", { ...others, force: true }).blockedBy()).toEqual([]);
  });

  test("fills a cluster that is empty: the plan's namespace, others with what is in them, kinds with their objects", async () => {
    const harness = fixture.harness();
    const target = { ...fixture.target, namespace: "erp" };
    const of = (namespace: string, one: object & { metadata: object }) => ({
      ...one,
      metadata: { ...one.metadata, namespace },
    });
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "ingress-nginx" } };
    const widget = { apiVersion: "example.test/v1", kind: "Widget", metadata: { name: "one" }, spec: { size: 3 } };
    // In the order a release has them: what is needed comes last.
    const objects = [
      widget,
      of("ingress-nginx", config),
      of("ingress-nginx", api(1)),
      api(2),
      widgetDefinition,
      namespace,
    ];
    const given = {
      ...{ cluster: target, manifests: [await file("all", ...objects)] },
      ...{ beyondNamespace: true, makesNamespace: true },
    };
    const seen = await harness.look("kubernetes.apply", given);
    expect(seen.checks.find(({ id }) => id === "dryRun")).toMatchObject({
      ok: true,
      says: "The API server would take them. 4 can't be asked for yet: this step makes customresourcedefinition/widgets.example.test, namespace/ingress-nginx, namespace/erp first.",
    });
    const { evidence } = await harness.perform("fill", "kubernetes.apply", given);
    expect(evidence.says).toContain("deployment/api: 1 of 1 available, rollout complete");
    expect(evidence.says).toContain("deployment/api: 2 of 2 available, rollout complete");
    expect(fixture.primary.get("deployments", "erp", "api")?.spec?.replicas).toBe(2);
    expect(fixture.primary.get("deployments", "ingress-nginx", "api")?.spec?.replicas).toBe(1);
    fixture.primary.forget();
    expect((await harness.perform("again", "kubernetes.apply", given)).applied).toBe(false);
    expect(fixture.primary.writes()).toEqual([]);
  });

  test("waits for what it made, not for what has its name in the plan's namespace", async () => {
    fixture.primary.put("deployments", NAMESPACE, deployment("api", 1));
    const other = { ...api(1), metadata: { name: "api", namespace: "fresh" } };
    const sick = { ...other, spec: { ...other.spec, ...deployment("api", 1, { image: "app:broken" }).spec } };
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "fresh" } };
    const given = {
      ...{ cluster: fixture.target, manifests: [await file("other", namespace, sick)] },
      beyondNamespace: true,
    };
    await expect(fixture.harness().perform("other", "kubernetes.apply", given)).rejects.toMatchObject({
      problem: {
        code: "rollout-failed",
        stateNow: expect.stringContaining("deployment/api in fresh: 0 of 1 available"),
      },
    });
  });

  test("what an earlier step makes known is left to the start of this one", async () => {
    const widget = { apiVersion: "example.test/v1", kind: "Widget", metadata: { name: "one" } };
    const harness = fixture.harness();
    const given = { cluster: fixture.target, manifests: [await file("widget", widget)], after: "definitions" };
    const { checks } = await harness.look("kubernetes.apply", given);
    expect(checks.find(({ ok }) => !ok)).toMatchObject({
      id: "evidence.manifests",
      madeSoBy: { steps: ["definitions"] },
    });
  });
});
