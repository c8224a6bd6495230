import { LifeboatError, messageOf } from "../../lib/errors.ts";
import { isUnconnected, post } from "../../lib/web.ts";
import type { Sent, Sink } from "../../projection/worker.ts";

/** A span in OTLP's JSON encoding (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in hexadecimal, times as texts. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1: internal; 3: client. */
  readonly kind: 1 | 3;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  /** 1: ok; 2: error. */
  readonly status: { readonly code: 1 | 2; readonly message?: string };
}

export interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string } | { readonly boolValue: boolean };
}

export interface OtlpOptions {
  /** The whole address of traces: `https://collector:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
  readonly version: string;
  readonly practice: boolean;
  readonly seconds: number;
  readonly now?: () => Date;
}

export const OTLP = "otlp";
const BYTES_MAX = 64 * 1024;
/** What the collector did not take for so long after a run had ended is given up: it holds up everything after it. */
const PATIENCE_MS = 24 * 3600 * 1000;
/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE = new Set([429, 502, 503, 504]);
/** Settings that can be put right. */
const MENDABLE = new Set([401, 403, 404]);

export function attributes(values: Readonly<Record<string, string | number | boolean | null>>): readonly Attribute[] {
  return Object.entries(values).flatMap(([key, value]) => (value === null ? [] : [{ key, value: anyValue(value) }]));
}

function anyValue(value: string | number | boolean): Attribute["value"] {
  if (typeof value === "number") return { intValue: String(Math.trunc(value)) };
  return typeof value === "boolean" ? { boolValue: value } : { stringValue: value };
}

/** A collector that takes OTLP over HTTP as JSON. Ids are derived from the run, so a repeat is the same trace. */
export function createOtlp(options: OtlpOptions): Sink {
  const { url, headers, resource, version, practice, seconds, now = () => new Date() } = options;
  return {
    name: OTLP,
    async send({ desired }): Promise<Sent> {
      const { spans } = desired as { readonly spans: readonly Span[] };
      if (now().getTime() - endOf(spans) > PATIENCE_MS)
        return { how: "never", says: "The collector took nothing for a day: this trace is too old to be sent" };
      const scope = { name: "lifeboat", version };
      const body = JSON.stringify({
        resourceSpans: [{ resource: { attributes: attributes(resource) }, scopeSpans: [{ scope, spans }] }],
      });
      try {
        const sent = { "content-type": "application/json", ...headers };
        const { status } = await post(url, body, sent, { practice, seconds, bytesMax: BYTES_MAX });
        return answered(status);
      } catch (error) {
        if (error instanceof LifeboatError && /^(address|url)-/.test(error.problem.code))
          return { how: "never", says: error.problem.what };
        return { how: "later", sure: isUnconnected(error), says: `The collector does not answer: ${messageOf(error)}` };
      }
    },
    async record() {},
  };
}

/** When the last of them ended, in milliseconds since 1970. */
function endOf(spans: readonly Span[]): number {
  return Math.max(...spans.map(({ endTimeUnixNano }) => Number(BigInt(endTimeUnixNano) / 1_000_000n)));
}

function answered(status: number): Sent {
  if (status >= 200 && status < 300) return { how: "delivered", told: { status }, reference: null, says: null };
  const says = `The collector answers ${status}`;
  if (RETRYABLE.has(status) || MENDABLE.has(status) || status >= 500) return { how: "later", sure: false, says };
  return { how: "never", says };
}
