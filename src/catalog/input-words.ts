import type { Input } from "./types.ts";

/** Characters of a text at most. */
export const INPUT_LENGTH_MAX = 200;

/** What may be given, for the one who has to type it: what it is, and how it looks. */
export function allowedOf({ name, type, description, example, choices, min, max, default: usual }: Input): string {
  const looks = {
    text: `such as ${example}`,
    choice: `one of ${choices.join(", ")}`,
    moment: "as in 02:13, 2026-11-21T02:13Z or 10m ago, in UTC",
    boolean: "yes or no",
    number: `a whole number${range(min, max)}${example === null ? "" : `, such as ${example}`}`,
  }[type];
  return `${name}: ${description.replace(/\.$/, "")}; ${looks}${usual === null ? "" : ` (${usual} if left out)`}`;
}

function range(min: number | null, max: number | null): string {
  if (min !== null && max !== null) return ` from ${min} to ${max}`;
  if (min !== null) return `, ${min} or more`;
  return max === null ? "" : `, ${max} at most`;
}
