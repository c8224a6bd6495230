import { rolesOfGate } from "../catalog/gates.ts";
import type { Gate, Occasion, System } from "../catalog/types.ts";
import type { ApprovedAhead } from "../incident/events.ts";
import { COMMANDER, holdersOf } from "../incident/people.ts";
import { organisersOf } from "./due.ts";
import { BOT, type CalendarEvent } from "./events.ts";
import type { Ahead, CalendarState } from "./state.ts";

/**
 * What people approved of a calendar entry before its hour: whether it holds, and when people are asked for it. Pure. It holds for one plan and
 * one set of times, as long as its time lasts and those who gave it hold the role; each start judges it once more (`incident/start.ts`).
 */

/** The one gate of the runbook an entry runs; null: what it runs can't be approved ahead (any more). */
export type GateOf = (system: System, occasion: Occasion) => Gate | null;

export interface AheadDue {
  readonly events: readonly CalendarEvent[];
  readonly nextAt: Date | null;
}

/** People are asked again so long before it ends. */
const ENDS_SOON_MS = 7 * 86_400_000;

/**
 * @param system without the roles of who has left
 * @param other entries whose plan is no longer the one that was approved, by id: its hash as it is now
 */
export function aheadDue(
  system: System,
  state: CalendarState,
  gateOf: GateOf,
  other: ReadonlyMap<string, string>,
  now: Date,
): AheadDue {
  const events: CalendarEvent[] = [];
  const moments: Date[] = [];
  for (const occasion of system.calendar ?? []) {
    const record = state.occasions.get(occasion.id);
    if (record === undefined || record.planned === null) continue;
    const { ahead } = record;
    const gate = occasion.approvedAhead === undefined ? null : gateOf(system, occasion);
    const found = endedBy(system, occasion, gate, ahead, other, now) ?? askedFor(system, occasion, gate, ahead, now);
    if (found !== null)
      events.push({ ...found, key: `${found.type}/${occasion.id}/${state.version}`, actor: BOT } as CalendarEvent);
    const until = endOf(ahead);
    if (until !== null) moments.push(until, new Date(until.getTime() - ENDS_SOON_MS));
  }
  const later = moments.filter((at) => at > now).map((at) => at.getTime());
  return { events, nextAt: later.length === 0 ? null : new Date(Math.min(...later)) };
}

type Fact = Pick<
  Extract<CalendarEvent, { type: "occasion.approvalEnded" | "occasion.approvalAsked" }>,
  "type" | "data"
>;

function endedBy(
  system: System,
  { id }: Occasion,
  gate: Gate | null,
  ahead: Ahead,
  other: ReadonlyMap<string, string>,
  now: Date,
): Fact | null {
  const [any] = ahead.approvals;
  if (any === undefined) return null;
  const people = gate === null ? ahead.approvals.map(({ person }) => person) : askedOf(gate, system);
  const end = (reason: string): Fact => ({ type: "occasion.approvalEnded", data: { occasion: id, reason, people } });
  if (gate === null) return end("it can't be approved ahead any more");
  const hash = other.get(id);
  if (hash !== undefined && hash !== any.planHash) return end("what it runs is no longer the plan that was approved");
  const until = endOf(ahead);
  if (until !== null && until <= now) return end("its time is over");
  const gone = ahead.approvals.find((one) => !stillHolds(one, gate, system));
  if (gone === undefined) return null;
  const name = system.people.find((one) => one.id === gone.person)?.name ?? gone.person;
  return end(`${name} no longer decides as ${roleTitle(system, gone.role)}`);
}

function askedFor(system: System, { id }: Occasion, gate: Gate | null, ahead: Ahead, now: Date): Fact | null {
  if (gate === null || ahead.asked) return null;
  const have = new Set(ahead.approvals.map(({ person }) => person));
  const until = endOf(ahead);
  const isEnough = have.size >= gate.quorum;
  const isEnding = until !== null && until.getTime() - ENDS_SOON_MS <= now.getTime();
  if (isEnough && !isEnding) return null;
  const people = askedOf(gate, system).filter((person) => isEnough || !have.has(person));
  const data = { occasion: id, people, until: isEnough && until !== null ? until.toISOString() : null };
  return { type: "occasion.approvalAsked", data };
}

/** What a start may use of it: of as many as the gate asks for, and only while all of it holds. Null: people are asked at its hour. */
export function usableAhead(
  system: System,
  occasion: Occasion,
  gate: Gate | null,
  ahead: Ahead,
  now: Date,
): (ApprovedAhead & { readonly planHash: string }) | null {
  const [any] = ahead.approvals;
  if (occasion.approvedAhead === undefined || gate === null || any === undefined) return null;
  if (ahead.approvals.length < gate.quorum || endedBy(system, occasion, gate, ahead, new Map(), now) !== null)
    return null;
  const approvals = ahead.approvals.map(({ planHash: _bound, ...one }) => one);
  return { occasion: occasion.id, planHash: any.planHash, approvals };
}

/** The role in which someone may approve it ahead; null: none of theirs decides its gate. */
export function roleAhead(roles: readonly string[], gate: Gate): string | null {
  return rolesOfGate(gate).find((role) => roles.includes(role)) ?? null;
}

/**
 * False where no one would be left to request the run in the organiser's place: the requester never approves, also ahead. `have`: who
 * approved it ahead already.
 */
export function leavesRequester(
  system: System,
  { organiser }: Occasion,
  person: string,
  have: readonly string[],
): boolean {
  const organisers = organiser === null ? [] : organisersOf(system, organiser);
  return organisers.some((one) => one !== person && !have.includes(one));
}

/** Who may take it back: everyone who could abort its run. */
export function mayRevoke(
  { roles }: { readonly roles: readonly string[] },
  { organiser }: Occasion,
  gate: Gate | null,
) {
  const able = [organiser, COMMANDER, ...(gate === null ? [] : rolesOfGate(gate))];
  return roles.some((role) => able.includes(role));
}

/** The first moment at which not all of it holds. */
export function endOf({ approvals }: Ahead): Date | null {
  if (approvals.length === 0) return null;
  return new Date(Math.min(...approvals.map(({ until }) => Date.parse(until))));
}

function stillHolds({ person, role, proved }: Ahead["approvals"][number], gate: Gate, system: System): boolean {
  const roles = system.people.find(({ id }) => id === person)?.roles ?? [];
  return roles.includes(role) && rolesOfGate(gate).includes(role) && (proved || !gate.stepUp);
}

function askedOf({ role }: Gate, system: System): readonly string[] {
  return holdersOf(role, system).map(({ id }) => id);
}

function roleTitle({ roles }: System, role: string): string {
  return roles.find(({ id }) => id === role)?.title ?? role;
}
