import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { sha256 } from "../../../src/lib/canonical.ts";
import { deployment, NAMESPACE, openWorld, Step, type World, widgetDefinition } from "./world.ts";

let folder: string;
let world: World;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-manifests-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

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
    const conductor = world.conductor();
    const first = { cluster: world.target, manifests: [await file("app", config, api(2))] };
    const { evidence } = await conductor.perform("first", "kubernetes.apply", first);
    expect(evidence.says).toBe("app is applied; deployment/api: 2 of 2 available, rollout complete.");
    expect(world.primary.get("configmaps", NAMESPACE, "api")?.data).toEqual({ MODE: "rw" });

    world.primary.forget();
    const second = { cluster: world.target, manifests: [await file("app", config, api(3))] };
    const step = new Step(conductor, "kubernetes.apply", second);
    await step.intend();
    await step.apply();
    await step.verify();
    expect(world.primary.writes().map(({ path }) => path.split("/").at(-1))).toEqual(["api"]);
    const plan = { calls: [], acceptUnreachable: false };
    expect(conductor.action("kubernetes.apply").undo.step(step.before, second, plan)).toEqual({
      kind: "by-hand",
      says: "Apply what was recorded of deployment/api, or the manifests of the commit before.",
    });
    expect(JSON.stringify(step.before)).toContain('"replicas":2');
  });

  test("what the API server would refuse is said before anything is sent", async () => {
    const conductor = world.conductor();
    const blocked = async (...objects: readonly object[]) =>
      new Step(conductor, "kubernetes.apply", {
        cluster: world.target,
        manifests: [await file("x", ...objects)],
      }).blockedBy();
    expect(await blocked({ ...config, apiVersion: "none/v1" })).toEqual(["manifests"]);
    expect(await blocked({ ...config, metadata: { name: "api", namespace: "kube-system" } })).toEqual(["manifests"]);
    expect(await blocked({ apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } })).toEqual(["manifests"]);
    await conductor.perform("mine", "kubernetes.apply", {
      cluster: world.target,
      manifests: [await file("x", config)],
    });
    const others = {
      cluster: world.target,
      manifests: [await file("x", { ...config, data: { MODE: "ro" } })],
      fieldManager: "argo",
    };
    expect(await new Step(conductor, "kubernetes.apply", others).blockedBy()).toEqual(["dryRun"]);
    expect(await new Step(conductor, "kubernetes.apply", { ...others, force: true }).blockedBy()).toEqual([]);
  });

  test("fills a cluster that is empty: the plan's namespace, others with what is in them, kinds with their objects", async () => {
    const conductor = world.conductor();
    const target = { ...world.target, namespace: "erp" };
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
    const seen = await conductor.look("kubernetes.apply", given);
    expect(seen.checks.find(({ id }) => id === "dryRun")).toMatchObject({
      ok: true,
      says: "The API server would take them. 4 can't be asked for yet: this step makes customresourcedefinition/widgets.example.test, namespace/ingress-nginx, namespace/erp first.",
    });
    const { evidence } = await conductor.perform("fill", "kubernetes.apply", given);
    expect(evidence.says).toContain("deployment/api: 1 of 1 available, rollout complete");
    expect(evidence.says).toContain("deployment/api: 2 of 2 available, rollout complete");
    expect(world.primary.get("deployments", "erp", "api")?.spec?.replicas).toBe(2);
    expect(world.primary.get("deployments", "ingress-nginx", "api")?.spec?.replicas).toBe(1);
    world.primary.forget();
    expect((await conductor.perform("again", "kubernetes.apply", given)).applied).toBe(false);
    expect(world.primary.writes()).toEqual([]);
  });

  test("waits for what it made, not for what has its name in the plan's namespace", async () => {
    world.primary.put("deployments", NAMESPACE, deployment("api", 1));
    const other = { ...api(1), metadata: { name: "api", namespace: "fresh" } };
    const sick = { ...other, spec: { ...other.spec, ...deployment("api", 1, { image: "app:broken" }).spec } };
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "fresh" } };
    const given = {
      ...{ cluster: world.target, manifests: [await file("other", namespace, sick)] },
      beyondNamespace: true,
    };
    await expect(world.conductor().perform("other", "kubernetes.apply", given)).rejects.toMatchObject({
      problem: {
        code: "rollout-failed",
        stateNow: expect.stringContaining("deployment/api in fresh: 0 of 1 available"),
      },
    });
  });

  test("what an earlier step makes known is left to the start of this one", async () => {
    const widget = { apiVersion: "example.test/v1", kind: "Widget", metadata: { name: "one" } };
    const conductor = world.conductor();
    const given = { cluster: world.target, manifests: [await file("widget", widget)], after: "definitions" };
    const { checks } = await conductor.look("kubernetes.apply", given);
    expect(checks.find(({ ok }) => !ok)).toMatchObject({
      id: "evidence.manifests",
      madeSoBy: { steps: ["definitions"] },
    });
  });
});
