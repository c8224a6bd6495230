import { errorAt } from "../fault.ts";
import { scopeOf } from "../reference.ts";
import { inputFaults } from "../sample.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const actionInput: Rule = {
  id: "action-input",
  says: "What a step gives its action is what the action takes, in every mode it runs in.",
  judgesParts: true,
  *runbook({ system, runbook, cards }) {
    const said = new Set<string>();
    for (const mode of runbook.modes) {
      const scope = scopeOf(system, runbook, mode, undefined);
      for (const { path, does } of actionsOf(runbook, mode)) {
        const card = cards?.get(does.action);
        if (card === undefined) continue;
        for (const error of inputFaults(does.with, card, system, scope)) {
          const key = JSON.stringify([path, error.path, error.message]);
          if (said.has(key)) continue;
          said.add(key);
          const part = error.path.length === 0 ? "" : `, "${error.path.join(".")}"`;
          yield errorAt([...path, "with", ...error.path], `${does.action}${part}: ${error.message}`);
        }
      }
    }
  },
};
