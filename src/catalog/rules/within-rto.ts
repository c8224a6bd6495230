import { saySeconds } from "../duration.ts";
import { errorAt } from "../fault.ts";
import type { WrittenClock } from "../types.ts";
import { runsIn } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const withinRto: Rule = {
  id: "within-rto",
  says: "What its stages are given (within) fits into the RTO, one after the other; a parallel stage counts once.",
  *runbook({ runbook: { clocks = [], modes, rtoSeconds, stages } }) {
    if (rtoSeconds === null) return;
    const said = new Set<WrittenClock>();
    for (const mode of modes) {
      const running = stages.filter(({ steps }) => steps.some((step) => runsIn(step, mode))).map(({ id }) => id);
      let seconds = 0;
      for (const clock of clocks.filter((one) => one.stages.some((id) => running.includes(id)))) {
        seconds += clock.withinSeconds;
        if (seconds <= rtoSeconds) continue;
        if (said.has(clock)) break;
        said.add(clock);
        const what = `With "${clock.id}" its stages are given ${saySeconds(seconds)} when ${mode}; the RTO is ${saySeconds(rtoSeconds)}`;
        yield errorAt(clock.path, what, { next: "Give them less, or promise less" });
        break;
      }
    }
  },
};
