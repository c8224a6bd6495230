import { saySeconds } from "../duration.ts";
import { errorAt } from "../fault.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const stepTimeout: Rule = {
  id: "step-timeout",
  says: "A step's timeout is shorter than its action's own limit, and longer than it usually takes.",
  judgesParts: true,
  *runbook({ runbook, cards }) {
    for (const { path, does } of actionsOf(runbook)) {
      const budget = cards?.get(does.action)?.budget;
      if (budget === undefined || does.timeoutSeconds === undefined) continue;
      const { typicalSeconds, failSeconds } = budget;
      if (does.timeoutSeconds > typicalSeconds && does.timeoutSeconds < failSeconds) continue;
      const [usual, most] = [saySeconds(typicalSeconds), saySeconds(failSeconds)];
      yield errorAt(
        [...path, "timeout"],
        `${does.action} usually takes ${usual}, and is given up after ${most} by itself`,
        { allowed: `More than ${usual} and less than ${most}`, next: 'Leave "timeout" out to allow it all its time' },
      );
    }
  },
};
