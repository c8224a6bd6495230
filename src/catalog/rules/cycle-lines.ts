import { linesOf, readLine } from "../cycles.ts";
import { errorAt } from "../fault.ts";
import type { Rule } from "./rule.ts";

export const cycleLines: Rule = {
  id: "cycle-lines",
  says: "Each line of a cycle starts a runbook in a mode it offers, or breaks something.",
  *whole({ system, runbooks }) {
    for (const { path, text } of linesOf(system.cycles ?? [])) {
      const read = readLine(text, { ...system, runbooks });
      if (read.ok) continue;
      const { what, allowed, next } = read;
      yield errorAt(path, what, { ...(allowed && { allowed }), ...(next && { next }) });
    }
  },
};
