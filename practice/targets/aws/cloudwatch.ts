import type { AwsState } from "./state.ts";
import type { Operation } from "./turn.ts";

interface Query {
  readonly Id: string;
  readonly MetricStat?: {
    readonly Metric: {
      readonly Namespace: string;
      readonly MetricName: string;
      readonly Dimensions?: readonly { readonly Value: string }[];
    };
  };
}

/** CloudWatch over AWS JSON 1.0. Times are seconds since 1970. */
interface Datum {
  readonly MetricName: string;
  readonly Value: number;
  readonly Dimensions?: readonly { readonly Value: string }[];
}

export function cloudwatchOperations(state: AwsState): Readonly<Record<string, Operation>> {
  return {
    PutMetricData: ({ given }) => ({
      answer: {} as never,
      effect: () => {
        for (const { MetricName, Value, Dimensions = [] } of given.MetricData as readonly Datum[])
          state.metrics.set(`${given.Namespace} ${MetricName} ${Dimensions.map((one) => one.Value).join(",")}`, Value);
      },
    }),
    GetMetricData: ({ given }) => ({
      answer: {
        MetricDataResults: (given.MetricDataQueries as readonly Query[]).map(({ Id, MetricStat }) => {
          const metric = MetricStat?.Metric;
          const of = (metric?.Dimensions ?? []).map((one) => one.Value).join(",");
          const value = state.metrics.get(`${metric?.Namespace} ${metric?.MetricName} ${of}`);
          const at = Math.floor(Date.now() / 60_000) * 60;
          return {
            Id,
            Label: Id,
            StatusCode: "Complete",
            Timestamps: value === undefined ? [] : [at],
            Values: value === undefined ? [] : [value],
          };
        }),
      } as never,
    }),
  };
}
