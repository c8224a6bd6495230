import { errorAt } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { Rule } from "./rule.ts";

export const unknownTier: Rule = {
  id: "unknown-tier",
  says: "The tier of a component is a tier of the system.",
  *system({ system }) {
    const known = (system.tiers ?? []).map(({ id }) => id);
    for (const { id, tier } of system.components) {
      if (tier === undefined || known.includes(tier)) continue;
      yield errorAt(["components", id, "tier"], `There is no tier "${tier}"`, offer(tier, known));
    }
  },
};
