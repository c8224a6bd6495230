import type { ShownCheck } from "./events.ts";

/** What failed checks found, each cause once, whichever steps it failed in. */
export interface Finding {
  /** It blocks where one of its checks does. */
  readonly level: ShownCheck["level"];
  readonly says: string;
}

/** In the order they were found. A cause behind several checks is said in its own words; a check by itself, in its. */
export function findingsOf(failed: readonly ShownCheck[]): readonly Finding[] {
  const byCause = new Map<string, ShownCheck[]>();
  for (const check of failed) {
    const key = check.cause?.id ?? check.says;
    byCause.set(key, [...(byCause.get(key) ?? []), check]);
  }
  return [...byCause.values()].flatMap((checks) => {
    const [first] = checks;
    if (first === undefined) return [];
    const alone = new Set(checks.map(({ says }) => says)).size === 1;
    const level = checks.some((check) => check.level === "block") ? "block" : "warn";
    return { level, says: alone ? first.says : (first.cause?.says ?? first.says) };
  });
}

/** Failed checks, of one level or of both. */
export function failedOf(checks: readonly ShownCheck[], level?: ShownCheck["level"]): readonly ShownCheck[] {
  return checks.filter((check) => !check.ok && (level === undefined || check.level === level));
}
