import type { System } from "../catalog/types.ts";
import type { Event, NewEvent } from "./events.ts";
import type { IncidentState } from "./state.ts";

/**
 * Whom an incident reaches that no one moves, and whether it was taken on in time. Asked without a clock; keys make each be recorded once, however many
 * look, and what was missed while no one looked is recorded when someone does.
 */
export function unresolvedDue(
  state: IncidentState,
  system: System,
  now: Date,
): { readonly events: readonly NewEvent[]; readonly nextAt: Date | null } {
  const { opened } = state.comms;
  if (opened === null || state.declared?.kind !== "real" || state.resolvedAt !== null)
    return { events: [], nextAt: null };
  const due = [...levelsOf(state, system, opened.at), ...responseOf(state, system, opened.at)];
  const events = due
    .filter(({ at }) => at <= now)
    .map(({ key, event }): NewEvent => ({ ...event, key: `${key}/${opened.version}`, actor: { kind: "bot" } }));
  const later = due.map(({ at }) => at.getTime()).filter((at) => at > now.getTime());
  return { events, nextAt: later.length === 0 ? null : new Date(Math.min(...later)) };
}

interface Due {
  readonly at: Date;
  readonly key: string;
  readonly event: Event;
}

function levelsOf(state: IncidentState, { ifUnresolved }: System, since: Date): Due[] {
  if (ifUnresolved === undefined || isEnded(state, ifUnresolved.until)) return [];
  return ifUnresolved.levels.flatMap(({ role, afterSeconds, severities }, n): Due[] => {
    const level = n + 1;
    const isReached = state.escalated?.some((one) => one.level === level) === true;
    if (isReached || severities?.includes(state.severity) === false) return [];
    const event: Event = { type: "incident.escalated", data: { level, role, afterSeconds } };
    return [{ at: after(since, afterSeconds), key: `incident.escalated/${level}`, event }];
  });
}

function responseOf(state: IncidentState, system: System, since: Date): Due[] {
  const at = responseDueAt(state, system);
  if (at === null || state.responseLateAt !== undefined) return [];
  const withinSeconds = (at.getTime() - since.getTime()) / 1000;
  const data = { severity: state.severity, withinSeconds, dueAt: at.toISOString() };
  return [{ at, key: "incident.responseLate", event: { type: "incident.responseLate", data } }];
}

/** By when someone has to take it on, as its severity promises; null: someone has, or nothing is promised. */
export function responseDueAt(state: IncidentState, { severities }: System): Date | null {
  const within = severities.find(({ id }) => id === state.severity)?.respondWithinSeconds;
  const { opened } = state.comms;
  if (within === undefined || opened === null || state.declared?.kind !== "real") return null;
  return state.resolvedAt !== null || isTakenOn(state) ? null : after(opened.at, within);
}

/** Someone took a role, acknowledged a page, requested a run or set the status. */
export function isTakenOn({ roles, paging, runs, status }: IncidentState): boolean {
  const isAnswered = [...paging.pages.values()].some(({ acknowledged }) => acknowledged.length > 0);
  return roles.size > 0 || isAnswered || runs.size > 0 || status !== "investigating";
}

/** Does it reach no one any more? `until`: what the catalogue says ends it. */
export function isEnded(state: IncidentState, until: NonNullable<System["ifUnresolved"]>["until"]): boolean {
  if (state.resolvedAt !== null) return true;
  if (until === "acknowledged") return isTakenOn(state);
  if (until === "resolved") return false;
  const isWorkedOn = [...state.runs.values()].some(({ endedAt, dryRun }) => endedAt === null && !dryRun);
  return isWorkedOn || state.status === "mitigating" || state.status === "monitoring";
}

function after(since: Date, seconds: number): Date {
  return new Date(since.getTime() + seconds * 1000);
}
