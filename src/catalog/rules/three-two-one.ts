import { keptOf } from "../backups.ts";
import { warningAt } from "../fault.ts";
import type { Rule } from "./rule.ts";

export const threeTwoOne: Rule = {
  id: "three-two-one",
  says: "Where 3-2-1 is promised, what has backups has three copies, on two media, one of them elsewhere.",
  *system({ system }) {
    const { backups = [], compliance } = system;
    if (compliance?.backups !== "3-2-1") return;
    for (const { id, title } of system.components) {
      if (backups.every(({ of }) => !of.includes(id))) continue;
      const { copies, media, offsite } = keptOf(backups, id);
      const lacks = [
        ...(copies < 3 ? [`${copies} of 3 copies (itself among them)`] : []),
        ...(media < 2 ? ["1 of 2 media"] : []),
        ...(offsite < 1 ? ["none elsewhere"] : []),
      ];
      if (lacks.length === 0) continue;
      yield warningAt(["compliance", "backups"], `${title} has ${lacks.join(", ")}`, {
        next: 'Add copies under "backups", in other places and on other media, one with "offsite: true"',
      });
    }
  },
};
