import type { Around } from "./around.ts";

/** One claim about speed, measured beside what it is compared with, in the same run and on the same machine. */
export interface Figure {
  /** What is typed to measure it alone: `p3`. */
  readonly name: string;
  readonly title: string;
  measure(around: Around): Promise<readonly Measure[]>;
}

export interface Measure {
  readonly what: string;
  readonly value: number;
  /** `ms`, `s`, `MB`, `×`, `/s` … */
  readonly unit: string;
  /** In the measure's own unit. Absent: it is there to be compared with. */
  readonly goal?: Goal;
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

export function isMet({ value, goal }: Measure): boolean | null {
  if (goal === undefined) return null;
  return "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;
}
