import type { OtlpOptions } from "../sinks/otlp/otlp.ts";

/** The usual variables (https://opentelemetry.io/docs/specs/otel/protocol/exporter/), as far as they concern traces over HTTP. */
export const OTEL_VARIABLES = [
  "OTEL_SDK_DISABLED",
  "OTEL_TRACES_EXPORTER",
  "OTEL_SERVICE_NAME",
  "OTEL_RESOURCE_ATTRIBUTES",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
  "OTEL_EXPORTER_OTLP_TIMEOUT",
  "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
  "OTEL_EXPORTER_OTLP_PROTOCOL",
  "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
] as const;

export type OtelSettings = Pick<OtlpOptions, "url" | "headers" | "resource" | "seconds">;
type Given = Readonly<Partial<Record<(typeof OTEL_VARIABLES)[number], string>>>;

const SECONDS = 10;

/** Null: no traces are exported, which is so as long as no endpoint is given. */
export function otelSettings(given: Given): OtelSettings | null {
  const url = urlOf(given);
  if (url === null || given.OTEL_SDK_DISABLED?.toLowerCase() === "true") return null;
  if (![undefined, "otlp"].includes(given.OTEL_TRACES_EXPORTER)) return null;
  const milliseconds = Number(given.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT ?? given.OTEL_EXPORTER_OTLP_TIMEOUT);
  const resource = pairs(given.OTEL_RESOURCE_ATTRIBUTES);
  return {
    url,
    headers: { ...pairs(given.OTEL_EXPORTER_OTLP_HEADERS), ...pairs(given.OTEL_EXPORTER_OTLP_TRACES_HEADERS) },
    resource: { ...resource, "service.name": given.OTEL_SERVICE_NAME ?? resource["service.name"] ?? "lifeboat" },
    seconds: milliseconds > 0 ? Math.min(60, milliseconds / 1000) : SECONDS,
  };
}

/** Why this can't be, in a sentence; null: it can. */
export function otelProblem(given: Given): string | null {
  const url = urlOf(given);
  if (url === null) return null;
  const protocol = given.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? given.OTEL_EXPORTER_OTLP_PROTOCOL ?? "http/json";
  if (protocol === "grpc") return "Traces are sent over HTTP only: give the collector's HTTP port, usually 4318";
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? null : "It has to be an http or https address";
}

function urlOf(given: Given): string | null {
  if (given.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) return given.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const base = given.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!base) return null;
  return base.endsWith("/") ? `${base}v1/traces` : `${base}/v1/traces`;
}

/** `key=value,key=value`, percent-encoded. What can't be read is left out. */
function pairs(text = ""): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(",").flatMap((one) => {
      const at = one.indexOf("=");
      const key = one.slice(0, at).trim();
      if (at < 1 || !/^[\w.-]+$/.test(key)) return [];
      try {
        return [[key, decodeURIComponent(one.slice(at + 1).trim())]];
      } catch {
        return [];
      }
    }),
  );
}
