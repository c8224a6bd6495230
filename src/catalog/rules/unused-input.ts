import { warningAt } from "../fault.ts";
import { referableParts, referencesIn } from "../reference.ts";
import type { Rule } from "./rule.ts";

export const unusedInput: Rule = {
  id: "unused-input",
  says: "Every input of a runbook is used in it, so people are asked only for what matters.",
  *runbook({ runbook }) {
    const parts = [...referableParts(runbook)].map(({ value }) => value);
    const used = new Set(parts.flatMap((value) => referencesIn(value).map(({ name }) => name)));
    for (const { name } of runbook.inputs ?? []) {
      if (used.has(`input.${name}`) || (runbook.direction && (name === "from" || name === "to"))) continue;
      yield warningAt(["inputs", name], `Nothing refers to \${input.${name}}`, {
        at: "key",
        next: "Take it out, or use it",
      });
    }
  },
};
