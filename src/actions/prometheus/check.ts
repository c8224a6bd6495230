import { z } from "zod";
import { after } from "../awaited.ts";
import type { Check, Fact } from "../contract.ts";
import { defineLook } from "../read.ts";
import { type Found, prometheusInput, query, type Value } from "./query.ts";

const input = z.strictObject({
  prometheus: prometheusInput,
  /** What people call what is measured: `Errors of the API`. */
  measures: z.string().min(1).max(100),
  /** An expression that gives a number, or one for each series: all of them have to be within the limit. */
  query: z.string().min(1).max(4000),
  is: z.enum(["<=", "<", ">=", ">"]),
  limit: z.number(),
  /** One query takes this long at most. */
  timeoutSeconds: z.number().min(1).max(60).default(5),
  /** How long it may take until it is so; 0: it has to be so at once. */
  waitSeconds: z.number().min(0).max(1800).default(0),
  /** The step that brings it about: before it nothing of this is expected. */
  after,
});
type Input = z.infer<typeof input>;

const HOLDS: Record<Input["is"], (value: number, limit: number) => boolean> = {
  "<=": (value, limit) => value <= limit,
  "<": (value, limit) => value < limit,
  ">=": (value, limit) => value >= limit,
  ">": (value, limit) => value > limit,
};

/** Holds a figure of Prometheus, such as the rate of errors, against a limit. No data is unknown, and unknown isn't within it. */
export const check = defineLook<Input, Found>({
  id: "prometheus.check",
  summary: "Go on only while what Prometheus measures is within its limit; no data is not within it",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 60, failSeconds: 1900 },
  probation: true,
  observe: (ctx, given) => query(ctx, given.prometheus, given.query, given.timeoutSeconds),
  facts: factsOf,
  checks: (seen, given) => [within(seen, given)],
  where: ({ measures }) => measures,
  says: (seen, given) => within(seen, given).says,
});

function factsOf(seen: Found, given: Input): Fact[] {
  const worst = seen.is === "values" ? worstOf(seen.values, given) : null;
  return [{ id: "value", label: given.measures, value: worst?.value ?? null, material: false }];
}

function within(seen: Found, given: Input): Check {
  const { measures, is, limit } = given;
  const rule = `${is} ${limit}`;
  const check = (ok: boolean, says: string): Check => ({ id: "metric.within", level: "block", ok, says });
  switch (seen.is) {
    case "unknown":
      return check(false, `${measures} can't be read from Prometheus: ${seen.why}.`);
    case "nothing":
      return check(false, `${measures} is unknown: ${seen.why}, and unknown is not ${rule}.${warned(seen)}`);
    case "values": {
      const worst = worstOf(seen.values, given);
      const of = worst.series === "" ? "" : ` (${worst.series})`;
      const found = `${measures} is ${worst.value}${of}`;
      const ok = holds(worst, given);
      return check(ok, `${found}; ${ok ? `${rule} holds` : `it has to be ${rule}`}.${warned(seen)}`);
    }
    default:
      return seen satisfies never;
  }
}

/** Prometheus answered, and says itself that something of it is missing or odd: people read it beside the figure. */
function warned({ warnings }: Extract<Found, { is: "values" | "nothing" }>): string {
  return warnings.length === 0 ? "" : ` Prometheus warns: ${warnings.slice(0, 3).join("; ").slice(0, 300)}.`;
}

/** The one furthest on the wrong side of the limit, or the one nearest to it. */
function worstOf(values: readonly Value[], { is }: Input): Value {
  const isMost = is === "<=" || is === "<";
  return values.reduce((worst, one) => {
    const [a, b] = [numberOf(one), numberOf(worst)];
    return (isMost ? a > b : a < b) ? one : worst;
  });
}

function holds(value: Value, { is, limit }: Input): boolean {
  return HOLDS[is](numberOf(value), limit);
}

function numberOf({ value }: Value): number {
  return value === "+Inf" ? Number.POSITIVE_INFINITY : value === "-Inf" ? Number.NEGATIVE_INFINITY : value;
}
