import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import { get } from "../../lib/web.ts";
import type { ReadContext } from "../contract.ts";
import { ask, basicLogin } from "../rest.ts";

/**
 * Prometheus' instant query, `GET /api/v1/query`, as https://prometheus.io/docs/prometheus/latest/querying/api/ documents it: the envelope
 * `{status, data: {resultType, result}, errorType, error, warnings}`, samples as `[<unix time>, "<value>"]`, and 400 (a bad parameter), 422 (the
 * expression can't be executed) and 503 (it took too long) beside 200. What speaks the same interface (Thanos, Mimir, VictoriaMetrics) answers the same.
 */

export const prometheusInput = z
  .strictObject({
    /** `https://prometheus.example`, with the prefix it is served under and without a slash at its end. */
    url: z.url({ protocol: /^https?$/ }).regex(/[^/]$/, "is written without a slash at its end"),
    login: z.strictObject({ user: z.string().min(1), passwordFrom: z.string().min(1) }).optional(),
    /** A secret that holds what follows `Bearer` in the header. */
    tokenFrom: z.string().min(1).optional(),
  })
  .refine(({ login, tokenFrom }) => !(login && tokenFrom), { message: "takes either login or tokenFrom" });
export type Prometheus = z.infer<typeof prometheusInput>;

/** What a query found. Plain JSON. */
export type Found =
  /** `values`: of each series, or the one number; never empty, all of them finite or infinite. */
  | { readonly is: "values"; readonly values: readonly Value[]; readonly warnings: readonly string[] }
  /** It was answered, and nothing was measured. `why`: a clause. */
  | { readonly is: "nothing"; readonly why: string; readonly warnings: readonly string[] }
  /** No one can tell. `why`: a clause. */
  | { readonly is: "unknown"; readonly why: string };

export interface Value {
  /** Labels as `name="value"`, sorted; empty: it has none. */
  readonly series: string;
  /** JSON has no infinity: it stands as the text Prometheus gives it. */
  readonly value: number | "+Inf" | "-Inf";
}

const sample = z.tuple([z.number(), z.string()]);
const answer = z.object({
  status: z.enum(["success", "error"]),
  data: z.unknown().optional(),
  errorType: z.string().optional(),
  error: z.string().optional(),
  warnings: z.array(z.string()).default([]),
});
const result = z.discriminatedUnion("resultType", [
  z.object({
    resultType: z.literal("vector"),
    // A native histogram has no `value`.
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: sample.optional() })),
  }),
  z.object({ resultType: z.literal("scalar"), result: sample }),
  z.object({ resultType: z.enum(["matrix", "string"]), result: z.unknown() }),
]);

/** Series that are kept of an answer; a limit is no place for more. */
const SERIES_MAX = 100;

/** Asks once. That it doesn't answer, or doesn't understand, is an observation. */
export async function query(ctx: ReadContext, target: Prometheus, text: string, seconds: number): Promise<Found> {
  let answered: { readonly status: number; readonly body: string };
  try {
    answered = await send(ctx, target, text, seconds);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const says = error instanceof LifeboatError ? error.problem.what : messageOf(error) || "it refused the connection";
    return { is: "unknown", why: `it doesn't answer: ${says}` };
  }
  return foundIn(answered.status, answered.body);
}

/** A password or a token never crosses a network in the open; a query without one may. */
async function send(ctx: ReadContext, { url, login, tokenFrom }: Prometheus, text: string, seconds: number) {
  // The server gives up a little before this does: then it says so itself.
  const parameters = new URLSearchParams({ query: text, timeout: `${Math.max(1, Math.floor(seconds * 0.9))}s` });
  const path = `/api/v1/query?${parameters}`;
  if (login === undefined && tokenFrom === undefined) {
    const { status, body } = await get(url + path, { practice: ctx.practice, seconds, signal: ctx.signal });
    return { status, body };
  }
  const headers =
    login === undefined ? { authorization: `Bearer ${ctx.secret(tokenFrom ?? "")}` } : basicLogin(ctx, login);
  const { status, bytes } = await ask(ctx, { url, headers }, { path, seconds });
  return { status, body: bytes.toString("utf8") };
}

function foundIn(status: number, body: string): Found {
  const read = answer.safeParse(jsonIn(body));
  if (!read.success) return { is: "unknown", why: `it answered ${status}, and not as Prometheus does` };
  const { warnings, errorType = "error", error = "without a reason", data } = read.data;
  if (status !== 200 || read.data.status === "error")
    return { is: "unknown", why: `it answered ${status}, ${errorType}: ${error.slice(0, 300)}` };
  const known = result.safeParse(data);
  if (!known.success) return { is: "unknown", why: "it answered with a result Lifeboat doesn't know" };
  switch (known.data.resultType) {
    case "matrix":
    case "string":
      return { is: "unknown", why: `the query gives a ${known.data.resultType}, and no number to compare` };
    case "scalar":
      return valuesOf([{ series: "", text: known.data.result[1] }], warnings);
    case "vector": {
      const { result: all } = known.data;
      if (all.some(({ value }) => value === undefined))
        return { is: "unknown", why: "the query gives a histogram, and no number to compare" };
      if (all.length > SERIES_MAX)
        return { is: "unknown", why: `the query gives ${all.length} series, more than ${SERIES_MAX}` };
      return valuesOf(
        all.map(({ metric, value }) => ({ series: labelsOf(metric), text: value?.[1] ?? "" })),
        warnings,
      );
    }
    default:
      return known.data satisfies never;
  }
}

/** NaN is what dividing by nothing gives: no request, so no rate of errors. One series of it makes all of them unknown. */
function valuesOf(samples: readonly { series: string; text: string }[], warnings: readonly string[]): Found {
  if (samples.length === 0) return { is: "nothing", why: "it has no data for this query", warnings };
  const empty = samples.find(({ text }) => text === "NaN");
  if (empty !== undefined) {
    const of = empty.series === "" ? "" : ` for ${empty.series}`;
    return { is: "nothing", why: `there was nothing to measure${of} (NaN)`, warnings };
  }
  const values = samples.map(({ series, text }) => ({ series, value: numberIn(text) }));
  const strange = values.findIndex(({ value }) => typeof value === "number" && Number.isNaN(value));
  if (strange >= 0) return { is: "unknown", why: `it answered with "${samples[strange]?.text}", which is no number` };
  return { is: "values", values, warnings };
}

function numberIn(text: string): Value["value"] {
  if (text === "+Inf" || text === "-Inf") return text;
  return text.trim() === "" ? Number.NaN : Number(text);
}

function labelsOf(metric: Readonly<Record<string, string>>): string {
  const labels = Object.entries(metric).sort(([one], [other]) => (one < other ? -1 : 1));
  return labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ");
}

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
