import type { GateStep, Paging, System } from "../catalog/types.ts";
import type { GateState, IncidentState, RunState, StepState, Summons } from "../incident/state.ts";
import type { WantedItem } from "../timeline/pages.ts";
import type { Alarm, Target } from "./client.ts";
import { adoptedFrom, alarmKey, summonsKey } from "./keys.ts";

/** What PagerDuty should show under one key. Drawn from the state and nothing else, as Slack's messages are. */
export type Wanted =
  /** There is an incident: whoever looks after the service is woken. */
  | { readonly kind: "alarm"; readonly open: true; readonly acknowledged: boolean; readonly alarm: Alarm }
  | { readonly kind: "alarm"; readonly open: false }
  /** PagerDuty told us of it; it only has to learn that it is over. */
  | { readonly kind: "adopted"; readonly incident: string; readonly open: boolean }
  /** Somebody is asked to decide. */
  | {
      readonly kind: "summons";
      readonly open: true;
      readonly ask: string;
      readonly role: string;
      readonly people: readonly string[];
      /** `service`: nobody knows better than the service's own policy. */
      readonly to: Target | "service";
      readonly alarm: Alarm;
    }
  | { readonly kind: "summons"; readonly open: false }
  /** `incident`: PagerDuty's id, where it told us of the incident; else it is found by the key `on`. */
  | { readonly kind: "note"; readonly on: string; readonly incident: string | null; readonly text: string };

/** Every sentence a pager says: `templates/messages/paging.ts`. One line each, but for `details`. */
export interface PageWords {
  alarm(state: IncidentState, system: System): { readonly summary: string; readonly details: string };
  summons(
    about: { state: IncidentState; run: RunState; step: GateStep; gate: GateState; role: string },
    system: System,
  ): { readonly summary: string; readonly details: string };
  result(run: RunState): string;
}

/**
 * Real incidents of P0 and P1 wake people at once. In a lesser one the person asked is woken when silence has escalated
 * their question. A drill wakes nobody.
 */
export function wantedPages(state: IncidentState, system: System, words: PageWords): readonly WantedItem[] {
  const { paging } = system;
  if (paging === undefined || state.declared === null || state.declared.kind === "drill") return [];
  const runs = [...state.runs.values()];
  return [
    root(state, system, words),
    ...runs.flatMap((run) =>
      [...run.steps.values()].flatMap((step) => asksOf(state, run, step, { system, paging, words })),
    ),
    ...(isPaged(state) ? runs.flatMap((run) => noteOf(state, run, words)) : []),
  ].map(({ key, wanted }) => ({ key, wanted }));
}

interface Item {
  readonly key: string;
  readonly wanted: Wanted;
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
}

function asksOf(state: IncidentState, run: RunState, step: StepState, around: Around): Item[] {
  if (step.status !== "gate" || step.step.kind !== "gate") return [];
  const { gate } = step;
  const over = gate.earlier.map((ask): Item => ({ key: summonsKey(state.id, ask), wanted: CLOSED }));
  const summons = gate.summons.toSorted((a, b) => a.level - b.level).at(-1);
  // Before it is known who is on call nobody is paged.
  if (summons === undefined) return over;
  const key = summonsKey(state.id, gate.ask);
  if (!isAwaited(state, run, gate) || !(isUrgent(state) || summons.level > 0))
    return [...over, { key, wanted: CLOSED }];
  const { role, people } = summons;
  const said = around.words.summons({ state, run, step: step.step, gate, role }, around.system);
  const alarm: Alarm = { ...said, source: around.system.id, severity: SEVERITIES[state.severity] };
  const to = targetOf(summons, around.paging);
  return [...over, { key, wanted: { kind: "summons", open: true, ask: gate.ask, role, people, to, alarm } }];
}

const CLOSED: Wanted = { kind: "summons", open: false };

/** On call by PagerDuty's own word: its policy. By the roster: the people themselves, as far as PagerDuty knows them. */
function targetOf({ role, source, people }: Summons, paging: Paging): Target | "service" {
  const policy = paging.policies.find((one) => one.role === role)?.policy;
  const users = paging.people.filter(({ person }) => people.includes(person)).map(({ user }) => user);
  if (source === "roster" && users.length > 0) return { users };
  return policy === undefined ? "service" : { policy };
}

function noteOf(state: IncidentState, run: RunState, words: PageWords): Item[] {
  if (run.ending === null || run.dryRun) return [];
  const on = alarmKey(state.id);
  return [
    {
      key: `${on}/note/${run.id}`,
      wanted: { kind: "note", on, incident: adoptedFrom(state.id), text: words.result(run) },
    },
  ];
}

export function isAwaited(state: IncidentState, run: RunState, gate: GateState): boolean {
  return gate.outcome === "open" && run.ending === null && !isOver(state);
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
