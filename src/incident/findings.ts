import type { ShownCheck } from "./events.ts";

/** What failed checks found, each cause once, whichever steps it failed in. */
export interface Finding {
  /** It blocks where one of its checks does. */
  readonly level: ShownCheck["level"];
  readonly says: string;
  /** What to do about it; null: it does not say. */
  readonly next: string | null;
}

/**
 * In the order they were found. A cause behind several checks is said in its own words; a check by itself, in its. What they advise is
 * kept where they agree.
 */
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
    const [next = null, ...others] = new Set(checks.map((check) => check.next));
    const says = alone ? first.says : (first.cause?.says ?? first.says);
    return { level, says, next: others.length === 0 ? next : null };
  });
}

/** What was found and what to do about it, as running text. */
export function inFull({ says, next }: { readonly says: string; readonly next?: string | null | undefined }): string {
  return next ? `${says} ${next}` : says;
}

/** What they advise, each once, and how a sentence goes on after it: "Grant it. Then", "Fix it and". */
export function adviceOf(found: readonly { readonly next?: string | null }[]): string {
  const advice = new Set(found.flatMap(({ next }) => next ?? []));
  return advice.size === 0 ? "Fix it and" : [...advice, "Then"].join(" ");
}

/** Failed checks, of one level or of both. */
export function failedOf(checks: readonly ShownCheck[], level?: ShownCheck["level"]): readonly ShownCheck[] {
  return checks.filter((check) => !check.ok && (level === undefined || check.level === level));
}
