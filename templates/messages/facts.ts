import type { ShownCheck, ShownFact } from "../../src/incident/events.ts";
import { cut, safe } from "./escape.ts";
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

export function checkLine({ ok, level, says }: ShownCheck): string {
  const mark = ok ? "✅ OK" : level === "block" ? "❌ Stops the run" : "⚠️ Warning";
  return `${mark}: ${safe(cut(says, 300))}`;
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
