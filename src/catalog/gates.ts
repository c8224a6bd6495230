import type { Gate } from "./types.ts";

/** Roles that may decide a gate, its own first, each once. */
export function rolesOfGate({ role, escalate }: Pick<Gate, "role" | "escalate">): readonly string[] {
  return [...new Set([role, ...escalate.map((level) => level.role)])];
}

/** A gate that asks for as much as both; null: no one may decide both. */
export function stricter(one: Gate | null, other: Gate): Gate | null {
  if (one === null) return other;
  const allowed = rolesOfGate(other);
  const chain = [{ role: one.role, afterSeconds: 0 }, ...one.escalate].filter(({ role }) => allowed.includes(role));
  const [first, ...rest] = chain;
  if (first === undefined) return null;
  return {
    ...one,
    role: first.role,
    escalate: rest.map(({ role, afterSeconds }) => ({ role, afterSeconds: afterSeconds - first.afterSeconds })),
    quorum: Math.max(one.quorum, other.quorum),
    expiresSeconds: Math.min(one.expiresSeconds, other.expiresSeconds),
    stepUp: one.stepUp || other.stepUp,
  };
}
