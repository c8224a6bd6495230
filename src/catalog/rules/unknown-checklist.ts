import { errorAt } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { Rule } from "./rule.ts";

export const unknownChecklist: Rule = {
  id: "unknown-checklist",
  says: "A checklist that is gone through is a checklist of the system.",
  *system({ system }) {
    const known = (system.checklists ?? []).map(({ id }) => id);
    for (const occasion of system.calendar ?? []) {
      for (const key of ["checklist", "afterwards"] as const) {
        const list = occasion[key];
        if (list === null || known.includes(list)) continue;
        yield errorAt(["calendar", occasion.id, key], `There is no checklist "${list}"`, offer(list, known));
      }
    }
  },
};
