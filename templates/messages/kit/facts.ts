import type { ShownCheck, ShownFact } from "../../../src/incident/events.ts";
import { failedOf, findingsOf, inFull } from "../../../src/incident/findings.ts";
import { cut, cutAtWord, safe } from "./escape.ts";
import { lasting } from "./when.ts";

/** "Replay lag: 3 s": a fact as one line. Names of facts carry their unit last (`lagSeconds`, `missingRows`). */
export function factLine(fact: ShownFact): string {
  return `${safe(cut(fact.label, 80))}: *${factValue(fact)}*`;
}

export function factValue({ id, value }: ShownFact): string {
  if (value === null) return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return safe(cut(value, 120));
  if (/Seconds(Max|Min)?$/.test(id)) return lasting(value);
  if (/Bytes(Max|Min)?$/.test(id)) return bytes(value);
  return String(value);
}

/** What a preflight found to be wrong: what stops the run first, each cause once. */
export function findingLines(checks: readonly ShownCheck[]): readonly string[] {
  const found = findingsOf(failedOf(checks)).toSorted(
    (a, b) => Number(b.level === "block") - Number(a.level === "block"),
  );
  return found.map(
    (one) => `${one.level === "block" ? "❌ Stops the run" : "⚠️ Warning"}: ${safe(cut(inFull(one), 300))}`,
  );
}

/** Of a warning on a card: two lines of a phone, one where there are more. */
const WARNING_LENGTH = { only: 84, first: 27 } as const;

/**
 * The same for who decides on a phone: without addresses, which say nothing to them; the first, and how many more the preflight's
 * message has.
 */
export function warningsInShort(checks: readonly ShownCheck[]): readonly string[] {
  const [first, ...more] = new Set(findingsOf(failedOf(checks)).map(({ says }) => withoutAddresses(says)));
  if (first === undefined) return [];
  if (more.length === 0) return [`⚠️ ${safe(cut(first, WARNING_LENGTH.only))}`];
  return [`⚠️ ${safe(headOf(first))} (+${more.length} more)`];
}

/** What a warning is about, without its detail: "orders-a does not answer" of "orders-a does not answer: connection refused". */
function headOf(says: string): string {
  const [head = says] = says.split(/[:;,.] /);
  return cutAtWord(head.replace(/[.:;,]$/, ""), WARNING_LENGTH.first);
}

/** "nothing listens at 127.0.0.1:5432" without where. */
function withoutAddresses(says: string): string {
  return says.replace(/ (?:at|on) (?:https?:\/\/)?[\w.[\]-]{1,253}:\d{2,5}\b/g, "");
}

/** "17/17 checks passed", "15/17 checks passed, 2 warnings": passed checks are a count and nothing else. */
export function checksCount(checks: readonly ShownCheck[]): string {
  const passed = checks.filter(({ ok }) => ok).length;
  const warned = failedOf(checks, "warn").length;
  return `${passed}/${checks.length} checks passed${warned === 0 ? "" : `, ${warned} ${warned === 1 ? "warning" : "warnings"}`}`;
}

/** The same fact looked at by several steps is shown once, as the last of them saw it. */
export function distinct(facts: readonly ShownFact[]): readonly ShownFact[] {
  const byLabel = new Map(facts.map((fact) => [`${fact.label}\n${factValue(fact)}`, fact]));
  return [...byLabel.values()];
}

function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = count;
  let unit = 0;
  while (Math.abs(size) >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : Number(size.toPrecision(3))} ${units[unit]}`;
}
