import type { Alert, Mode } from "../catalog/types.ts";
import type { Event, FiredAlert, NewEvent, SeverityId } from "./events.ts";
import type { AlertState, IncidentState } from "./state.ts";

/**
 * What alerts come to in an incident. Pure: which alert is whose was decided before, and whatever came in is here with the moment it came in.
 */

/** One instance of an alert, as it was heard. */
export interface Heard extends Omit<FiredAlert, "instances" | "asOf"> {
  readonly status: "firing" | "resolved";
  readonly instance: string;
  readonly labels: string;
  /** ISO 8601, by the store's clock. */
  readonly receivedAt: string;
}

/** A runbook of a system, as far as a proposal names it. */
export interface Book {
  readonly system: string;
  readonly id: string;
  readonly title: string;
  readonly modes: readonly Mode[];
}

/** What the catalogue says of an alert, and the runbook it proposes. */
export function saidOf(system: string, alert: Alert, books: readonly Book[]) {
  const book = books.find((one) => one.system === system && one.id === alert.runbook);
  const runbook = book && { id: book.id, title: book.title, modes: alert.mode === null ? book.modes : [alert.mode] };
  const { id, title, severity, component } = alert;
  return { alert: id, title, severity, component, runbook: runbook ?? null };
}

/** An incident keeps track of so many instances of an alert, and of the labels of so many. */
export const INSTANCES_MAX = 2000;
const LABELLED_MAX = 50;
/** Begun again so often within so long, an alert flaps: it's recorded no more than once in `HOLD_SECONDS`. */
const FLAPS = 3;
const FLAP_SECONDS = 900;
export const HOLD_SECONDS = 300;

/** It has begun to fire several times within a quarter of an hour. */
export function isFlapping({ starts }: AlertState, now: Date): boolean {
  const since = now.getTime() - FLAP_SECONDS * 1000;
  return starts.filter((at) => at.getTime() > since).length >= FLAPS;
}

/** Until when what is heard of a flapping alert waits, so that its last word counts; null: it is taken now. */
export function heldUntil(state: IncidentState, alert: string, now: Date): Date | null {
  const known = state.alerts?.get(alert);
  if (known === undefined || !isFlapping(known, now)) return null;
  const until = new Date(known.changedAt.getTime() + HOLD_SECONDS * 1000);
  return until > now ? until : null;
}

export function isFiring({ resolvedAt }: AlertState): boolean {
  return resolvedAt === null;
}

export function firingCount({ instances }: AlertState): number {
  return [...instances.values()].filter(({ firing }) => firing).length;
}

/** Every alert of it is resolved, and there was one. */
export function allResolvedAt(state: IncidentState): Date | null {
  const all = [...(state.alerts?.values() ?? [])];
  if (all.length === 0 || all.some(isFiring)) return null;
  return all.reduce<Date | null>(
    (last, { resolvedAt }) => (last === null || (resolvedAt ?? last) > last ? resolvedAt : last),
    null,
  );
}

/** Does this incident know that this instance fires? */
export function knows(state: IncidentState, { alert, instance }: Pick<Heard, "alert" | "instance">): boolean {
  return state.alerts?.get(alert)?.instances.get(instance)?.firing === true;
}

/**
 * What is new in what was heard: one event for each alert that fires again or is resolved, however many instances of it were heard of. An alert that is
 * worse than the incident makes the incident as bad as itself the first time it fires; what people say of the severity after that stands.
 */
export function alertEvents(state: IncidentState, heard: readonly Heard[]): readonly NewEvent[] {
  const names = [...new Set(heard.map(({ alert }) => alert))];
  const events = names.flatMap((alert) => {
    const last = lastOfEach(heard.filter((one) => one.alert === alert));
    return [...fired(state, last), ...resolved(state, last)];
  });
  return [...events, ...worse(state, events)].map((event, n) => ({
    ...event,
    key: `alert/${state.version + n + 1}`,
    actor: { kind: "bot" } as const,
  }));
}

/** Several words on one instance: the last one counts. */
function lastOfEach(heard: readonly Heard[]): readonly Heard[] {
  const last = new Map<string, Heard>();
  for (const one of heard) {
    const before = last.get(one.instance);
    if (before === undefined || before.receivedAt <= one.receivedAt) last.set(one.instance, one);
  }
  return [...last.values()];
}

function fired(state: IncidentState, heard: readonly Heard[]): Event[] {
  const known = state.alerts?.get(heard[0]?.alert ?? "");
  const fresh = heard.filter((one) => {
    const before = known?.instances.get(one.instance);
    return one.status === "firing" && (before === undefined || (!before.firing && before.asOf < one.receivedAt));
  });
  const room = INSTANCES_MAX - (known?.instances.size ?? 0);
  const kept = fresh
    .filter(({ instance }) => known?.instances.has(instance) === true)
    .concat(fresh.filter(({ instance }) => known?.instances.has(instance) !== true).slice(0, Math.max(0, room)));
  const [newest] = kept.toSorted((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1));
  if (newest === undefined) return [];
  const { status: _, instance: __, labels: ___, receivedAt: asOf, ...said } = newest;
  const labelled = LABELLED_MAX - (known?.instances.size ?? 0);
  const instances = kept.map(({ instance, labels }, n) => ({ id: instance, labels: n < labelled ? labels : "" }));
  return [{ type: "alert.fired", data: { ...said, instances, asOf } }];
}

function resolved(state: IncidentState, heard: readonly Heard[]): Event[] {
  const known = state.alerts?.get(heard[0]?.alert ?? "");
  const over = heard.filter((one) => {
    const before = known?.instances.get(one.instance);
    return one.status === "resolved" && before?.firing === true && before.asOf <= one.receivedAt;
  });
  const [first] = over;
  if (first === undefined) return [];
  const asOf =
    over
      .map(({ receivedAt }) => receivedAt)
      .toSorted()
      .at(-1) ?? first.receivedAt;
  return [
    { type: "alert.resolved", data: { alert: first.alert, instances: over.map(({ instance }) => instance), asOf } },
  ];
}

function worse(state: IncidentState, events: readonly Event[]): Event[] {
  if (state.declared?.kind !== "real") return [];
  const fresh = events.flatMap((event) =>
    event.type === "alert.fired" && state.alerts?.has(event.data.alert) !== true ? [event.data] : [],
  );
  const [worst] = fresh.toSorted((a, b) => (a.severity < b.severity ? -1 : 1));
  if (worst === undefined || !isWorse(worst.severity, state.severity)) return [];
  const reason = `alert ${worst.alert}`;
  return [{ type: "incident.severityChanged", data: { from: state.severity, to: worst.severity, reason } }];
}

/** P0 is the worst. */
function isWorse(one: SeverityId, other: SeverityId): boolean {
  return one < other;
}
