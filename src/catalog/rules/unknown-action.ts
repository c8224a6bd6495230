import { errorAt } from "../fault.ts";
import { nearest } from "../suggest.ts";
import { actionsOf, targetOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const unknownAction: Rule = {
  id: "unknown-action",
  says: "Every action exists.",
  judgesParts: true,
  *runbook({ runbook, cards }) {
    if (cards === null) return;
    const known = [...cards.keys(), "human.confirm", "wait"];
    for (const { path, does } of actionsOf(runbook)) {
      if (cards.has(does.action)) continue;
      const meant = nearest(does.action, known);
      const siblings = known.filter((id) => targetOf(id) === targetOf(does.action));
      yield errorAt([...path, "action"], `There is no action "${does.action}"`, {
        allowed: `Allowed: ${(siblings.length > 0 ? siblings : known).join(", ")}`,
        ...(meant === null ? {} : { next: `Did you mean "${meant}"?` }),
      });
    }
  },
};
