import type { System } from "../catalog/types.ts";
import { alertEvents, type Heard, knows } from "../incident/alerts.ts";
import { decide } from "../incident/decide.ts";
import type { NewEvent } from "../incident/events.ts";
import { evolve } from "../incident/evolve.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Incidents } from "../incidents/index.ts";
import { idFor } from "../lib/id-for.ts";
import type { Timeline } from "../timeline/contract.ts";

export interface Placing {
  readonly timeline: Pick<Timeline, "decide" | "read" | "now">;
  readonly incidents: Pick<Incidents, "read" | "decide" | "open" | "toCatchUp">;
}

/** An incident resolved no longer ago than this goes on when one of its alerts fires again: what mended it did not hold. */
export const REOPEN_SECONDS = 1800;
/** What is resolved is still written to incidents that ended no longer ago than this. */
const LATE_SECONDS = 86_400;
/** A beginning that lies further back is no moment at which users began to hurt. */
const IMPACT_SECONDS = 3600;
/** Others open and resolve incidents meanwhile; each turn is one of theirs. */
const TURNS = 8;

const BOT = { kind: "bot" } as const;

/**
 * Writes what was heard of one system's alerts into the incident it belongs to: the one that knows the instance; else the system's open one; else the one
 * of the same alert that was resolved less than half an hour ago, which is reopened; else a new one. Hearing it again, in any order and in any
 * process, changes nothing.
 */
export async function placeAlerts(placing: Placing, system: System, heard: readonly Heard[]): Promise<void> {
  let left = heard;
  for (const state of await candidates(placing, system)) {
    const own = left.filter((one) => knows(state, one));
    if (own.length === 0) continue;
    await append(placing, system, state.id, own);
    left = left.filter((one) => !own.includes(one));
  }
  // What is over and was never known here is nothing to say.
  const firing = left.filter(({ status }) => status === "firing");
  if (firing.length > 0) await placeNew(placing, system, firing);
}

/** Open incidents of the system, and those that ended within a day. Drills and planned work hear no alerts. */
async function candidates(placing: Placing, system: System): Promise<readonly IncidentState[]> {
  const open = await openOnes(placing, system);
  return [...open, ...(await endedWithin(placing, system, LATE_SECONDS))];
}

async function openOnes({ incidents }: Placing, system: System): Promise<readonly IncidentState[]> {
  return (await incidents.open()).map(({ state }) => state).filter((state) => isOf(state, system));
}

async function endedWithin(
  { incidents, timeline }: Placing,
  system: System,
  seconds: number,
): Promise<IncidentState[]> {
  const since = timeline.now().getTime() - seconds * 1000;
  const recent = (await incidents.toCatchUp()).filter(({ updatedAt }) => updatedAt.getTime() >= since);
  const states = await Promise.all(recent.map(({ id }) => incidents.read(id)));
  return states.filter((state) => isOf(state, system) && (state.resolvedAt?.getTime() ?? 0) >= since);
}

function isOf({ declared }: IncidentState, { id }: System): boolean {
  return declared?.system === id && declared.kind === "real";
}

async function placeNew(placing: Placing, system: System, firing: readonly Heard[]): Promise<void> {
  const stream = `alerts-${system.id}`;
  for (let turn = 0; turn < TURNS; turn++) {
    // Read before open incidents are: the one who opens one writes it here after it is open.
    const opened = await placing.timeline.read(stream);
    const last = (opened.at(-1)?.data as { incident?: string } | undefined)?.incident;
    const open = await openOnes(placing, system);
    const joined = (last && open.find(({ id }) => id === last)) || sameComponent(open, firing) || open[0];
    if (joined) {
      if (await append(placing, system, joined.id, firing)) return;
      continue;
    }
    const before = (await endedWithin(placing, system, REOPEN_SECONDS)).find((state) =>
      firing.some(({ alert }) => state.alerts?.has(alert)),
    );
    if (before !== undefined && before.status === "resolved") {
      if (await append(placing, system, before.id, firing)) return;
      continue;
    }
    // The same in every process that has read the same, so that two which hear of it at once open one.
    const id = idFor("inc", `alerts/${system.id}/${opened.length}`);
    const isPlaced = await append(placing, system, id, firing, true);
    const event = {
      type: "alert.incidentOpened",
      data: { incident: id },
      key: `alert.incidentOpened/${id}`,
      actor: BOT,
    };
    await placing.timeline.decide(stream, () => ({ events: [event], value: null }));
    if (isPlaced) return;
  }
  throw new Error(`The incident for alerts of ${system.title} was not found; it is looked for again`);
}

/** Of several open ones, the one that has a run or an alert of the same component. */
function sameComponent(open: readonly IncidentState[], firing: readonly Heard[]): IncidentState | undefined {
  const components = firing.map(({ component }) => component);
  return open.find(
    (state) =>
      [...state.runs.values()].some(({ plan }) => plan.component !== null && components.includes(plan.component)) ||
      [...(state.alerts?.values() ?? [])].some(({ component }) => components.includes(component)),
  );
}

/** False: it can't be written there, because it was resolved meanwhile and isn't reopened by this. */
async function append(
  { incidents }: Placing,
  system: System,
  id: string,
  heard: readonly Heard[],
  mayDeclare = false,
): Promise<boolean> {
  const decided = await incidents.decide(id, (state, _, now) => {
    const events = eventsFor(state, system, heard, now, mayDeclare);
    return { events: events ?? [], value: events !== null };
  });
  return decided.kind === "written" && decided.value;
}

/** Null: nothing of it may be written there. */
export function eventsFor(
  state: IncidentState,
  system: System,
  heard: readonly Heard[],
  now: Date,
  mayDeclare: boolean,
): readonly NewEvent[] | null {
  const first = state.declared === null ? (mayDeclare ? declaring(state, system, heard, now) : null) : [];
  if (first === null) return null;
  let after = state;
  for (const event of first)
    after = evolve(after, { ...event, version: after.version + 1, run: null, at: now }, new Map());
  const events = alertEvents(after, heard);
  const fires = events.some(({ type }) => type === "alert.fired");
  if (after.resolvedAt === null || !fires) return [...first, ...events];
  // A repeat of what fired when people resolved it is no news; what people have closed stays closed.
  if (after.status === "closed" || now.getTime() - after.resolvedAt.getTime() > REOPEN_SECONDS * 1000) return null;
  const names = [...new Set(events.flatMap((event) => (event.type === "alert.fired" ? [event.data.alert] : [])))];
  const reopened: NewEvent = {
    type: "incident.reopened",
    data: { reason: `Alert ${names.join(", ")} fires again` },
    key: `alert/reopened/${after.version}`,
    actor: BOT,
  };
  return [reopened, ...events];
}

function declaring(
  state: IncidentState,
  system: System,
  heard: readonly Heard[],
  now: Date,
): readonly NewEvent[] | null {
  const [worst] = heard.toSorted((a, b) => (a.severity < b.severity ? -1 : 1));
  if (worst === undefined) return null;
  const outcome = decide(
    {
      type: "declare",
      title: worst.title,
      system: system.id,
      severity: worst.severity,
      kind: "real",
      impactStartedAt: impactOf(heard, now),
      announceIn: null,
    },
    state,
    { now, actor: BOT, blocked: null, system, key: `alerts/${state.id}` },
  );
  return outcome.kind === "accepted" ? outcome.events : null;
}

/** When the first of them began, as far as that can be: users hurt since then, as far as anyone knows. */
function impactOf(heard: readonly Heard[], now: Date): Date | null {
  const since = now.getTime() - IMPACT_SECONDS * 1000;
  const moments = heard
    .flatMap(({ startedAt }) => (startedAt === null ? [] : [Date.parse(startedAt)]))
    .filter((at) => at >= since && at <= now.getTime());
  return moments.length === 0 ? null : new Date(Math.min(...moments));
}
