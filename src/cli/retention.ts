import type { Catalog } from "../catalog/types.ts";

/** When a person stands in a timeline of a system for the last time. `system` null: the timeline belongs to no one system. */
export interface Named {
  readonly system: string | null;
  readonly at: Date;
}

export interface Kept {
  readonly system: string;
  readonly until: Date;
  readonly days: number;
}

/**
 * Until when evidence that names a person has to be kept, by what their systems promise (`evidenceKept`); the latest first. What belongs to no one
 * system is kept for the longest that any of them promises.
 */
export function keptUntil(named: readonly Named[], { systems }: Pick<Catalog, "systems">, now: Date): readonly Kept[] {
  const promised = systems.flatMap(({ id, compliance }) => {
    const seconds = compliance?.evidenceKeptSeconds ?? null;
    return seconds === null ? [] : [{ id, seconds }];
  });
  const found = new Map<string, Kept>();
  for (const { system, at } of named)
    for (const { id, seconds } of promised) {
      if (system !== null && system !== id) continue;
      const until = new Date(at.getTime() + seconds * 1000);
      const before = found.get(id);
      if (until > now && (before === undefined || before.until < until))
        found.set(id, { system: id, until, days: Math.round(seconds / 86_400) });
    }
  return [...found.values()].sort((one, other) => other.until.getTime() - one.until.getTime());
}
