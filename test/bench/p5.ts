import { engineOn } from "../engine/bed.ts";
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
    const critical = STAGES.reduce((sum, group) => sum + Math.max(...group), 0);
    return [
      { what: "approval → verified, median", value: median(took), unit: "ms" },
      { what: "the critical path", value: critical, unit: "ms" },
      { what: "to the critical path", value: median(took) / critical, unit: "×", goal: { atMost: 1.05 } },
    ];
  },
};
