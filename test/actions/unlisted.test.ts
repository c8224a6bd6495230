import { describe, expect, test } from "@jest/globals";
import { unlistedChecks } from "../../src/actions/unlisted.ts";
import { holdPermissions } from "../support/hold-permissions.ts";
import { deployment, NAMESPACE, openKubernetesFixture, statefulSet } from "../support/kubernetes-fixture.ts";

holdPermissions(["kubernetes.unlisted"]);

/** Given what exists, what runbooks name and what is left out on purpose; when they are held together; then the rest is drift, and blocks nothing. */
describe("what is in no runbook", () => {
  const found = (things: readonly string[], known: readonly string[], ignore: readonly string[] = []) =>
    unlistedChecks(things, { known: new Set(known), ignore, where: "orders-a" }).map(({ id }) => id);

  test("is named, one for each", () => {
    expect(found(["database/orders", "database/scratch"], ["database/orders"])).toEqual(["drift.database/scratch"]);
    expect(unlistedChecks(["database/x"], { known: new Set(), ignore: [], where: "orders-a" })).toEqual([
      {
        ...{ id: "drift.database/x", level: "warn", ok: false },
        says: "database/x in orders-a is in no runbook.",
        next: "Add it to one, or to readiness.ignore.",
      },
    ]);
  });

  test("is left out by its name or by a pattern, in which only the star is special", () => {
    const things = ["database/tmp.1", "database/tmpx1", "deployment/debug-sam", "deployment/a-debug-b"];
    expect(found(things, [], ["database/tmp.1", "deployment/debug-*"])).toEqual([
      "drift.database/tmpx1",
      "drift.deployment/a-debug-b",
    ]);
  });

  test("in a cluster is all that no name and no selector finds", async () => {
    const fixture = await openKubernetesFixture();
    try {
      fixture.primary.put("deployments", NAMESPACE, deployment("api", 1));
      fixture.primary.put("deployments", NAMESPACE, deployment("billing", 1, { labels: { tier: "moved" } }));
      fixture.primary.put("statefulsets", NAMESPACE, statefulSet("reports", 1));
      const look = async (more: object = {}) => {
        const given = { cluster: fixture.target, known: ["deployment/api"], selectors: ["tier=moved"], ...more };
        return (await fixture.harness().look("kubernetes.unlisted", given)).checks.map(({ id, level }) => [id, level]);
      };
      expect(await look()).toEqual([["drift.statefulset/reports", "warn"]]);
      expect(await look({ ignore: ["statefulset/*"] })).toEqual([]);
      // Who can't look knows nothing, and says nothing.
      fixture.primary.faults.throw({ kind: "down" });
      expect(await look()).toEqual([]);
    } finally {
      await fixture.close();
    }
  });
});
