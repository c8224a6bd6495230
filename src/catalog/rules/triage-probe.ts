import { errorAt } from "../fault.ts";
import { inputFaults } from "../sample.ts";
import { systemScope } from "../scope.ts";
import { offer } from "../suggest.ts";
import type { Rule } from "./rule.ts";

export const triageProbe: Rule = {
  id: "triage-probe",
  says: "A probe of the triage is an action that only looks, with an input that it takes.",
  *whole({ system, cards }) {
    if (cards === null) return;
    const reads = [...cards.values()].filter(({ risk }) => risk === "read").map(({ id }) => id);
    for (const { id, probe } of system.triage?.questions ?? []) {
      if (probe === null) continue;
      const path = ["triage", "questions", id, "probe"];
      const card = cards.get(probe.action);
      if (card === undefined) {
        yield errorAt([...path, "action"], `There is no action "${probe.action}"`, offer(probe.action, reads));
      } else if (card.risk !== "read") {
        const what = `${probe.action} changes something, and triage only looks`;
        yield errorAt([...path, "action"], what, { allowed: `Allowed: ${reads.join(", ")}` });
      } else {
        for (const error of inputFaults(probe.with, card, system, systemScope(system, undefined))) {
          const part = error.path.length === 0 ? "" : `, "${error.path.join(".")}"`;
          yield errorAt([...path, "with", ...error.path], `${probe.action}${part}: ${error.message}`);
        }
      }
    }
  },
};
