import type { System } from "../catalog/types.ts";
import type { SeverityId } from "./events.ts";

type Severities = Pick<System, "severities">;

/** Where no one says how bad it is: P1, or the worst the system knows. Too loud costs less than too quiet. */
export function usualSeverity({ severities }: Severities): SeverityId {
  return (severities.find(({ id }) => id === "P1") ?? severities[0])?.id ?? "P1";
}

/** The least the system knows: planned work, and what is known not to be urgent. */
export function leastSeverity(system: Severities): SeverityId {
  return system.severities.at(-1)?.id ?? usualSeverity(system);
}

/** The severity someone named, in either case; null: the system knows none of that name. */
export function severityNamed({ severities }: Severities, named: string): SeverityId | null {
  const asked = named.trim().toUpperCase();
  return severities.find(({ id }) => id === asked)?.id ?? null;
}
