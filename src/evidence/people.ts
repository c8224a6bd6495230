import type { Policy } from "../catalog/policy.ts";
import type { Actor } from "../incident/events.ts";
import { idOf } from "../incident/people.ts";

const OPAQUE = /^person-[0-9a-z]{12}$/;
const ACCOUNT = /^[UW][A-Z0-9]{5,}$/;

export const ERASED = "(erased person)";

/** Whom an id means, by the roster that held then. Who was erased stays an opaque id, and is called that. */
export function nameIn(policy: Policy, id: string): string {
  if (OPAQUE.test(id)) return ERASED;
  const found = policy.people.find((one) => one.id === id);
  if (found !== undefined) return OPAQUE.test(found.name) ? ERASED : found.name;
  return ACCOUNT.test(id) ? "someone not on the roster" : id;
}

/** Who did it; null: Lifeboat itself. */
export function actorId(actor: unknown): string | null {
  const by = actor as Actor;
  return by.kind === "person" ? idOf(by) : null;
}
