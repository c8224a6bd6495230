import { expect, test } from "@jest/globals";
import { actionsOf } from "../../src/catalog/walk.ts";
import { everyRunbook } from "../support/runbook-plans.ts";

/** After these, pods begin anew somewhere, which takes them seconds to minutes; other actions wait for it themselves. */
const MOVES_PODS: ReadonlySet<string> = new Set([
  ...["kubernetes.fail_zone", "kubernetes.drain", "kubernetes.isolate", "kubernetes.exhaust", "kubernetes.lift_fault"],
  "velero.restore",
]);

interface CheckInput {
  readonly workloads?: readonly string[];
  readonly available?: boolean;
  readonly waitSeconds?: number;
}

test("where pods were moved, a look at them gives them time to be ready", () => {
  const looks = everyRunbook.flatMap(([name, book, mode]) => {
    const actions = actionsOf(book, mode).map(({ step, does }) => ({ step: step.id, ...does }));
    const first = actions.findIndex(({ action }) => MOVES_PODS.has(action));
    if (first < 0) return [];
    return actions
      .slice(first)
      .filter(({ action }) => action === "kubernetes.check")
      .map(({ step, with: given }) => ({ at: `${name}: ${step}`, ...(given as CheckInput) }));
  });
  const asks = looks.filter(({ workloads = [], available = true }) => workloads.length > 0 && available);
  expect(asks.length).toBeGreaterThan(3);
  expect(asks.filter(({ waitSeconds = 0 }) => waitSeconds === 0).map(({ at }) => at)).toEqual([]);
});
