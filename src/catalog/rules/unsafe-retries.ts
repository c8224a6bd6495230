import { errorAt } from "../fault.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

const why = {
  toggle: "a second attempt would undo the first",
  destructive: "every attempt needs a person who says so",
};

export const unsafeRetries: Rule = {
  id: "unsafe-retries",
  says: "What must not be repeated blindly is not retried by itself.",
  judgesParts: true,
  *runbook({ runbook, cards }) {
    for (const { path, does } of actionsOf(runbook)) {
      const repeat = cards?.get(does.action)?.repeat;
      if (does.retries === 0 || (repeat !== "toggle" && repeat !== "destructive")) continue;
      yield errorAt([...path, "retries"], `${does.action} can't be retried by itself: ${why[repeat]}`, {
        next: 'Leave "retries" out: when it fails, a person decides',
      });
    }
  },
};
