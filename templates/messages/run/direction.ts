import type { Plan } from "../../../src/catalog/types.ts";
import { cut, safe } from "../kit/escape.ts";

const BASIS = {
  seen: "seen",
  inferred: "inferred, one side doesn't answer",
  said: "as stated, it can't be checked",
} as const;

/** "us-east-1 → us-west-2 (seen: orders-a takes writes)"; null where a plan moves nothing between sites. */
export function directionWords(plan: Plan): string | null {
  return plan.direction === undefined ? null : words(plan.direction, `: ${safe(cut(plan.direction.says, 200))}`);
}

/** The same on one line of a phone: what it was concluded from stands above the card, in what the preflight saw. */
export function directionLine({ direction }: Plan): string | null {
  return direction === undefined ? null : words(direction, "");
}

function words({ from, to, basis }: NonNullable<Plan["direction"]>, why: string): string {
  return `${safe(from.id)} → ${safe(to.id)} (${BASIS[basis]}${why})`;
}
