import { saySeconds } from "../duration.ts";
import { warningAt } from "../fault.ts";
import { lanesOf } from "../lanes.ts";
import type { ActionCard, Mode, Runbook, RunbookStep } from "../types.ts";
import { runsIn } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const overRto: Rule = {
  id: "over-rto",
  says: "What its actions typically take fits into the RTO, with nobody thinking.",
  *runbook({ runbook, cards }) {
    if (cards === null || runbook.rtoSeconds === null) return;
    for (const mode of runbook.modes) {
      const seconds = typicalSeconds(runbook, mode, cards);
      if (seconds <= runbook.rtoSeconds) continue;
      const what = `Its steps typically take ${saySeconds(seconds)} when ${mode}; the RTO is ${saySeconds(runbook.rtoSeconds)}`;
      yield warningAt(["rto"], what, { next: "Run steps side by side, take some out, or promise less" });
    }
  },
};

/** Seconds of machine time and waits; what people need is not counted. */
export function typicalSeconds(runbook: Runbook, mode: Mode, cards: ReadonlyMap<string, ActionCard>): number {
  return sum(
    runbook.stages.map((stage) => {
      const lanes = lanesOf({ ...stage, steps: stage.steps.filter((step) => runsIn(step, mode)) });
      return Math.max(0, ...lanes.map(({ steps }) => sum(steps.map((step) => secondsOf(step, cards)))));
    }),
  );
}

function secondsOf({ does }: RunbookStep, cards: ReadonlyMap<string, ActionCard>): number {
  if (does.kind === "wait") return does.seconds;
  return does.kind === "action" ? (cards.get(does.action)?.budget.typicalSeconds ?? 0) : 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
