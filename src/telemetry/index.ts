import type { Incidents } from "../incidents/index.ts";
import type { Logger } from "../lib/log.ts";
import type { Deliveries } from "../projection/deliveries.ts";
import type { Sink } from "../projection/worker.ts";
import { createOtlp, OTLP } from "../sinks/otlp/otlp.ts";
import { createWebhook, queueOf } from "../sinks/webhook/webhook.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { OtelSettings } from "./otel-settings.ts";
import { readReceivers } from "./receivers.ts";
import { createTelemetry, type Telemetry } from "./worker.ts";

export interface TelemetryParts {
  readonly config: { readonly webhooksFile: string | null; readonly traces: OtelSettings | null };
  readonly timeline: Pick<Timeline, "follow" | "read" | "streams" | "now">;
  readonly incidents: Pick<Incidents, "read">;
  readonly deliveries: Deliveries;
  readonly prune: (sinks: readonly string[], days: number) => Promise<void>;
  /** Drops what waits for anyone but these queues. */
  readonly drop: (butOf: readonly string[]) => Promise<void>;
  readonly workspace: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of each secret that was read, so that it is kept out of what is written. */
  readonly noted: (secret: string) => void;
  readonly practice: boolean;
  readonly version: string;
  readonly log: Logger;
}

/**
 * What waits for a receiver or a collector that isn't configured any more is dropped first.
 * @throws LifeboatError where the file of receivers can't be used
 */
export async function startTelemetry(parts: TelemetryParts): Promise<Telemetry> {
  const { config, practice, version, noted } = parts;
  const receivers = config.webhooksFile === null ? [] : readReceivers(config.webhooksFile, parts.environment);
  const urls = [...receivers.map(({ url }) => url), ...(config.traces === null ? [] : [config.traces.url])];
  for (const secret of [
    ...receivers.flatMap(({ secrets }) => secrets),
    ...Object.values(config.traces?.headers ?? {}),
    ...urls.flatMap(secretsIn),
  ])
    noted(secret);
  const sinks: readonly Sink[] = [
    ...(receivers.length > 0
      ? [createWebhook({ receivers: new Map(receivers.map((one) => [one.name, one])), practice })]
      : []),
    ...(config.traces === null ? [] : [createOtlp({ ...config.traces, practice, version })]),
  ];
  const telemetry = createTelemetry({ ...parts, receivers, traces: config.traces !== null, sinks });
  await parts.drop([...receivers.map((one) => queueOf(one.name)), ...(config.traces === null ? [] : [OTLP])]);
  telemetry.start();
  return telemetry;
}

/** The path and the query of an address can be its password. */
function secretsIn(url: string): readonly string[] {
  const { pathname, search } = new URL(url);
  return [pathname, search].filter((part) => part.length >= SECRET_LEAST);
}

/** Characters; what is shorter stands in other texts too. */
const SECRET_LEAST = 16;
