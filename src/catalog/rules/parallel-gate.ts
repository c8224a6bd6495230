import { errorAt } from "../fault.ts";
import { gatesOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const parallelGate: Rule = {
  id: "parallel-gate",
  says: "A gate is never in a parallel stage with other steps: what it covers would be unclear. A parallel stage of gates alone asks several roles at once.",
  *runbook({ runbook }) {
    for (const { step, stage, path } of gatesOf(runbook)) {
      // Asked together, of several roles: then nothing else stands beside them.
      if (!stage.parallel || stage.steps.every(({ does }) => does.kind === "gate")) continue;
      yield errorAt([...path, "gate"], `Gate "${step.id}" stands in the parallel stage "${stage.id}"`, {
        at: "key",
        next: path.includes("use")
          ? 'Write "gates: drop" beside "use", and give a gate of this runbook a stage before this one'
          : "Give it a stage of its own before this one; a parallel stage of gates alone asks several roles at once",
      });
    }
  },
};
