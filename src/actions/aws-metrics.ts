import { awsErrorOf, clientSettings, type Place } from "./aws.ts";
import type { ReadContext } from "./contract.ts";

export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: "Average" | "Minimum" | "Maximum" | "Sum" | "SampleCount";
  /** How far back, in seconds; what is older is no answer to "now". */
  readonly windowSeconds: number;
  readonly periodSeconds: number;
}

/** What a metric said in the window, newest first. `why` is set when it could not be asked. */
export interface Readings {
  readonly values: readonly number[];
  readonly newestAt: number | null;
  readonly why: string | null;
  /** The caller may not read metrics, by AWS's own word. */
  readonly denied: boolean;
}

/** Values that do not measure anything: RDS reports `ReplicaLag` as -1 while replication is not active. */
const NOT_A_MEASUREMENT: Readonly<Record<string, (value: number) => boolean>> = { ReplicaLag: (value) => value < 0 };

export const loadCloudWatch = () => import("@aws-sdk/client-cloudwatch");

/** Reads one metric once. No data, or data that measures nothing, is an empty list and never zero. */
export async function readMetric(ctx: ReadContext, place: Place, metric: Metric): Promise<Readings> {
  const { CloudWatch } = await loadCloudWatch();
  const client = new CloudWatch(await clientSettings(ctx, "CLOUDWATCH", place.region, "read"));
  const end = new Date();
  try {
    const answer = await client.getMetricData(
      {
        StartTime: new Date(end.getTime() - metric.windowSeconds * 1000),
        EndTime: end,
        ScanBy: "TimestampDescending",
        MetricDataQueries: [
          {
            Id: "asked",
            MetricStat: {
              Metric: {
                Namespace: metric.namespace,
                MetricName: metric.name,
                Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
              },
              Period: metric.periodSeconds,
              Stat: metric.statistic,
            },
          },
        ],
      },
      { abortSignal: AbortSignal.any([ctx.signal]) },
    );
    const [result] = answer.MetricDataResults ?? [];
    const values = result?.Values ?? [];
    const nonsense = NOT_A_MEASUREMENT[metric.name] ?? (() => false);
    const meaningful = values.some(nonsense) ? [] : values;
    const newestAt = meaningful.length > 0 ? (result?.Timestamps?.[0]?.getTime() ?? null) : null;
    return { values: meaningful, newestAt, why: null, denied: false };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const failure = awsErrorOf(error);
    return { values: [], newestAt: null, why: failure.says, denied: failure.kind === "denied" };
  } finally {
    client.destroy();
  }
}

/** A value of one metric now. */
export interface Published {
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
  readonly unit: "Percent" | "Seconds" | "Count";
}

/** What CloudWatch takes in one request. */
const AT_ONCE = 500;

/** Publishes values into a namespace; it needs `cloudwatch:PutMetricData`. @throws where CloudWatch didn't take them */
export async function publishMetrics(
  ctx: ReadContext,
  { namespace, region }: { readonly namespace: string; readonly region: string },
  values: readonly Published[],
): Promise<void> {
  const { CloudWatch } = await loadCloudWatch();
  const client = new CloudWatch(await clientSettings(ctx, "CLOUDWATCH", region, "change"));
  const now = new Date();
  try {
    for (let from = 0; from < values.length; from += AT_ONCE)
      await client.putMetricData(
        {
          Namespace: namespace,
          MetricData: values.slice(from, from + AT_ONCE).map(({ name, dimensions, value, unit }) => ({
            MetricName: name,
            Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
            ...{ Value: value, Unit: unit, Timestamp: now },
          })),
        },
        { abortSignal: AbortSignal.any([ctx.signal]) },
      );
  } finally {
    client.destroy();
  }
}
