import { errorAt } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { Rule } from "./rule.ts";

export const unknownChecklist: Rule = {
  id: "unknown-checklist",
  says: "A checklist that is gone through is a checklist of the system.",
  *system({ system }) {
    const known = (system.checklists ?? []).map(({ id }) => id);
    for (const { id, checklist } of system.calendar ?? []) {
      if (checklist === null || known.includes(checklist)) continue;
      yield errorAt(["calendar", id, "checklist"], `There is no checklist "${checklist}"`, offer(checklist, known));
    }
  },
};
