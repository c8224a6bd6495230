import { goesWith, sampleBinding } from "../binding.ts";
import { errorAt } from "../fault.ts";
import { inputFaults } from "../sample.ts";
import { scopeOf } from "../scope.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const actionInput: Rule = {
  id: "action-input",
  says: "Each step gives its action valid input, in every mode and direction.",
  judgesParts: true,
  *runbook({ system, runbook, cards }) {
    const said = new Set<string>();
    const ways = system.targets === undefined ? [false] : [false, true];
    for (const [mode, flipped] of runbook.modes.flatMap((mode) => ways.map((way) => [mode, way] as const))) {
      const binding = sampleBinding(system, runbook, flipped);
      const scope = scopeOf(system, runbook, mode, undefined, undefined, binding);
      for (const { path, does, step } of actionsOf(runbook, mode)) {
        if (!goesWith(step, system, binding)) continue;
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
