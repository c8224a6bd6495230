import type { GateStep, Paging, System } from "../catalog/types.ts";
import { isAnswered, plannedGate } from "../incident/authority.ts";
import { breakingRole, secondsFor, tookPart } from "../incident/break-glass.ts";
import { type Delegations, delegatedTo, delegationsNow, isRequester } from "../incident/delegation.ts";
import { isPrivate } from "../incident/members.ts";
import type {
  Break,
  Declared,
  Escalated,
  GateState,
  IncidentState,
  RunState,
  Split,
  StepState,
  Summons,
} from "../incident/state.ts";
import { isEnded } from "../incident/unresolved.ts";
import type { Alarm, Target } from "../sinks/pagerduty/client.ts";
import type { DesiredPage } from "../sinks/pagerduty/desired-page.ts";
import { adoptedFrom, alarmKey, breakGlassKey, brokenKey, splitKey, summonsKey, unresolvedKey } from "./keys.ts";

/** What should be shown under a key. */
export interface DesiredItem {
  readonly key: string;
  readonly wanted: DesiredPage;
}

/** Every sentence a pager says: `templates/messages/comms/page-text.ts`. One line each, but for `details`. */
export interface PageWords {
  alarm(state: IncidentState, system: System): { readonly summary: string; readonly details: string };
  summons(
    about: { state: IncidentState; run: RunState; step: GateStep; gate: GateState; role: string },
    system: System,
  ): { readonly summary: string; readonly details: string };
  /** `broke` null: someone wants to use break-glass at this question, and a second person is waited for. */
  breakGlass(
    about: { state: IncidentState; run: RunState; gate: GateState | null; broke: Break | null },
    system: System,
  ): { readonly summary: string; readonly details: string };
  /** The old primary of a promotion is back and takes writes. */
  split(
    about: { state: IncidentState; run: RunState; split: Split },
    system: System,
  ): { readonly summary: string; readonly details: string };
  /** An incident goes on, and reaches the next level. */
  unresolved(
    state: IncidentState,
    escalated: Escalated,
    system: System,
  ): { readonly summary: string; readonly details: string };
  result(run: RunState): string;
}

/**
 * Real incidents of P0 and P1 wake people at once. In a lesser one the one who is asked is woken once they were reminded, or
 * silence has escalated their question; where a gate does neither, at once. A break-glass that is awaited, or was used and not
 * reviewed, wakes people in all of them. A drill wakes those whom its calendar entry names, by name, and no one else: never a
 * policy or a service, which would ring the one who is on call. Only two primaries after an exercise on production wake as they always do.
 */
export function desiredPages(
  state: IncidentState,
  system: System,
  words: PageWords,
  now: Date,
): readonly DesiredItem[] {
  const { paging } = system;
  if (paging === undefined || state.declared === null) return [];
  const runs = [...state.runs.values()];
  const around: Around = { system, paging, words, delegated: delegationsNow(state, now) };
  // No one is woken for planned work, but for two primaries after it.
  if (state.declared.kind === "maintenance")
    return runs.flatMap((run) => (run.splits ?? []).map((split, n) => splitBrain(state, run, split, n + 1, around)));
  if (state.declared.kind === "drill") return drillPages(state, state.declared, runs, around);
  return [
    root(state, system, words),
    ...(state.escalated ?? []).map((one) => unresolved(state, one, around)),
    ...runs.flatMap((run) => [...run.steps.values()].flatMap((step) => asksOf(state, run, step, around))),
    ...runs.flatMap((run) => run.breaks.map((broke) => usedBreakGlass(state, run, broke, around))),
    ...runs.flatMap((run) => (run.splits ?? []).map((split, n) => splitBrain(state, run, split, n + 1, around))),
    ...(isPaged(state) ? runs.flatMap((run) => noteOf(state, run, words)) : []),
  ].map(({ key, wanted }) => ({ key, wanted }));
}

function drillPages(
  state: IncidentState,
  { drill }: Declared,
  runs: readonly RunState[],
  around: Around,
): readonly DesiredItem[] {
  const { system, words, paging } = around;
  const named = system.people
    .filter(({ roles }) => roles.some((role) => drill?.tells.includes(role)))
    .map(({ id }) => id);
  const users = usersOf(named, paging);
  const splits = runs
    .filter(({ plan }) => plan.drill?.on === "exercise")
    .flatMap((run) => (run.splits ?? []).map((split, n) => splitBrain(state, run, split, n + 1, around)));
  if (users.length === 0) return splits;
  const alarm: Alarm = { ...words.alarm(state, system), source: system.id, severity: SEVERITIES[state.severity] };
  const began: DesiredPage =
    isOver(state) || !isUrgent(state)
      ? CLOSED
      : { kind: "summons", open: true, ask: null, role: null, people: named, to: { users }, alarm };
  const asked = runs.flatMap((run) => [
    ...[...run.steps.values()].flatMap((step) => asksOf(state, run, step, around)),
    ...run.breaks.map((broke) => usedBreakGlass(state, run, broke, around)),
  ]);
  const mine = asked.map(({ key, wanted }) => ({ key, wanted: onlyTo(named, wanted, paging) }));
  return [{ key: alarmKey(state.id), wanted: began }, ...mine, ...splits];
}

/** The same question, to those of the people asked who are named. */
function onlyTo(named: readonly string[], wanted: DesiredPage, paging: Paging): DesiredPage {
  if (wanted.kind !== "summons" || !wanted.open) return wanted;
  const people = wanted.people.filter((one) => named.includes(one));
  const users = usersOf(people, paging);
  return users.length === 0 ? CLOSED : { ...wanted, people, to: { users } };
}

interface Item {
  readonly key: string;
  readonly wanted: DesiredPage;
}

function root(state: IncidentState, system: System, words: PageWords): Item {
  const key = alarmKey(state.id);
  const over = isOver(state);
  const incident = adoptedFrom(state.id);
  if (incident !== null) return { key, wanted: { kind: "adopted", incident, open: !over } };
  if (over || !(isUrgent(state) || isPaged(state))) return { key, wanted: { kind: "alarm", open: false } };
  const alarm: Alarm = { ...words.alarm(state, system), source: system.id, severity: SEVERITIES[state.severity] };
  return { key, wanted: { kind: "alarm", open: true, acknowledged: state.roles.size > 0, alarm } };
}

const SEVERITIES = { P0: "critical", P1: "error", P2: "warning", P3: "info" } as const;

interface Around {
  readonly system: System;
  readonly paging: Paging;
  readonly words: PageWords;
  readonly delegated: Delegations;
}

function asksOf(state: IncidentState, run: RunState, step: StepState, around: Around): Item[] {
  if (step.status !== "gate" || step.step.kind !== "gate") return [];
  const { gate } = step;
  const over = [
    ...gate.earlier.map((ask): Item => ({ key: summonsKey(state.id, ask), wanted: CLOSED })),
    ...awaitedBreakGlass(state, run, gate, around),
  ];
  const summons = gate.summons.toSorted((a, b) => a.level - b.level).at(-1);
  // Before it is known who is on call no one is paged.
  if (summons === undefined) return over;
  const key = summonsKey(state.id, gate.ask);
  const wakes = isUrgent(state) || summons.level > 0 || gate.reminders.length > 0 || asksOnce(run, gate);
  if (!isAwaited(state, run, gate) || !wakes) return [...over, { key, wanted: CLOSED }];
  const { role } = summons;
  const people = withBorrowers(summons, run, around);
  const said = around.words.summons({ state, run, step: step.step, gate, role }, around.system);
  const alarm: Alarm = { ...said, source: around.system.id, severity: SEVERITIES[state.severity] };
  const to = targetOf(summons, people, around);
  return [...over, { key, wanted: { kind: "summons", open: true, ask: gate.ask, role, people, to, alarm } }];
}

const CLOSED: DesiredPage = { kind: "summons", open: false };

/** No one is reminded and no one comes after: the one who is asked first is all there is. */
function asksOnce(run: RunState, gate: GateState): boolean {
  return gate.escalate.length === 0 && (plannedGate(run, gate.step)?.remindSeconds ?? 0) <= 0;
}

/** Who was found to be on call, and to whom they have lent the role since. */
function withBorrowers({ role, people }: Summons, run: RunState, { system, delegated }: Around): readonly string[] {
  const borrowers = system.people.filter(
    (person) =>
      !isRequester(person, run) &&
      delegatedTo(person, run, system, delegated).some((loan) => loan.role === role && people.includes(loan.from)),
  );
  return [...new Set([...people, ...borrowers.map(({ id }) => id)])];
}

/**
 * On call by PagerDuty's own word: its policy, which knows whom to ring. By the roster, or where someone decides in another's
 * place: the people themselves, as far as PagerDuty knows them.
 */
function targetOf(
  { role, source }: Summons,
  people: readonly string[],
  { system, paging }: Around,
): Target | "service" {
  const policy = paging.policies.find((one) => one.role === role)?.policy;
  const users = usersOf(people, paging);
  const own = people.every((id) => system.people.some((one) => one.id === id && one.roles.includes(role)));
  if ((source === "roster" || !own) && users.length > 0) return { users };
  return policy === undefined ? "service" : { policy };
}

function usersOf(people: readonly string[], paging: Paging): readonly string[] {
  return paging.people.filter(({ person }) => people.includes(person)).map(({ user }) => user);
}

/** Someone wants to use break-glass: the one who could confirm it, or deny the question, is woken while that is open. */
function awaitedBreakGlass(state: IncidentState, run: RunState, gate: GateState, around: Around): Item[] {
  const { breaking } = gate;
  if (breaking === null) return [];
  const key = breakGlassKey(state.id, gate.ask);
  if (!isAwaited(state, run, gate)) return [{ key, wanted: CLOSED }];
  const { system, delegated } = around;
  const people = secondsFor(breaking.person, run, gate, system, delegated).map(({ id }) => id);
  const said = around.words.breakGlass({ state, run, gate, broke: null }, system);
  return [{ key, wanted: breakGlassPage(state, gate.ask, people, said, around) }];
}

/** Broken: everyone who decides this gate or may break it, and had no part in this, is woken, until someone has reviewed it. */
function usedBreakGlass(state: IncidentState, run: RunState, broke: Break, around: Around): Item {
  const key = brokenKey(state.id, broke.ask);
  if (broke.review !== null) return { key, wanted: CLOSED };
  const { system } = around;
  const part = tookPart(broke);
  const planned = plannedGate(run, broke.step);
  const roles = planned === null ? [] : [planned.role, ...planned.escalate.map(({ role }) => role)];
  const people = system.people.filter(
    (one) =>
      (breakingRole(one, system) !== null || one.roles.some((role) => roles.includes(role))) &&
      !part.includes(one.id) &&
      !isRequester(one, run),
  );
  const said = around.words.breakGlass({ state, run, gate: null, broke }, system);
  return {
    key,
    wanted: breakGlassPage(
      state,
      broke.ask,
      people.map(({ id }) => id),
      said,
      around,
    ),
  };
}

function breakGlassPage(
  state: IncidentState,
  ask: string,
  people: readonly string[],
  said: { readonly summary: string; readonly details: string },
  { system, paging }: Around,
): DesiredPage {
  const users = usersOf(people, paging);
  const alarm: Alarm = { ...said, source: system.id, severity: SEVERITIES[state.severity] };
  const to = users.length > 0 ? { users } : "service";
  return { kind: "summons", open: true, ask, role: null, people, to, alarm };
}

/** Whatever the severity and whether or not the incident is over: every write into the wrong server is lost. */
function splitBrain(state: IncidentState, run: RunState, split: Split, n: number, { system, words }: Around): Item {
  const key = splitKey(state.id, run.id, n);
  if (split.over !== null) return { key, wanted: { kind: "alarm", open: false } };
  const said = words.split({ state, run, split }, system);
  const alarm: Alarm = { ...said, source: system.id, severity: "critical" };
  return { key, wanted: { kind: "alarm", open: true, acknowledged: false, alarm } };
}

/** The holders of the role by its own policy; open until what the catalogue says ends it. */
function unresolved(state: IncidentState, escalated: Escalated, { system, paging, words }: Around): Item {
  const { level, role } = escalated;
  const key = unresolvedKey(state.id, state.comms.opened?.version ?? 0, level);
  if (isEnded(state, system.ifUnresolved?.until ?? "resolved")) return { key, wanted: CLOSED };
  const people = system.people.filter(({ roles }) => roles.includes(role)).map(({ id }) => id);
  const said = words.unresolved(state, escalated, system);
  const alarm: Alarm = { ...said, source: system.id, severity: SEVERITIES[state.severity] };
  const policy = paging.policies.find((one) => one.role === role)?.policy;
  const users = usersOf(people, paging);
  const to = policy !== undefined ? { policy } : users.length > 0 ? { users } : ("service" as const);
  return { key, wanted: { kind: "summons", open: true, ask: null, role, people, to, alarm } };
}

function noteOf(state: IncidentState, run: RunState, words: PageWords): Item[] {
  if (run.ending === null || run.dryRun || isPrivate(state.declared)) return [];
  const on = alarmKey(state.id);
  return [
    {
      key: `${on}/note/${run.id}`,
      wanted: { kind: "note", on, incident: adoptedFrom(state.id), text: words.result(run) },
    },
  ];
}

export function isAwaited(state: IncidentState, run: RunState, gate: GateState): boolean {
  return gate.outcome === "open" && run.ending === null && !isOver(state) && !isAnswered(run, gate);
}

function isUrgent({ severity }: IncidentState): boolean {
  return severity === "P0" || severity === "P1";
}

function isPaged(state: IncidentState): boolean {
  return adoptedFrom(state.id) !== null || state.paging.pages.has(alarmKey(state.id));
}

function isOver({ status }: IncidentState): boolean {
  return status === "resolved" || status === "closed";
}
