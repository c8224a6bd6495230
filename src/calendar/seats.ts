import { lastOf, nextOf } from "../catalog/calendar.ts";
import type { Occasion, Person, Runbook, System } from "../catalog/types.ts";
import { stepsOf } from "../catalog/walk.ts";
import { BOT, type CalendarEvent } from "./events.ts";
import type { CalendarState, SeatRound } from "./state.ts";

export type { SeatRound } from "./state.ts";

/** What is known of people beside the calendar's record: by their accounts, and what they prove with. */
export interface SeatFacts {
  readonly chain: readonly ChainRole[];
  /** Person id → why they can't answer at all (deactivated, left), as far as anyone can tell. */
  readonly gone: ReadonlyMap<string, string>;
  /** Person ids with an authenticator set up; null: no one can have one here. */
  readonly enrolled: ReadonlySet<string> | null;
  /** Person ids that can be paged here, and whose acknowledgement is heard of; absent: no one. */
  readonly pageable?: ReadonlySet<string>;
}

/** A role that decides somewhere in the runbooks of a system. */
export interface ChainRole {
  readonly role: string;
  /** Distinct people a gate asks of it at most, at least 1. */
  readonly needed: number;
  /** A gate asks for a code of them. */
  readonly stepUp: boolean;
}

/** A role of the chain and who fills it. */
export interface Seat extends ChainRole {
  readonly title: string;
  /** Enough people fill it. */
  readonly ok: boolean;
  readonly people: readonly { readonly person: string; readonly name: string; readonly problems: readonly string[] }[];
}

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
/** The first of each month. */
const ROUND = { cron: "0 9 1 * *", timezone: "UTC" };
const COMMANDER = "incident-commander";
const TAKES_PART: ReadonlySet<Occasion["kind"]> = new Set(["drill", "tabletop", "restore-test"]);

/** Every role that a gate asks, and how many of it. */
export function chainOf(runbooks: readonly Runbook[]): readonly ChainRole[] {
  const found = new Map<string, ChainRole>();
  for (const runbook of runbooks)
    for (const { step } of stepsOf(runbook)) {
      if (step.does.kind !== "gate") continue;
      const { role, quorum, escalate, stepUp } = step.does.gate;
      for (const one of [role, ...escalate.map((level) => level.role)]) {
        const before = found.get(one) ?? { role: one, needed: 1, stepUp: false };
        const needed = one === role ? Math.max(before.needed, quorum) : before.needed;
        found.set(one, { role: one, needed, stepUp: before.stepUp || stepUp });
      }
    }
  return [...found.values()];
}

/** Whether each role of the chain has enough active, reachable, enrolled people now; who is not, and why. */
export function seatsOf(system: System, state: CalendarState, facts: SeatFacts, now: Date): readonly Seat[] {
  const silent = silentSince(system, state, now);
  return facts.chain.map((one): Seat => {
    const holders = system.people.filter(({ roles }) => roles.includes(one.role));
    const people = holders.map(({ id, name, slack }) => ({
      person: id,
      name,
      problems: problemsOf({ id, slack }, one, silent.get(id), facts),
    }));
    const title = system.roles.find(({ id }) => id === one.role)?.title ?? one.role;
    return { ...one, title, people, ok: people.filter(({ problems }) => problems.length === 0).length >= one.needed };
  });
}

/** Roles too few people fill, with what keeps each person from deciding: "Dee Park: left". */
export function unfilledSeats(seats: readonly Seat[]) {
  return seats
    .filter(({ ok }) => !ok)
    .map(({ role, title, needed, people }) => ({
      ...{ role, title, needed, can: people.filter(({ problems }) => problems.length === 0).length },
      problems: people.flatMap(({ name, problems }) =>
        problems.length === 0 ? [] : [`${name}: ${problems.join(", ")}`],
      ),
    }));
}

/** What has to be put right about a person who decides, though no role goes short of people by it. */
export interface PersonNote {
  readonly person: string;
  /** Of the chain, by id. */
  readonly roles: readonly string[];
  /** `reach`: they can't decide now. `drills`: they took part in too few. */
  readonly about: "reach" | "drills";
  /** A clause: "Dee Park can't approve: left". */
  readonly says: string;
}

/** By name: who can't decide though their role is filled without them, and who took part in too few drills. */
export function peopleNotes(
  system: System,
  state: CalendarState,
  seats: readonly Seat[],
  now: Date,
): readonly PersonNote[] {
  const rolesOf = (id: string) => seats.filter(({ people }) => people.some(({ person }) => person === id));
  const spare = seats.filter(({ ok }) => ok).flatMap(({ people }) => people);
  const away = new Map(spare.flatMap((one) => (one.problems.length === 0 ? [] : [[one.person, one] as const])));
  const short = [...drillsTaken(system, state, seats, now)].filter(
    ([, count]) => count < drillsDue(system, state, now),
  );
  const asked = system.seats?.drillsAYear ?? 0;
  const note = (person: string, about: PersonNote["about"], says: string): PersonNote => ({
    ...{ person, about, says },
    roles: rolesOf(person).map(({ role }) => role),
  });
  return [
    ...[...away.values()].map(({ person, name, problems }) =>
      note(person, "reach", `${name} can't approve: ${problems.join(", ")}`),
    ),
    ...short.map(([person, count]) => {
      const name = system.people.find(({ id }) => id === person)?.name ?? person;
      return note(person, "drills", `${name} took part in ${count} of ${asked} drills within a year`);
    }),
  ];
}

/** How many drills a person must have taken part in by now: a calendar that is half a year old can ask for half of a year's. */
function drillsDue({ seats }: System, state: CalendarState, now: Date): number {
  const since = sinceOf(state);
  if (since === null) return 0;
  const asked = seats?.drillsAYear ?? 0;
  return Math.min(asked, Math.floor((asked * (now.getTime() - since.getTime())) / YEAR_MS));
}

function problemsOf(
  { id, slack }: Pick<Person, "id" | "slack">,
  { stepUp }: ChainRole,
  silent: Date | undefined,
  facts: SeatFacts,
): readonly string[] {
  const gone = facts.gone.get(id);
  if (gone !== undefined) return [gone];
  return [
    ...(slack.length === 0 ? ["no Slack account on the roster"] : []),
    ...(stepUp && facts.enrolled !== null && !facts.enrolled.has(id) ? ["no authenticator set up"] : []),
    ...(silent === undefined ? [] : [`not confirmed since ${silent.toISOString().slice(0, 10)}`]),
  ];
}

/** Who was asked, has not answered in time and has confirmed nothing since: person id → the first time of those they were asked. */
function silentSince(system: System, { rounds }: CalendarState, now: Date): ReadonlyMap<string, Date> {
  const silent = new Map<string, Date>();
  for (const round of [...rounds.values()].sort(byId))
    for (const [person, asked] of round.askedAt) {
      if (round.confirmedAt.has(person)) silent.delete(person);
      else if (now >= answerBy(system, asked) && !silent.has(person)) silent.set(person, asked);
    }
  return silent;
}

const byId = (one: SeatRound, other: SeatRound) => (one.id < other.id ? -1 : 1);

/** Person id → drills, restore tests and tabletops they took part in within the last 365 days, for everyone in the chain. */
export function drillsTaken(
  system: System,
  state: CalendarState,
  chain: readonly ChainRole[],
  now: Date,
): ReadonlyMap<string, number> {
  const counted = (system.calendar ?? [])
    .filter(({ kind }) => TAKES_PART.has(kind))
    .flatMap(({ id }) => state.occasions.get(id)?.done ?? [])
    .filter(({ at }) => now.getTime() - at.getTime() <= YEAR_MS);
  const members = system.people.filter(({ roles }) => chain.some(({ role }) => roles.includes(role)));
  return new Map(members.map(({ id }) => [id, counted.filter(({ people }) => people.includes(id)).length]));
}

/** What the rounds of asking have to record now. Nothing where the system asks no one. */
export function seatsDue(
  system: System,
  state: CalendarState,
  facts: SeatFacts,
  now: Date,
): { readonly events: readonly CalendarEvent[]; readonly nextAt: Date | null } {
  const since = sinceOf(state);
  if (system.seats?.confirm !== "monthly" || since === null) return { events: [], nextAt: null };
  const begun = lastOf(ROUND, new Date(now.getTime() + 1));
  const next = nextOf(ROUND, now);
  const id = begun?.toISOString().slice(0, 7) ?? "";
  const round = state.rounds.get(id);
  if (begun !== null && begun > since && round === undefined) {
    const people = membersOf(system, facts).map((one) => one.id);
    return people.length === 0 ? { events: [], nextAt: next } : { events: [asking(id, people)], nextAt: null };
  }
  const open = newestRound(state);
  if (open === null) return { events: [], nextAt: next };
  const waits = [...open.askedAt].filter(([one]) => !open.confirmedAt.has(one) && !open.silent.has(one));
  const still = waits.filter(([one]) => system.people.some(({ id: known }) => known === one) && !facts.gone.has(one));
  const late = still.filter(([, asked]) => now >= answerBy(system, asked)).map(([one]) => one);
  const unpaged = still.map(([one]) => one).filter((one) => !late.includes(one) && !open.pagedAt.has(one));
  const pages = pagesDue(system, unpaged, facts, now);
  const events = [
    ...(late.length === 0 ? [] : [silence(system, facts, open.id, late)]),
    ...(pages.people.length === 0 ? [] : [paging(open.id, pages.people)]),
  ];
  const answers = still.map(([, asked]) => answerBy(system, asked));
  const moments = [...(next === null ? [] : [next]), ...answers, ...pages.later];
  const later = moments.filter((at) => at > now).map((at) => at.getTime());
  return { events, nextAt: later.length === 0 ? null : new Date(Math.min(...later)) };
}

/** Test pages come within these hours of a person's clock; the last one excluded. */
const PAGED_FROM = 9;
const PAGED_UNTIL = 17;

/** Who gets a test page now, and when it is day for the others. Without any zone it is day by UTC. */
function pagesDue(
  system: System,
  unpaged: readonly string[],
  { pageable }: SeatFacts,
  now: Date,
): { readonly people: readonly string[]; readonly later: readonly Date[] } {
  const zones = unpaged
    .filter((one) => pageable?.has(one))
    .map((id) => [id, system.people.find((one) => one.id === id)?.timezone ?? system.timezone ?? "UTC"] as const);
  const people = zones.filter(([, timezone]) => isByDay(timezone, now)).map(([id]) => id);
  const nights = zones.filter(([id]) => !people.includes(id)).map(([, timezone]) => timezone);
  return { people, later: [...new Set(nights)].flatMap((timezone) => nextOf(mornings(timezone), now) ?? []) };
}

function isByDay(timezone: string, now: Date): boolean {
  const since = lastOf(mornings(timezone), new Date(now.getTime() + 1));
  return since !== null && now.getTime() - since.getTime() < (PAGED_UNTIL - PAGED_FROM) * 3_600_000;
}

function mornings(timezone: string) {
  return { cron: `0 ${PAGED_FROM} * * *`, timezone };
}

function paging(round: string, people: readonly string[]): CalendarEvent {
  return { type: "seats.paged", data: { round, people }, key: `seats.paged/${round}/${people.join(",")}`, actor: BOT };
}

function asking(round: string, people: readonly string[]): CalendarEvent {
  return { type: "seats.asked", data: { round, people }, key: `seats.asked/${round}`, actor: BOT };
}

function silence(system: System, { gone }: SeatFacts, round: string, people: readonly string[]): CalendarEvent {
  const canHear = ({ id, slack }: Person) => slack.length > 0 && !gone.has(id) && !people.includes(id);
  const of = (roles: readonly string[]) =>
    system.people.filter((one) => canHear(one) && one.roles.some((role) => roles.includes(role))).map(({ id }) => id);
  // Where the administrators have left or are silent themselves, the next who can do something about it hear of it.
  const told = [of(system.administrators ?? []), of([COMMANDER]), system.people.filter(canHear).map(({ id }) => id)];
  return {
    type: "seats.silent",
    data: { round, people, told: told.find((some) => some.length > 0) ?? [] },
    key: `seats.silent/${round}/${people.join(",")}`,
    actor: BOT,
  };
}

function membersOf({ people }: System, { chain, gone }: SeatFacts): readonly Person[] {
  const isMember = ({ roles }: Person) => chain.some(({ role }) => roles.includes(role));
  return people.filter((one) => isMember(one) && one.slack.length > 0 && !gone.has(one.id));
}

/** Until when who was asked then has to answer. */
export function answerBy(system: Pick<System, "seats">, asked: Date): Date {
  return new Date(asked.getTime() + (system.seats?.answerWithinSeconds ?? 7 * 86_400) * 1000);
}

export function newestRound({ rounds }: CalendarState): SeatRound | null {
  return [...rounds.values()].sort(byId).at(-1) ?? null;
}

/** Since when this system has a calendar here: no one is requested months before. */
function sinceOf({ occasions }: CalendarState): Date | null {
  const all = [...occasions.values()].flatMap(({ planned }) => (planned === null ? [] : [planned.since.getTime()]));
  return all.length === 0 ? null : new Date(Math.min(...all));
}
