import type { Mode } from "../catalog/types.ts";
import type { Plans } from "../incident/evolve.ts";
import { type MoveUnderWay, movesUnderWay, type RecentMove, verifiedMoves } from "../incident/moves.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Logger } from "../lib/log.ts";
import type { Decided, Decision, StoredEvent, Timeline } from "../timeline/contract.ts";
import type { Entry } from "./known.ts";
import { createOverview } from "./overview.ts";
import { createReader } from "./reader.ts";
import { isOpen, verifiedIn } from "./summary.ts";

export { decodePlan } from "./plans.ts";
export { isOpen } from "./summary.ts";

/** An incident and the channel of its own, where it has one. */
export interface Placed {
  readonly state: IncidentState;
  readonly channel: string | null;
}

/** Where incidents are shown. */
export interface Channels {
  /** The channels of these incidents; one that has none is absent. */
  readonly channelsOf: (incidents: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** The incident whose own channel this is, or null. */
  readonly incidentAt: (channel: string) => Promise<string | null>;
}

/**
 * The one read model of incidents. Everything it answers is folded from events the timeline has verified; how much it reads
 * depends on what is open and what changed since, never on how many incidents there were. One for each process.
 */
export interface Incidents {
  /** As it is now. What was never declared is there, with nothing in it. @throws LifeboatError `timeline-broken`, `store-away` */
  read(id: string): Promise<IncidentState>;
  /** Decides on it in the transaction that writes: the state is what exactly these events make. */
  decide<T>(
    id: string,
    decide: (state: IncidentState, events: readonly StoredEvent[], now: Date) => Decision<T>,
  ): Promise<Decided<T>>;
  /** Open ones, the one with the newest event first. */
  open(): Promise<readonly Placed[]>;
  /** Open ones, those with a run that is not over, and those with a break-glass no one has reviewed; the newest event first. */
  current(): Promise<readonly IncidentState[]>;
  /** All that were declared, the newest event first, each read when it is requested. */
  all(): AsyncIterable<IncidentState>;
  withChannels(states: readonly IncidentState[]): Promise<readonly Placed[]>;
  /** The one whose own channel this is. */
  at(channel: string): Promise<Placed | null>;
  /** The one people call by this number. */
  numbered(number: number): Promise<IncidentState | null>;
  /** The one that has this run. */
  withRun(run: string): Promise<IncidentState | null>;
  /** Current ones whose record can't be believed: what is in them is not known. */
  unreadable(): readonly string[];
  /** When a runbook was last run to its end, by system. `mode` null: whichever. Dry runs don't count. */
  lastVerified(): Promise<LastVerified>;
  /**
   * Moves between sites of a system within so many seconds, of every incident, and those that are under way. Who may know of an incident is
   * not asked: they name none.
   */
  recentMoves(system: string, seconds: number): Promise<RecentMoves>;
  /** Where something may have been missed while no process looked: every current one, and the newest of the others. */
  toCatchUp(): Promise<readonly CatchUp[]>;
  /** The plans that these events name. */
  plansOf(events: readonly StoredEvent[]): Promise<Plans>;
}

export type LastVerified = (
  system: string,
  runbook: string,
  mode: Mode | null,
) => { readonly run: string; readonly at: Date } | null;

export interface RecentMoves {
  /** Verified, with the incident each is of. */
  readonly verified: readonly (RecentMove & { readonly incident: string })[];
  readonly underWay: readonly MoveUnderWay[];
}

export interface CatchUp {
  readonly id: string;
  readonly version: number;
  readonly updatedAt: Date;
  /** Nothing in it is open. */
  readonly over: boolean;
}

export interface IncidentsOptions {
  readonly timeline: Pick<
    Timeline,
    | "read"
    | "decide"
    | "planOf"
    | "onReread"
    | "heads"
    | "keepSummary"
    | "liveStreams"
    | "streamOfRun"
    | "now"
    | "numberOf"
    | "streamNumbered"
    | "doubt"
  >;
  readonly channels: Channels;
  readonly log: Logger;
}

/** How far back is looked where something may have been missed. */
const CATCH_UP = 1000;

export function createIncidents({ timeline, channels, log }: IncidentsOptions): Incidents {
  const reader = createReader(timeline, (id) => overview.stays(id));
  const overview = createOverview({ timeline, reader, log });
  const { read, fresh, stateOf } = overview;

  async function current(): Promise<readonly IncidentState[]> {
    const known = await fresh();
    const entries = known.current().flatMap((id) => known.get(id) ?? []);
    const newestFirst = entries
      .filter(({ is }) => is !== "broken")
      .sort((one, other) => other.head.updatedAt.getTime() - one.head.updatedAt.getTime());
    return (await Promise.all(newestFirst.map(stateOf))).filter(({ declared }) => declared !== null);
  }

  return {
    read,
    current,
    decide: reader.decide,
    plansOf: reader.plansOf,
    unreadable: overview.broken,
    async *all() {
      for (const entry of (await fresh()).newestFirst()) {
        if (entry.is === "broken") continue;
        const state = await stateOf(entry);
        if (state.declared !== null) yield state;
      }
    },
    async open() {
      const open = (await current()).filter(isOpen);
      if (open.length === 0) return [];
      const places = await channels.channelsOf(open.map(({ id }) => id));
      return open.map((state) => ({ state, channel: places.get(state.id) ?? null }));
    },
    async withChannels(states) {
      const places = await channels.channelsOf(states.map(({ id }) => id));
      return states.map((state) => ({ state, channel: places.get(state.id) ?? null }));
    },
    async at(channel) {
      const id = await channels.incidentAt(channel);
      return id === null ? null : { state: await read(id), channel };
    },
    async numbered(number) {
      const id = await timeline.streamNumbered(number);
      const state = id === null ? null : await read(id);
      return state?.number === number ? state : null;
    },
    async withRun(run) {
      const id = await timeline.streamOfRun(run);
      const state = id === null ? null : await read(id);
      return state?.runs.has(run) ? state : null;
    },
    async lastVerified() {
      const now = await current();
      const known = await fresh();
      return (system, runbook, mode) => {
        const modes = mode === null ? (["planned", "unplanned"] as const) : [mode];
        const past = modes.flatMap((one) => known.verified(system, runbook, one) ?? []);
        const own = now
          .filter(({ declared }) => declared?.system === system)
          .flatMap(verifiedIn)
          .filter((run) => run.runbook === runbook && modes.includes(run.mode));
        const [last] = [...past, ...own].sort((one, other) => (one.at < other.at ? 1 : -1));
        return last ? { run: last.run, at: new Date(last.at) } : null;
      };
    },
    async recentMoves(system, seconds) {
      const known = await fresh();
      const since = timeline.now().getTime() - seconds * 1000;
      const mayHave = ({ head, is }: Entry) =>
        is !== "broken" &&
        (typeof is === "string" || is.system === system) &&
        (is === "current" || head.updatedAt.getTime() >= since);
      const found = await Promise.all(known.newestFirst().filter(mayHave).map(stateOf));
      const ours = found.filter(({ declared }) => declared?.system === system);
      return {
        verified: ours.flatMap((state) => verifiedMoves(state).map((move) => ({ ...move, incident: state.id }))),
        underWay: ours.flatMap(movesUnderWay),
      };
    },
    async toCatchUp() {
      const known = await fresh();
      const all = known
        .newestFirst()
        .map(({ head: { id, version, updatedAt } }) => ({ id, version, updatedAt, over: !known.isCurrent(id) }));
      return [...all.filter(({ over }) => !over), ...all.filter(({ over }) => over).slice(0, CATCH_UP)];
    },
  };
}
