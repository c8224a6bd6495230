import { errorAt } from "../fault.ts";
import { actionsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const saysWhatChanges: Rule = {
  id: "says-what-changes",
  says: "A runbook that changes something says what, from where to where, so that people can decide on it.",
  *runbook({ runbook, cards }) {
    if (runbook.changes !== null) return;
    const first = actionsOf(runbook).find(({ does }) => (cards?.get(does.action)?.risk ?? "read") !== "read");
    if (first === undefined) return;
    yield errorAt(["changes"], `It changes something ("${first.step.id}") and does not say what`, {
      next: `Add changes: orders database: writes move from \${var.primaryName} to \${var.standbyName}`,
    });
  },
};
