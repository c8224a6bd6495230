import { warningAt } from "../fault.ts";
import { referableParts, referencesIn } from "../reference.ts";
import type { Rule } from "./rule.ts";

export const unusedVariable: Rule = {
  id: "unused-variable",
  says: "Every variable of a system is used, so an installation sets only what matters.",
  *whole({ system, runbooks }) {
    const used = new Set(
      [
        ...runbooks.flatMap((runbook) => [...referableParts(runbook)].map(({ value }) => value)),
        ...(system.triage?.questions ?? []).map(({ probe }) => probe?.with),
        ...system.sites.map(({ values }) => values),
        ...(system.readiness?.accounts ?? []),
        ...(system.targets ?? []).flatMap(({ members }) => members.map((member) => [member.with, member.values])),
      ].flatMap((value) => referencesIn(value).map(({ name }) => name)),
    );
    for (const { name } of system.variables) {
      if (used.has(`var.${name}`)) continue;
      yield warningAt(["variables", name], `Nothing refers to \${var.${name}}`, {
        at: "key",
        next: "Take it out, or use it",
      });
    }
  },
};
