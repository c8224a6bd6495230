import { isHandled } from "../../incident/evolve.ts";
import type { Problem } from "../../lib/errors.ts";
import type { StoredEvent } from "../../timeline/contract.ts";

export type Repeat = { readonly kind: "accepted" } | { readonly kind: "refused"; readonly problem: Problem };

/** How this very request was answered before, from what it left on the stream; null: it is new. */
export function repeatOf(events: readonly StoredEvent[], key: string): Repeat | null {
  if (!isHandled(events, key)) return null;
  const refusals = [`${key}/command.refused`, `${key}/approval.refused`];
  const refused = events.find((event) => refusals.includes(event.key));
  if (refused === undefined) return { kind: "accepted" };
  const { code, says } = refused.data as { code: string; says: string };
  return { kind: "refused", problem: { code, what: says } };
}
