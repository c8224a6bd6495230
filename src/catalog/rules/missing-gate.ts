import { errorAt } from "../fault.ts";
import type { Mode, RunbookStep } from "../types.ts";
import { actionsOf, gatesOf, isBefore, stepsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

/**
 * A gate under the very condition of a step is asked whenever that step runs; so is one under the condition of the step that
 * is asked by it, which has to have run.
 */
function isAskedFor(gate: RunbookStep, step: RunbookStep, steps: readonly RunbookStep[]): boolean {
  const asked = gate.when;
  const { when } = step;
  if (asked === null) return true;
  if (when === null) return false;
  if (asked.step === when.step && asked.fact === when.fact && asked.is === when.is) return true;
  const before = steps.slice(0, steps.indexOf(step));
  const evidence = before.find(({ id }) => id === when.step);
  return evidence !== undefined && isAskedFor(gate, evidence, before);
}

export const missingGate: Rule = {
  id: "missing-gate",
  says: "Every step that changes something has a gate before it, asked whenever the step runs.",
  *runbook({ runbook, cards }) {
    const bare = new Map<string, { path: readonly (string | number)[]; risk: string; modes: Mode[] }>();
    for (const mode of runbook.modes) {
      const steps = stepsOf(runbook, mode).map(({ step }) => step);
      const gates = gatesOf(runbook, mode).filter(
        ({ stage }) => !stage.parallel || stage.steps.every(({ does }) => does.kind === "gate"),
      );
      const ungated = actionsOf(runbook, mode).filter(
        (placed) => !gates.some((gate) => isBefore(gate, placed) && isAskedFor(gate.step, placed.step, steps)),
      );
      let first = true;
      for (const { step, path, does } of ungated) {
        const risk = cards?.get(does.action)?.risk ?? "read";
        if (risk === "read") continue;
        if (first || risk === "irreversible") {
          const known = bare.get(step.id) ?? { path, risk, modes: [] };
          bare.set(step.id, { ...known, modes: [...known.modes, mode] });
        }
        first = false;
      }
    }
    for (const [step, { path, risk, modes }] of bare) {
      const change = risk === "irreversible" ? "can't be undone" : "changes something";
      const where = modes.length === runbook.modes.length ? "" : ` when ${modes.join(" or ")}`;
      yield errorAt([...path, "action"], `Step "${step}" ${change}${where}, and no gate stands before it`, {
        allowed: "A gate counts if it comes earlier, outside a parallel stage, with no condition or the step's own",
        next: 'Put a step with "gate:" before it',
      });
    }
  },
};
