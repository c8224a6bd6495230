import { saySeconds } from "../duration.ts";
import { warningAt } from "../fault.ts";
import type { Rule } from "./rule.ts";

export const rpoKept: Rule = {
  id: "rpo-kept",
  says: "Data is written somewhere else at least as often as the RPO of its component promises.",
  *system({ system }) {
    for (const { id, title, rpoSeconds } of system.components) {
      const backups = (system.backups ?? []).filter(({ of }) => of.includes(id));
      if (rpoSeconds === null || backups.length === 0) continue;
      const newest = Math.min(...backups.map(({ everySeconds }) => everySeconds));
      if (newest <= rpoSeconds) continue;
      const what = `${title} may lose ${saySeconds(rpoSeconds)}, and its newest copy may be ${saySeconds(newest)} old`;
      const at = backups.find(({ everySeconds }) => everySeconds === newest)?.id as string;
      yield warningAt(["backups", at, "every"], what, {
        next: "Copy more often, name the standby or archive that is written all the time (every: 0s), or promise less",
      });
    }
  },
};
