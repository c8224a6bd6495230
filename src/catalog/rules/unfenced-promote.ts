import { errorAt } from "../fault.ts";
import { offer } from "../suggest.ts";
import { actionsOf, isBefore } from "../walk.ts";
import type { Rule } from "./rule.ts";

export const unfencedPromote: Rule = {
  id: "unfenced-promote",
  says: "No promotion without a fence before it, in every mode: two servers that both take writes are the worst outcome.",
  *runbook({ runbook, cards }) {
    if (cards === null) return;
    for (const mode of runbook.modes) {
      const all = actionsOf(runbook, mode);
      for (const placed of all.filter(({ does }) => cards.get(does.action)?.promotes)) {
        const { step, path, does } = placed;
        const fences = all
          .filter((other) => cards.get(other.does.action)?.fences?.(other.does.with) && other.step.when === null)
          .filter((other) => isBefore(other, placed))
          .map((other) => other.step.id);
        const named = (does.with as { fenceStep?: unknown } | null)?.fenceStep;
        if (fences.length === 0 && !acceptsUnfenced(does.with)) {
          const fence = [...cards.values()].flatMap((card) => (card.fences ? [card.id] : [])).join(" or ");
          yield errorAt([...path, "action"], `Step "${step.id}" promotes, and nothing is fenced before it (${mode})`, {
            allowed: `An earlier, unconditional ${fence}; or "allowUnfenced" in its input with a gate where people accept that`,
          });
        } else if (typeof named === "string" && !fences.includes(named)) {
          const what = `Step "${step.id}" relies on "${named}", which fences nothing before it (${mode})`;
          yield errorAt([...path, "with", "fenceStep"], what, offer(named, fences));
        }
      }
    }
  },
};

function acceptsUnfenced(input: unknown): boolean {
  return (input as { allowUnfenced?: unknown } | null)?.allowUnfenced === true;
}
