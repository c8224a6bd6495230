import type { Plan, PlanStep } from "../../src/catalog/types.ts";
import { engineOn } from "../support/engine-harness.ts";
import type { Figure } from "./figure.ts";
import { openRemote } from "./remote.ts";
import { gated, runOf } from "./run.ts";
import { median } from "./statistics.ts";

/** Milliseconds each step takes, by stage: databases, then what stands on them, then traffic. */
const STAGES = [
  [900, 700, 400, 300],
  [600, 600, 500],
  [300, 200],
];
/** Milliseconds each step takes, by branch: a database, a search cluster and a scale-up side by side. */
const LANES = [[500, 900, 300], [800, 400], [600]];
const ROUNDS = 7;

export const p5: Figure = {
  name: "p5",
  title: "A region's runbook with groups of parallel steps",
  async measure(around) {
    const store = await around.store();
    const remote = await openRemote(around);
    const engine = engineOn(store, { actions: remote.actions });
    engine.start();
    around.later(() => engine.stop());
    const stages = STAGES.map((group, stage) => group.map((ms, i) => remote.step(`g${stage + 1}s${i + 1}`, ms)));
    const took: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const one = await runOf(store, gated(stages, true));
      if (round > 0) took.push(one);
    }
    const branched = LANES.map((branch, n) => branch.map((ms, i) => remote.step(`l${n + 1}s${i + 1}`, ms)));
    const beside: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const one = await runOf(store, withBranches(gated([branched.flat()], true), branched));
      if (round > 0) beside.push(one);
    }
    const longest = Math.max(...LANES.map((branch) => branch.reduce((sum, ms) => sum + ms, 0)));
    const critical = STAGES.reduce((sum, group) => sum + Math.max(...group), 0);
    return [
      { what: "approval → verified, median", value: median(took), unit: "ms" },
      { what: "the critical path", value: critical, unit: "ms" },
      { what: "to the critical path", value: median(took) / critical, unit: "×", goal: { atMost: 1.05 } },
      { what: "lanes, to the longest of them", value: median(beside) / longest, unit: "×", goal: { atMost: 1.05 } },
    ];
  },
};

function withBranches(plan: Plan, lanes: readonly (readonly PlanStep[])[]): Plan {
  const named = lanes.map((steps, n) => ({
    id: `lane-${n + 1}`,
    title: `Lane ${n + 1}`,
    steps: steps.map(({ id }) => id),
  }));
  return { ...plan, format: 2, stages: plan.stages.map((stage, i) => (i === 1 ? { ...stage, lanes: named } : stage)) };
}
