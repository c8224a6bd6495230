import type { Plan } from "../../src/catalog/types.ts";
import { cut, safe } from "./escape.ts";

const BASIS = {
  seen: "seen",
  inferred: "inferred, one side doesn't answer",
  said: "as stated, it can't be checked",
} as const;

/** "us-east-1 → us-west-2 (seen: orders-a takes writes)"; null where a plan moves nothing between sites. */
export function directionWords(plan: Plan): string | null {
  return plan.direction === undefined ? null : words(plan.direction, `: ${safe(cut(plan.direction.says, 200))}`);
}

/** The same on one line: what was seen is said only where it wasn't simply seen. */
export function directionLine({ direction }: Plan): string | null {
  if (direction === undefined) return null;
  return words(direction, direction.basis === "seen" ? "" : `: ${safe(cut(direction.says, 120))}`);
}

function words({ from, to, basis }: NonNullable<Plan["direction"]>, why: string): string {
  return `${safe(from.id)} → ${safe(to.id)} (${BASIS[basis]}${why})`;
}
