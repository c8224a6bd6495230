import { branchesOf } from "../branches.ts";
import { saySeconds } from "../duration.ts";
import { type Fault, warningAt } from "../fault.ts";
import type { ActionCard, Gate, Mode, Runbook, RunbookStep } from "../types.ts";
import { gatesOf, runsIn } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const overRto: Rule = {
  id: "over-rto",
  says: "What actions typically take, and how long each gate waits before it escalates, fits into the RTO.",
  *runbook({ runbook, cards }) {
    if (runbook.rtoSeconds === null) return;
    yield* lateEscalations(runbook, runbook.rtoSeconds);
    if (cards === null) return;
    for (const mode of runbook.modes) yield* tooLong(runbook, runbook.rtoSeconds, mode, cards);
  },
};

/** Where the first one asked is asleep, the next has to hear of it while the objective can still be met. */
function* lateEscalations(runbook: Runbook, rto: number): Iterable<Fault> {
  const told = new Set<string>();
  for (const { step, path, gate } of runbook.modes.flatMap((mode) => gatesOf(runbook, mode))) {
    const patience = patienceOf(gate);
    if (patience < rto || patience === 0 || told.has(step.id)) continue;
    told.add(step.id);
    const what = `Gate "${step.id}" escalates after ${saySeconds(patience)}, when the RTO of ${saySeconds(rto)} is over`;
    yield warningAt([...path, "gate", "escalate"], what, {
      next: "Name a chain that escalates sooner, or promise less",
    });
  }
}

/** While an unplanned run waits for people, users wait too; a planned one leaves them served until it is approved. */
function* tooLong(runbook: Runbook, rto: number, mode: Mode, cards: ReadonlyMap<string, ActionCard>): Iterable<Fault> {
  const machines = typicalSeconds(runbook, mode, cards);
  if (machines > rto) {
    const what = `Its steps typically take ${saySeconds(machines)} when ${mode}; the RTO is ${saySeconds(rto)}`;
    yield warningAt(["rto"], what, { next: "Run steps side by side, take some out, or promise less" });
    return;
  }
  const waits = waitsIn(runbook, mode);
  const people = sum(waits);
  // Said of its gate already.
  if (mode === "planned" || machines + people <= rto || waits.some((seconds) => seconds >= rto)) return;
  const gates = waits.length === 1 ? "its gate" : `its ${waits.length} gates`;
  const what = `Its steps typically take ${saySeconds(machines)} when ${mode}; ${gates} may wait ${saySeconds(people)} before the first escalation. The RTO is ${saySeconds(rto)}`;
  yield warningAt(["rto"], what, {
    next: "Name a chain that escalates sooner, ask once instead of twice, or promise less",
  });
}

/** A wait for each gate; gates that are asked together wait side by side. */
function waitsIn(runbook: Runbook, mode: Mode): readonly number[] {
  const gates = gatesOf(runbook, mode);
  const together = new Map<string, number>();
  for (const { step, stage, gate } of gates) {
    const key = stage.parallel ? `stage ${stage.id}` : step.id;
    together.set(key, Math.max(together.get(key) ?? 0, patienceOf(gate)));
  }
  return [...together.values()];
}

/** How long only the first level is asked, in seconds; 0 without a chain: there is nothing to be late. */
function patienceOf({ escalate, exercise }: Gate): number {
  // Asked before an exercise begins: no one waits for it.
  return exercise === true ? 0 : (escalate[0]?.afterSeconds ?? 0);
}

/** Seconds of machine time and waits; what people need is not counted. */
export function typicalSeconds(runbook: Runbook, mode: Mode, cards: ReadonlyMap<string, ActionCard>): number {
  return sum(
    runbook.stages.map((stage) => {
      const lanes = branchesOf({ ...stage, steps: stage.steps.filter((step) => runsIn(step, mode)) });
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
