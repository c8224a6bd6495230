import { errorAt } from "../fault.ts";
import { actionsOf, isBefore } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const faultLifted: Rule = {
  id: "fault-lifted",
  says: "A step that breaks its target on purpose is in a drill only. A later step ends the break.",
  *runbook({ runbook, cards }) {
    if (cards === null) return;
    for (const mode of runbook.modes) {
      const placed = actionsOf(runbook, mode);
      for (const one of placed) {
        const breaks = cards.get(one.does.action)?.breaks;
        if (breaks === undefined) continue;
        const at = [...one.path, "action"];
        if (runbook.drill !== true || runbook.exercise === true) {
          yield errorAt(at, `"${one.does.action}" breaks its target on purpose, and this runbook isn't only a drill`, {
            next: "Add drill: true to the runbook, and leave exercise out",
          });
          return;
        }
        const isLifted = placed.some((later) => later.does.action === breaks.liftedBy && isBefore(one, later));
        if (isLifted) continue;
        yield errorAt(at, `Nothing after "${one.step.id}" ends what it breaks`, {
          allowed: `A later step with the action ${breaks.liftedBy}`,
          next: `Add the step that ends it, at the end of the runbook`,
        });
        return;
      }
    }
  },
};
