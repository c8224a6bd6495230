import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { IncidentState } from "../incident/state.ts";
import { DEADLINE_HIT } from "../lib/deadline.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Decided, StoredEvent, Timeline } from "../timeline/contract.ts";
import { createNames } from "./names.ts";
import { type NowSources, nowMetrics } from "./now.ts";
import { recordedMetrics } from "./recorded.ts";

/** From one commit on a local disk to a store that failed over meanwhile, seconds. */
const WRITE_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30];

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
  const writes = new Histogram({
    name: "lifeboat_store_write_seconds",
    help: "A decision written to the timeline, from the call to the commit, retries included",
    labelNames: ["outcome"],
    buckets: WRITE_SECONDS,
    registers: [registry],
  });
  const onLate = () => late.inc();
  subscribe(DEADLINE_HIT, onLate);
  const names = createNames();
  const recorded = recordedMetrics(registry, names);
  const now = nowMetrics(registry, options.now, names);
  const counting = new Set<Promise<void>>();

  async function count(stream: string, events: readonly StoredEvent[]): Promise<void> {
    try {
      const state = await options.read(stream);
      for (const event of events) recorded.count(event, state);
    } catch (error) {
      log.debug({ event: "metrics.not_counted", stream, error: messageOf(error) }, "events not counted");
    }
  }

  /** A decision that refuses by throwing wrote nothing: that it was read is no latency of a write. */
  async function timed<T>(write: () => Promise<Decided<T>>): Promise<Decided<T>> {
    const began = performance.now();
    const took = () => (performance.now() - began) / 1000;
    try {
      const decided = await write();
      if (decided.kind !== "written" || decided.events.length > 0) writes.observe({ outcome: decided.kind }, took());
      return decided;
    } catch (error) {
      if (error instanceof LifeboatError && error.problem.code === "store-away")
        writes.observe({ outcome: "failed" }, took());
      throw error;
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
        const decided = await timed(() => timeline.decide(stream, decide, decideOptions));
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
