import { errorAt } from "../fault.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

/**
 * A script is not started where what it is seen by is so already. So what is observed has to name what this run asks for, or
 * a value that is another after every run; "state: ready" would be the first run's for ever.
 */
export const scriptObserved: Rule = {
  id: "script-observed",
  says: "A script's effect is checked for this run, not for what an earlier run left behind.",
  judgesParts: true,
  *runbook({ runbook }) {
    for (const { path, does } of actionsOf(runbook)) {
      if (does.action !== "script.run") continue;
      const { observe, arguments: given } = does.with as { observe?: unknown; arguments?: unknown };
      if (!isTree(observe) || "changes" in observe) continue;
      const asked = (Array.isArray(given) ? given : []).map(String);
      if (seenBy(observe).some((value) => value.includes("${input.") || asked.includes(value))) continue;
      yield errorAt(
        [...path, "with", "observe"],
        "What is observed is so after any run, so a second run would not start the script",
        {
          allowed:
            "A value that is one of the arguments or an input, or changes: a value that is another after every run",
          next: 'Add "changes: restoredAt", or observe the requested state',
        },
      );
    }
  },
};

function seenBy({ json, contains }: Record<string, unknown>): readonly string[] {
  return [...(isTree(json) ? Object.values(json) : []), ...(contains === undefined ? [] : [contains])].map(String);
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
