import type { System } from "../catalog/types.ts";
import type { ScheduleRules } from "../incident/scheduled.ts";
import type { Incidents } from "../incidents/index.ts";
import type { Logger } from "../lib/log.ts";
import type { Deliveries } from "../projection/deliveries.ts";
import { createProjector } from "../projection/projector.ts";
import { createDeliveryWorker, type Sink } from "../projection/worker.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { Schedule } from "../timeline/schedule.ts";
import { createCadenceWorker } from "./cadence.ts";
import { onTimeline } from "./delivery-record.ts";
import { outgoing } from "./outgoing.ts";
import { createPagePublisher } from "./page/publish.ts";
import type { StatusPage } from "./page/serve.ts";

export interface CommsWorkerOptions {
  readonly timeline: Pick<Timeline, "decide" | "follow" | "now">;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp">;
  readonly deliveries: Deliveries;
  readonly schedule: Schedule;
  /** As they are now. */
  readonly systems: () => readonly System[];
  /** Mail and Statuspage, as far as they are configured. The built-in page needs no configuration. */
  readonly sinks: readonly Sink[];
  readonly page: StatusPage;
  readonly practice: boolean;
  /** What becomes of the channel of a closed incident; absent: nothing. */
  readonly rules?: ScheduleRules;
  readonly log: Logger;
  readonly pollMs?: number;
}

/**
 * Everything about telling people that happens by itself: what was posted is delivered once, the status page shows it, and
 * what is due is reminded of and recorded as late. It reads the timeline and writes events to it; any number of
 * processes do so together.
 */
export interface CommsWorker {
  start(): void;
  stop(): Promise<void>;
}

/** As far back as the page reads when it is opened. */
const PAGED = 100;

export function createCommsWorker(options: CommsWorkerOptions): CommsWorker {
  const { timeline, incidents, deliveries, systems, log } = options;
  const { read } = incidents;
  const page = createPagePublisher({ ...options, read, now: timeline.now });
  const cadence = createCadenceWorker({ ...options, rules: options.rules ?? { archiveAfterSeconds: null }, read });
  const projector = createProjector({
    ...{ name: "comms", timeline, log, look, missed },
    async round() {
      for (const incident of await cadence.due()) projector.changed(incident);
      await worker.round();
    },
    ...(options.pollMs !== undefined && { everyMs: options.pollMs }),
  });

  const worker = createDeliveryWorker({
    ...{ deliveries, log, ended: projector.wake },
    sinks: [...options.sinks, page.sink].map((sink) => onTimeline(sink, timeline)),
  });

  async function look(incident: string): Promise<void> {
    const state = await read(incident);
    const system = systems().find(({ id }) => id === state.declared?.system) ?? null;
    if (system !== null) {
      await deliveries.enqueue(state.id, state.version, outgoing(state, system));
      if (page.keep(state)) await page.publish();
    }
    await cadence.look(state, system);
    if (state.comms.updates.length > 0) projector.wake();
  }

  async function missed(): Promise<readonly string[]> {
    const streams = await incidents.toCatchUp();
    const seen = await cadence.versions(streams.map(({ id }) => id));
    await Promise.allSettled(streams.slice(0, PAGED).map(({ id }) => page.read(id)));
    await page
      .publish()
      .catch((error) => log.error({ event: "comms.page_not_written", err: error }, "status page not written"));
    return streams.flatMap(({ id, version }) => ((seen.get(id) ?? -1) < version ? [id] : []));
  }

  return {
    start: projector.start,
    async stop() {
      await projector.stop();
      await worker.settled();
    },
  };
}
