/**
 * A value as jsonb gives it back, so that what is hashed at the append is what is hashed at verification: dates and
 * undefined as JSON has them, and characters PostgreSQL can't hold (NUL, halves of surrogate pairs) as U+FFFD: a
 * step's result must never be impossible to store.
 */
export function jsonSafe(value: unknown): unknown {
  const text = JSON.stringify(value ?? null) ?? "null";
  const plain: unknown = JSON.parse(text);
  return /\\u(0000|d[89a-f])/i.test(text) ? repaired(plain) : plain;
}

/** The same for a single text. */
export function jsonSafeText(text: string): string {
  return text.replaceAll("\u0000", "\ufffd").replace(/\p{Surrogate}/gu, "\ufffd");
}

function repaired(value: unknown): unknown {
  if (typeof value === "string") return jsonSafeText(value);
  if (Array.isArray(value)) return value.map(repaired);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [jsonSafeText(key), repaired(inner)]));
}
