import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { survives } from "../survives.ts";
import { proof } from "./trials.ts";
import { deployment, NAMESPACE, openWorld, Step, type World } from "./world.ts";

await survives(proof);

describe("a cluster that is down", () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
    world.primary.put("deployments", NAMESPACE, deployment("api", 2));
  });
  afterEach(() => world.primary.faults.clear());
  afterAll(() => world.close());

  test.each([
    ["kubernetes.scale", { workloads: ["deployment/api"], replicas: 0 }],
    ["kubernetes.cordon", { node: "node-1" }],
    ["velero.backup", { name: "shop", namespaces: [NAMESPACE] }],
  ])("is an observation for %s, after which only a person knows", async (id, more) => {
    const step = new Step(world.conductor(), id, { cluster: world.target, ...more });
    await step.intend();
    world.primary.faults.throw({ kind: "down" });
    expect(await step.blockedBy()).toEqual(["cluster.answers"]);
    expect(await step.afterwards()).toBe("ask");
  });
});
