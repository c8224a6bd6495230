import { z } from "zod";
import { awsPlace, type Identity, identify, rightAccount } from "../aws.ts";
import { type Readings, readMetric } from "../aws-metrics.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { defineLook } from "../read.ts";

const input = z.strictObject({
  ...awsPlace,
  metric: z.strictObject({
    /** `AWS/RDS` */
    namespace: z.string().min(1),
    name: z.string().min(1),
    dimensions: z.record(z.string().min(1), z.string().min(1)).default({}),
    statistic: z.enum(["Average", "Minimum", "Maximum", "Sum", "SampleCount"]).default("Maximum"),
    windowSeconds: z.number().int().min(60).max(86_400).default(180),
    periodSeconds: z.number().int().min(1).max(3_600).default(60),
  }),
  is: z.enum(["<=", "<", ">=", ">"]),
  limit: z.number(),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  readonly readings: Readings;
}

const HOLDS: Record<Input["is"], (value: number, limit: number) => boolean> = {
  "<=": (value, limit) => value <= limit,
  "<": (value, limit) => value < limit,
  ">=": (value, limit) => value >= limit,
  ">": (value, limit) => value > limit,
};

/** Holds a run until a metric says it may go on. Every value in the window has to; no value at all is not a yes. */
export const gate = defineLook<Input, Seen>({
  id: "cloudwatch.gate",
  summary: "Go on only while a CloudWatch metric is within its limit; no data is not within it",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
  observe: look,
  facts: factsOf,
  checks: checksOf,
  where: nameOf,
  says: (seen, given) => within(seen, given).says,
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, readings] = await Promise.all([identify(ctx, given), readMetric(ctx, given, given.metric)]);
  return { identity, readings };
}

function checksOf(seen: Seen, given: Input): Check[] {
  return [rightAccount(seen.identity, given), within(seen, given)];
}

function nameOf({ metric }: Input): string {
  const of = Object.values(metric.dimensions).join(", ");
  return of === "" ? metric.name : `${metric.name} of ${of}`;
}

function factsOf({ readings }: Seen, given: Input): Fact[] {
  const ok = readings.values.length > 0 ? readings.values.every((v) => HOLDS[given.is](v, given.limit)) : null;
  return [
    { id: "withinLimit", label: `${nameOf(given)} ${given.is} ${given.limit}`, value: ok, material: true },
    { id: "value", label: nameOf(given), value: readings.values[0] ?? null, material: false },
  ];
}

function within({ readings }: Seen, given: Input): Check {
  const id = "metric.within";
  const name = nameOf(given);
  if (readings.why !== null) {
    const lacks = readings.denied ? " Allow cloudwatch:GetMetricData." : "";
    return { id, level: "block", ok: false, says: `${name} can't be read: ${readings.why}.${lacks}` };
  }
  if (readings.values.length === 0) {
    const says = `${name} has no data for ${given.metric.windowSeconds} s, so it is unknown, and unknown is not ${given.is} ${given.limit}.`;
    return { id, level: "block", ok: false, says };
  }
  const outside = readings.values.find((value) => !HOLDS[given.is](value, given.limit));
  if (outside === undefined) {
    return {
      id,
      level: "block",
      ok: true,
      says: `${name} is ${readings.values[0]}; ${given.is} ${given.limit} holds.`,
    };
  }
  const says = `${name} was ${outside} within the last ${given.metric.windowSeconds} s; it has to be ${given.is} ${given.limit}.`;
  return { id, level: "block", ok: false, says };
}
