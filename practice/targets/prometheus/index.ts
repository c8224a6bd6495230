import { createFaultInjection, type FaultInjection } from "../../kit/fault-injection.ts";
import { createLedger, type Ledger } from "../../kit/ledger.ts";
import { type PlainTurn, servePlain } from "../../kit/plain.ts";
import { Refusal } from "../../kit/refusal.ts";

/** What a query finds, in the words of Prometheus' own answers. */
export type Answer =
  /** Labels and value of each series; none: it has no data. */
  | { readonly vector: readonly (readonly [labels: Readonly<Record<string, string>>, value: string])[] }
  | { readonly scalar: string }
  /** A native histogram, which has no single value. */
  | { readonly histogram: Readonly<Record<string, string>> }
  | { readonly matrix: readonly unknown[] }
  | { readonly string: string }
  /** `bad_data` is 400, `execution` 422, `timeout` 503. */
  | { readonly error: "bad_data" | "execution" | "timeout"; readonly says: string };

export interface PrometheusOptions {
  /** What `Authorization` has to say; absent: anyone is answered. */
  readonly authorization?: string;
  /** What a query finds; one that isn't known is answered as a query for a metric no one has: with no data. */
  readonly finds?: (query: string) => Answer | null;
}

/**
 * The instant query of a Prometheus on loopback: `GET /api/v1/query`, with the envelope, result types, codes and `warnings` that
 * https://prometheus.io/docs/prometheus/latest/querying/api/ documents. It evaluates nothing: what a query finds is said beforehand.
 */
export interface Prometheus {
  readonly url: string;
  /** What is found from now on, whatever is asked. */
  finds(answer: Answer | ((query: string) => Answer | null)): void;
  /** Warnings that stand beside what is found. */
  warnings: readonly string[];
  readonly faults: FaultInjection;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

const STATUS = { bad_data: 400, execution: 422, timeout: 503 } as const;

export async function createPrometheus(options: PrometheusOptions = {}): Promise<Prometheus> {
  const faults = createFaultInjection();
  const ledger = createLedger();
  let finds = options.finds ?? (() => null);
  const server = await servePlain({
    ...{ service: "prometheus", place: "prometheus", faults, ledger, tooMany: "too_many_requests" },
    routes: [
      {
        operation: "query",
        method: "GET",
        path: /^\/api\/v1\/query$/,
        act: ({ query }) => answerQuery(query.get("query"), finds, prometheus.warnings),
      },
    ],
    admit({ authorization }) {
      // Prometheus' own words are its proxy's: it answers with text.
      if (options.authorization !== undefined && authorization !== options.authorization)
        throw new Refusal("unauthorized", "Unauthorized", 401);
    },
    refusal: ({ message }) => message,
  });
  const prometheus: Prometheus = {
    ...{ url: server.url, faults, ledger, warnings: [], close: () => server.close() },
    finds(answer) {
      finds = typeof answer === "function" ? answer : () => answer;
    },
  };
  return prometheus;
}

/** The same for a server that answers more than queries. */
export function answerQuery(
  text: string | null,
  finds: (query: string) => Answer | null,
  warnings: readonly string[] = [],
): PlainTurn {
  if (text === null || text.trim() === "")
    return refused("bad_data", 'invalid parameter "query": 1:1: parse error: no expression found in input');
  const found = finds(text) ?? { vector: [] };
  if ("error" in found) return refused(found.error, found.says);
  const data = dataOf(found);
  return { body: { status: "success", data, ...(warnings.length > 0 && { warnings }) } };
}

function dataOf(found: Exclude<Answer, { error: string }>): { resultType: string; result: unknown } {
  const now = Date.now() / 1000;
  if ("scalar" in found) return { resultType: "scalar", result: [now, found.scalar] };
  if ("string" in found) return { resultType: "string", result: [now, found.string] };
  if ("matrix" in found) return { resultType: "matrix", result: found.matrix };
  if ("histogram" in found) {
    const histogram = [now, { count: "4", sum: "1.5", buckets: [[0, "0.25", "0.5", "4"]] }];
    return { resultType: "vector", result: [{ metric: found.histogram, histogram }] };
  }
  return { resultType: "vector", result: found.vector.map(([metric, value]) => ({ metric, value: [now, value] })) };
}

function refused(errorType: keyof typeof STATUS, error: string): PlainTurn {
  return { status: STATUS[errorType], body: { status: "error", errorType, error } };
}
