import { errorAt } from "../fault.ts";
import type { Runbook, System } from "../types.ts";
import { gatesOf, stepsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const unheldRole: Rule = {
  id: "unheld-role",
  says: "Every role that a gate or a manual step needs has a holder.",
  *whole({ system, runbooks }) {
    for (const { id, title } of system.roles) {
      if (system.people.some(({ roles }) => roles.includes(id))) continue;
      const gates = runbooks.flatMap((runbook) => askedBy(runbook, id));
      if (gates.length === 0) continue;
      yield errorAt(["roles", id], `No one holds "${id}", and ${say(gates)} for it`, {
        at: "key",
        next: `Write a person under "people" with "roles: [${id}]" (${title})${several(gates, system)}`,
      });
    }
  },
};

interface Asks {
  readonly runbook: string;
  readonly quorum: number;
}

/** What stands in the runbook itself: what it includes asks there already. */
function askedBy(runbook: Runbook, role: string): readonly Asks[] {
  const own = (path: readonly unknown[]) => path.at(-1) !== "use";
  const gates = gatesOf(runbook)
    .filter(({ gate, path }) => own(path) && [gate.role, ...gate.escalate.map((one) => one.role)].includes(role))
    .map(({ gate }) => ({ runbook: runbook.id, quorum: gate.role === role ? gate.quorum : 1 }));
  const byHand = stepsOf(runbook)
    .filter(({ step, path }) => own(path) && step.does.kind === "manual" && step.does.role === role)
    .map(() => ({ runbook: runbook.id, quorum: 1 }));
  return [...gates, ...byHand];
}

function say(gates: readonly Asks[]): string {
  const books = [...new Set(gates.map(({ runbook }) => runbook))];
  const named = books.slice(0, 3).join(", ");
  const more = books.length > 3 ? ` and ${books.length - 3} more` : "";
  return gates.length === 1 ? `one place of ${named} asks` : `${gates.length} places of ${named}${more} ask`;
}

function several(gates: readonly Asks[], { people }: System): string {
  const most = Math.max(...gates.map(({ quorum }) => quorum));
  const one = most === 1 ? "" : `; ${most} people decide there together`;
  return people.length === 0 ? `${one}. A requester can't approve their own run` : one;
}
