import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { IncidentState } from "../incident/state.ts";
import { DEADLINE_HIT } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { StoredEvent, Timeline } from "../timeline/contract.ts";
import { type NowSources, nowMetrics } from "./now.ts";
import { recordedMetrics } from "./recorded.ts";

export interface Metrics {
  /** The same timeline; what is written through it is counted. */
  counted(timeline: Timeline): Timeline;
  /** In Prometheus' text format, as things are now. */
  text(): Promise<string>;
  readonly contentType: string;
  /** Every metric there is, with its labels. */
  described(): readonly { readonly name: string; readonly type: string; readonly labelNames: readonly string[] }[];
  /** Resolves when everything that was written is counted. */
  settled(): Promise<void>;
  close(): void;
}

export interface MetricsOptions {
  readonly version: string;
  /** The incident an event was written to, with that event in it. */
  readonly read: (incident: string) => Promise<IncidentState>;
  readonly now: NowSources;
  readonly log: Logger;
  readonly clock?: () => Date;
}

/**
 * Metrics of one bot. They are a view, like everything that is derived from the timeline: counting is done behind the answer, and
 * what can't be counted is logged and never in the way.
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const { log, clock = () => new Date() } = options;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({ name: "lifeboat_info", help: "Always 1", labelNames: ["version"], registers: [registry] }).set(
    { version: options.version },
    1,
  );
  const lost = new Counter({
    name: "lifeboat_leases_lost_total",
    help: "How often this bot found that another one drives its run",
    registers: [registry],
  });
  const late = new Counter({
    name: "lifeboat_deadlines_hit_total",
    help: "Outside calls that gave no answer in time",
    registers: [registry],
  });
  const onLate = () => late.inc();
  subscribe(DEADLINE_HIT, onLate);
  const recorded = recordedMetrics(registry);
  const now = nowMetrics(registry, options.now);
  const counting = new Set<Promise<void>>();

  async function count(stream: string, events: readonly StoredEvent[]): Promise<void> {
    try {
      const state = await options.read(stream);
      for (const event of events) recorded.count(event, state);
    } catch (error) {
      log.debug({ event: "metrics.not_counted", stream, error: messageOf(error) }, "events not counted");
    }
  }

  function countSoon(stream: string, written: readonly StoredEvent[]): void {
    const events = written.filter(({ type }) => recorded.counts(type));
    if (events.length === 0) return;
    const done = count(stream, events).finally(() => counting.delete(done));
    counting.add(done);
  }

  return {
    counted: (timeline) => ({
      ...timeline,
      async decide(stream, decide, decideOptions) {
        const decided = await timeline.decide(stream, decide, decideOptions);
        if (decided.kind === "lost") lost.inc();
        if (decided.kind === "written") countSoon(stream, decided.events);
        return decided;
      },
    }),
    async text() {
      await now.look(clock());
      return registry.metrics();
    },
    contentType: registry.contentType,
    described: () => registry.getMetricsAsArray().map(described),
    async settled() {
      while (counting.size > 0) await Promise.all(counting);
    },
    close() {
      unsubscribe(DEADLINE_HIT, onLate);
      registry.clear();
    },
  };
}

/** `prom-client` keeps the labels of a metric, and its types don't say so. */
function described(metric: object) {
  const { name, type, labelNames = [] } = metric as { name: string; type: string; labelNames?: readonly string[] };
  return { name, type, labelNames };
}
