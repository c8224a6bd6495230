import { blankIncident } from "../incident/evolve.ts";
import { isPrivate } from "../incident/members.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Incidents } from "../incidents/index.ts";
import type { Logger } from "../lib/log.ts";
import type { Deliveries, Desired } from "../projection/deliveries.ts";
import { createProjector, isIncident } from "../projection/projector.ts";
import { createDeliveryWorker, type Sink } from "../projection/worker.ts";
import { OTLP } from "../sinks/otlp/otlp.ts";
import { PATIENCE_MS, queueOf, WEBHOOK } from "../sinks/webhook/webhook.ts";
import type { StoredEvent, Timeline } from "../timeline/contract.ts";
import { recordOf } from "./event-record.ts";
import { matches, type Subscribed } from "./receivers.ts";
import { traceOf } from "./trace.ts";

export interface TelemetryOptions {
  readonly timeline: Pick<Timeline, "follow" | "read" | "streams" | "now">;
  readonly incidents: Pick<Incidents, "read">;
  readonly deliveries: Deliveries;
  /** The stream of what belongs to no incident: codes that were locked, refusals. */
  readonly workspace: string;
  readonly receivers: readonly Subscribed[];
  /** Runs are exported as traces. */
  readonly traces: boolean;
  readonly sinks: readonly Sink[];
  /** Drops what these sinks delivered so many days ago. */
  readonly prune: (sinks: readonly string[], days: number) => Promise<void>;
  readonly log: Logger;
  readonly pollMs?: number;
}

/** What machines outside are told of the timeline: events to webhooks, ended runs to a collector of traces. */
export interface Telemetry {
  start(): void;
  stop(): Promise<void>;
}

/** What is older is not sent to who is told for the first time: it would be given up at once. */
const WINDOW_MS = PATIENCE_MS;
/** Longer than the window, so that what was delivered is known for as long as it could be desired again. */
const KEPT_DAYS = 7;
const STREAMS = 1000;
const PRUNE_EVERY_MS = 3600 * 1000;

/** Every process does so: what is desired has a key, and is in the outbox once. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { timeline, incidents, deliveries, receivers, traces, sinks, log, workspace } = options;
  /** How far each stream was looked at by this process. */
  const seen = new Map<string, number>();
  let prunedAt = Number.NEGATIVE_INFINITY;
  const projector = createProjector({
    ...{ name: "telemetry", timeline, log, look, missed },
    concerns: (stream) => isIncident(stream) || stream === workspace,
    async round() {
      await worker.round();
      await prune();
    },
    ...(options.pollMs !== undefined && { everyMs: options.pollMs }),
  });
  const worker = createDeliveryWorker({ deliveries, log, sinks, ended: projector.wake });

  async function look(stream: string): Promise<void> {
    const state = await stateOf(stream);
    if (state === null) return;
    const since = timeline.now().getTime() - WINDOW_MS;
    const events = await timeline.read(stream, seen.get(stream) ?? 0);
    const upTo = events.at(-1)?.version;
    if (upTo === undefined) return;
    const news = events.filter(({ at }) => at.getTime() > since);
    const spans = traces ? await traced(news, stream, state) : [];
    const items = [...news.flatMap((event) => posted(event, state)), ...spans];
    await deliveries.enqueue(stream, upTo, items);
    seen.set(stream, upTo);
    if (items.length > 0) projector.wake();
  }

  /** Null: no one outside is told of it. */
  async function stateOf(stream: string): Promise<IncidentState | null> {
    if (stream === workspace) return blankIncident(stream);
    const state = await incidents.read(stream);
    return state.declared === null || isWithheld(state) ? null : state;
  }

  function posted(event: StoredEvent, state: IncidentState): readonly Desired[] {
    const record = recordOf(event, state);
    return receivers
      .filter(({ wants }) => matches(wants, event.type, record.data))
      .map(({ name }) => ({
        sink: WEBHOOK,
        queue: queueOf(name),
        key: `${name}/${event.version}`,
        once: true,
        desired: record,
      }));
  }

  /** The whole record is read once a run, when it has ended. */
  async function traced(
    news: readonly StoredEvent[],
    stream: string,
    state: IncidentState,
  ): Promise<readonly Desired[]> {
    const runs = new Set(news.flatMap(({ type, run }) => (run !== null && ENDED.has(type) ? [run] : [])));
    if (runs.size === 0) return [];
    const all = await timeline.read(stream);
    return [...runs].flatMap((id) => {
      const run = state.runs.get(id);
      if (run === undefined) return [];
      const events = all.filter((event) => event.run === id);
      const spans = traceOf({ system: state.declared?.system ?? "", incident: state.id, run, events });
      return [{ sink: OTLP, queue: OTLP, key: `run/${id}`, once: true, desired: { spans } }];
    });
  }

  async function missed(): Promise<readonly string[]> {
    const since = timeline.now().getTime() - WINDOW_MS;
    const streams = await timeline.streams("inc-", STREAMS);
    return [workspace, ...streams.flatMap(({ id, updatedAt }) => (updatedAt.getTime() > since ? [id] : []))];
  }

  async function prune(): Promise<void> {
    if (performance.now() - prunedAt < PRUNE_EVERY_MS) return;
    prunedAt = performance.now();
    await options.prune([WEBHOOK, OTLP], KEPT_DAYS);
  }

  return {
    start: projector.start,
    async stop() {
      await projector.stop();
      await worker.settled();
    },
  };
}

const ENDED = new Set(["run.verified", "run.failed", "run.aborted"]);

/** Only its members know of a private incident, and of a drill no one was told of beforehand only those who hold it. */
function isWithheld({ declared }: IncidentState): boolean {
  return isPrivate(declared) || declared?.drill?.unannounced === true;
}
