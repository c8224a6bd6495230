import { saySeconds } from "../duration.ts";
import { errorAt, type Fault, type Path } from "../fault.ts";
import type { Chain } from "../system.ts";
import { gatesOf } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const escalationOrder: Rule = {
  id: "escalation-order",
  says: "Each level of an escalation is asked later than the one before it, and no role twice.",
  judgesParts: true,
  *system({ chains }) {
    for (const [id, chain] of chains) yield* check(chain, ["escalation", id], null);
  },
  *runbook({ runbook }) {
    for (const { gate, path } of gatesOf(runbook))
      yield* check(gate.escalate, [...path, "gate", "escalate"], gate.role);
  },
};

/** `first`: the role the gate asks at once; a chain by itself may begin with the one who is. */
function* check(chain: Chain, path: Path, first: string | null): Generator<Fault> {
  const asked = new Set<string>(first === null ? [] : [first]);
  for (const [k, { role, afterSeconds }] of chain.entries()) {
    const before = chain[k - 1]?.afterSeconds ?? 0;
    const begins = k === 0 && first === null;
    if (afterSeconds <= before && !begins) {
      const what = `"${role}" is asked after ${saySeconds(afterSeconds)}, not later than the level before it (${saySeconds(before)})`;
      yield errorAt([...path, k, "after"], what, {
        allowed: `More than ${saySeconds(before)}: all count from the gate`,
      });
    }
    if (asked.has(role)) yield errorAt([...path, k, "role"], `"${role}" is asked already`);
    asked.add(role);
  }
}
