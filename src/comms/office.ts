import { randomUUID } from "node:crypto";
import type { System } from "../catalog/types.ts";
import { cadenceDue } from "../incident/cadence.ts";
import { fold, type LogEvent } from "../incident/evolve.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Incidents } from "../incidents/index.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { Deliveries } from "../timeline/delivery.ts";
import type { Schedule } from "../timeline/schedule.ts";
import { createCourier } from "./courier.ts";
import { outgoing } from "./outgoing.ts";
import { drawPage, type PagedIncident } from "./page/draw.ts";
import type { StatusPage } from "./page/serve.ts";
import type { Way } from "./way.ts";

export interface OfficeOptions {
  readonly timeline: Pick<Timeline, "decide" | "follow" | "now">;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp">;
  readonly deliveries: Deliveries;
  readonly schedule: Schedule;
  /** As they are now. */
  readonly systems: () => readonly System[];
  /** Mail and Statuspage, as far as they are configured. The built-in page needs no configuration. */
  readonly ways: readonly Way[];
  readonly page: StatusPage;
  readonly practice: boolean;
  readonly log: Logger;
  readonly pollMs?: number;
}

/**
 * Everything about telling people that happens by itself: what was said is brought outside once, the status page shows
 * it, and what is owed is reminded of and recorded as late. It reads the timeline and writes events to it; any number of
 * processes do so together.
 */
export interface Office {
  start(): void;
  stop(): Promise<void>;
}

/** A look that dies is done again by somebody after this. */
const LOOK_SECONDS = 15;
const LOOKS_AT_ONCE = 20;
/** As far back as the page reads when it is opened. */
const PAGED = 100;

export function createOffice(options: OfficeOptions): Office {
  const { timeline, deliveries, schedule, systems, page, log, pollMs = 1000 } = options;
  const onPage = new Map<string, PagedIncident>();
  const planned = new Map<string, number | null>();
  /** Streams whose moment this process has taken on, and has to say the next of. */
  const claimed = new Set<string>();
  const looking = new Map<string, { again: boolean; work: Promise<void> }>();
  const builtIn: Way = {
    via: "page",
    async send({ content }) {
      const { incident } = content as { incident: string };
      await know(incident);
      try {
        await publish();
      } catch (error) {
        return { how: "later", sure: true, says: `the page could not be written: ${messageOf(error)}` };
      }
      return { how: "delivered", to: "the page", reference: null, says: null };
    },
  };
  const courier = createCourier({
    ...{ timeline, deliveries, log, owner: `courier-${randomUUID()}` },
    ways: [...options.ways, builtIn],
  });
  let unfollow: (() => void) | null = null;
  let timer: NodeJS.Timeout | null = null;
  let ticking: Promise<void> | null = null;
  let stopping = false;

  async function look(stream: string): Promise<void> {
    const state = await options.incidents.read(stream);
    const system = systems().find(({ id }) => id === state.declared?.system);
    if (system === undefined) return lookAgain(state, null);
    for (const wanted of outgoing(state, system)) await deliveries.want(wanted);
    if (keep(state)) await publish();
    const due = cadenceDue(state, system, timeline.now());
    if (due.events.length > 0) return remind(stream, system);
    await lookAgain(state, due.nextAt);
    if (state.comms.updates.length > 0) soon();
  }

  /** Decided once more where it is written, with the store's clock and every event there is: it is recorded once. */
  async function remind(stream: string, system: System): Promise<void> {
    const decided = await timeline.decide(stream, (events, now) => ({
      events: cadenceDue(stateOf(stream, events), system, now).events,
      value: null,
    }));
    // What was written is looked at as any change is. Nothing was: this clock ran ahead, or another was quicker.
    if (decided.kind === "written" && decided.events.length === 0)
      await lookAgain(await options.incidents.read(stream), new Date(timeline.now().getTime() + 1000));
  }

  /** Written only when it changes: most of what happens in a run is nothing anybody is promised. */
  async function lookAgain({ id, version }: IncidentState, nextAt: Date | null): Promise<void> {
    const at = nextAt?.getTime() ?? null;
    if (!claimed.delete(id) && planned.get(id) === at) return;
    await schedule.set(id, version, nextAt);
    planned.set(id, at);
  }

  /** True: the page looks different with it. */
  function keep(state: IncidentState): boolean {
    const updates = state.comms.updates.flatMap(({ page: said, at, audience }) =>
      said === null ? [] : [{ page: said, at, audience }],
    );
    const before = onPage.get(state.id)?.updates.length ?? 0;
    if (updates.length === before) return false;
    onPage.set(state.id, { id: state.id, system: state.declared?.system ?? "", updates });
    return true;
  }

  async function know(stream: string): Promise<void> {
    keep(await options.incidents.read(stream));
  }

  function publish(): Promise<void> {
    const { practice } = options;
    return page.show(drawPage({ systems: systems(), incidents: [...onPage.values()], practice, now: timeline.now() }));
  }

  /** One look at a stream at a time; changes that come meanwhile are looked at once, after it. */
  function changed(stream: string): void {
    if (stopping || !stream.startsWith("inc-")) return;
    const running = looking.get(stream);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const entry = { again: false, work: Promise.resolve() };
    looking.set(stream, entry);
    entry.work = look(stream)
      .catch((error) => log.error({ err: error, stream }, "What people are owed could not be looked at."))
      .finally(() => {
        looking.delete(stream);
        if (entry.again) changed(stream);
      });
  }

  async function catchUp(): Promise<void> {
    const streams = await options.incidents.toCatchUp();
    const seen = await schedule.versions(streams.map(({ id }) => id));
    await Promise.allSettled(streams.slice(0, PAGED).map(({ id }) => know(id)));
    await publish().catch((error) => log.error({ err: error }, "The status page could not be written."));
    for (const { id, version } of streams) if ((seen.get(id) ?? -1) < version) changed(id);
  }

  function soon(): void {
    if (timer !== null) clearTimeout(timer);
    if (!stopping) timer = setTimeout(tick, 0);
  }

  function tick(): void {
    if (ticking !== null || stopping) return;
    ticking = (async () => {
      for (const stream of await schedule.claim(LOOK_SECONDS, LOOKS_AT_ONCE)) {
        claimed.add(stream);
        changed(stream);
      }
      await courier.round();
    })()
      .catch((error) => log.debug({ err: error }, "Deliveries could not be looked at; it is tried again."))
      .finally(() => {
        ticking = null;
        if (!stopping) timer = setTimeout(tick, pollMs);
      });
  }

  return {
    start() {
      unfollow = timeline.follow(changed);
      void catchUp()
        .catch((error) => log.error({ err: error }, "Missed events could not be read."))
        .finally(tick);
    },
    async stop() {
      stopping = true;
      unfollow?.();
      if (timer !== null) clearTimeout(timer);
      await ticking;
      await Promise.allSettled([...looking.values()].map(({ work }) => work));
    },
  };
}

/** In the transaction that writes, from every event there is. Runs are not read: nothing that is owed depends on them. */
function stateOf(stream: string, events: Iterable<LogEvent>): IncidentState {
  return fold(stream, events, new Map());
}
