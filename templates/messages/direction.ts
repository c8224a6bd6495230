import type { Plan } from "../../src/catalog/types.ts";
import { cut, safe } from "./escape.ts";

const BASIS = {
  seen: "seen",
  inferred: "inferred, one side doesn't answer",
  said: "as stated, it can't be checked",
} as const;

/** "US East → US West (seen: orders-a takes writes)"; null where a plan moves nothing between sites. */
export function directionWords({ direction }: Plan): string | null {
  if (direction === undefined) return null;
  const { from, to, basis, says } = direction;
  return `${safe(from.id)} → ${safe(to.id)} (${BASIS[basis]}: ${safe(cut(says, 200))})`;
}
