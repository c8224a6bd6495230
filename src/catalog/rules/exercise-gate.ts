import { changesSomething, exerciseGates } from "../drill.ts";
import { errorAt } from "../fault.ts";
import { actionsOf, isBefore } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const exerciseGate: Rule = {
  id: "exercise-gate",
  says: "A production exercise asks for it: a gate that says so stands before the first thing it changes, and only there.",
  *runbook({ runbook, cards }) {
    if (runbook.exercise !== true) {
      for (const mode of runbook.modes)
        for (const { step, path } of exerciseGates(runbook, mode)) {
          if (runbook.uses?.some(({ steps }) => steps.includes(step.id))) continue;
          yield errorAt([...path, "gate", "exercise"], "This runbook is no production exercise", {
            at: "key",
            next: "Add exercise: true to the runbook, or take it out here",
          });
          return;
        }
      return;
    }
    if (cards !== null && !changesSomething(runbook, cards)) {
      yield errorAt(["exercise"], "It changes nothing, so it is no production exercise", {
        at: "key",
        next: "Leave it out: what only looks can be run as a drill anywhere",
      });
      return;
    }
    for (const mode of runbook.modes) {
      const gates = exerciseGates(runbook, mode).filter(({ step, stage }) => step.when === null && !stage.parallel);
      const bare = actionsOf(runbook, mode).find(
        (placed) =>
          (cards?.get(placed.does.action)?.risk ?? "read") !== "read" && !gates.some((gate) => isBefore(gate, placed)),
      );
      if (gates.length > 0 && bare === undefined) continue;
      const what =
        bare === undefined
          ? "No gate says that this exercise changes production"
          : `Step "${bare.step.id}" changes production before a gate says so`;
      yield errorAt(["exercise"], what, {
        at: "key",
        next: "Put a gate before it, without a condition, with exercise: true",
      });
      return;
    }
  },
};
