import { errorAt, type Fault } from "../fault.ts";
import type { Gate, Mode, Used } from "../types.ts";
import { gatesOf, isBefore, type Placed, runsIn, stepsOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const weakerGate: Rule = {
  id: "weaker-gate",
  says: "An included runbook's gate may be dropped only if an earlier gate is at least as strict.",
  *runbook({ runbook }) {
    for (const used of runbook.uses ?? []) {
      for (const { step, gate, before } of used.dropped) {
        const modes = runbook.modes.filter((mode) => runsIn(step, mode));
        const without = modes.filter((mode) => {
          const first = stepsOf(runbook, mode).find((placed) => placed.step.id === before);
          return first !== undefined && !gatesBefore(first, gatesOf(runbook, mode)).some((one) => isNoLess(one, gate));
        });
        if (without.length > 0) yield weaker(used, gate, without);
      }
    }
  },
};

function gatesBefore(first: Placed, gates: readonly (Placed & { readonly gate: Gate })[]): readonly Gate[] {
  return gates.filter((placed) => placed.step.when === null && isBefore(placed, first)).map(({ gate }) => gate);
}

/** As many people, as surely who they are, and of the same role or one that was to be asked next. */
function isNoLess(one: Gate, other: Gate): boolean {
  const roles = [other.role, ...other.escalate.map(({ role }) => role)];
  return one.quorum >= other.quorum && (one.stepUp || !other.stepUp) && roles.includes(one.role);
}

function weaker({ path, runbook }: Used, gate: Gate, modes: readonly Mode[]): Fault {
  const { role, quorum, stepUp, escalate } = gate;
  const others = escalate.map((level) => ` or ${level.role}`).join("");
  const who = `${quorum} approval${quorum === 1 ? "" : "s"} of ${role}${others}${stepUp ? ", with step-up" : ""}`;
  return errorAt([...path, "gates"], `"${runbook}" asks for ${who}, and no gate before it does (${modes.join(", ")})`, {
    next: "Put such a gate before it, without a condition, or keep its gates",
  });
}
