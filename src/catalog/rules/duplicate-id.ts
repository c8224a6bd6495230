import { errorAt } from "../fault.ts";
import { stepsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const duplicateId: Rule = {
  id: "duplicate-id",
  says: "No two steps of a runbook have the same id, and no two stages.",
  judgesParts: true,
  *runbook({ runbook }) {
    const stages = new Set<string>();
    for (const { id, path } of runbook.stages) {
      if (stages.has(id)) yield errorAt([...path, "id"], `There is another stage "${id}" above`);
      stages.add(id);
    }
    const steps = new Set<string>();
    for (const { step, path } of stepsOf(runbook)) {
      if (steps.has(step.id)) yield errorAt([...path, "id"], `There is another step "${step.id}" above`);
      steps.add(step.id);
    }
  },
};
