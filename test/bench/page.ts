import { cpus, loadavg } from "node:os";
import { type Figure, isMet, type Measure } from "./figure.ts";

export interface Measured {
  readonly figure: Figure;
  readonly measures: readonly Measure[];
  readonly seconds: number;
  /** Runnable processes over the last minute, before and after: above the number of cores the figures are too high. */
  readonly load: readonly [number, number];
  readonly problem: string | null;
}

export const load = () => loadavg()[0] ?? 0;

/** The page a person reads. */
export function page({ figure, measures, seconds, load: [before, after], problem }: Measured): string {
  const width = Math.max(...measures.map(({ what }) => what.length), 0);
  const lines = measures.map((one) => `  ${one.what.padEnd(width)}  ${amount(one).padStart(12)}  ${verdict(one)}`);
  const failed = problem === null ? [] : [`  It could not be measured: ${problem}`];
  const under = `  (${seconds.toFixed(0)} s, load ${before.toFixed(1)} → ${after.toFixed(1)} on ${cpus().length} cores)`;
  return [`${figure.name.toUpperCase()}  ${figure.title}`, ...lines, ...failed, under, ""]
    .map((line) => line.trimEnd())
    .join("\n");
}

export function forMachines({ figure, ...rest }: Measured): object {
  const measures = rest.measures.map((one) => ({ ...one, met: isMet(one) }));
  return { name: figure.name, title: figure.title, ...rest, measures };
}

/** What was aimed at in this figure, and whether it was reached; `goal` in words: `≤ 1.2`. */
export function goalsOf({ figure, measures }: Measured): object[] {
  return measures.flatMap((one) => {
    const { what, value, unit, goal } = one;
    if (goal === undefined) return [];
    const says = "atMost" in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`;
    return [
      { id: figure.name.toUpperCase(), what: `${figure.title}: ${what}`, value, unit, goal: says, met: isMet(one) },
    ];
  });
}

function amount({ value, unit }: Measure): string {
  const digits = unit === "×" ? 2 : value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

function verdict(one: Measure): string {
  if (one.goal === undefined) return "";
  const goal =
    "atMost" in one.goal ? { word: "at most", value: one.goal.atMost } : { word: "at least", value: one.goal.atLeast };
  return `${isMet(one) ? "met" : "MISSED"}: ${goal.word} ${amount({ ...one, value: goal.value })}`;
}
