import type { RecordKind } from "../incident/events.ts";
import { isKnown, type LogEvent } from "../incident/evolve.ts";
import { incidentName } from "../incident/numbers.ts";
import { nameOf, roleTitle } from "../incident/people.ts";
import { recoveryOf } from "../incident/recovery.ts";
import type { ActionItem, IncidentState, RunState } from "../incident/state.ts";
import {
  communicationOf,
  declaredBy,
  detectionOf,
  type Moments,
  momentsOf,
  narrativeOf,
  type Sentence,
} from "./course.ts";
import { type Decision, decisionsOf } from "./decisions.ts";
import { eventsOf, type Known } from "./known.ts";
import { length } from "./length.ts";
import { type Measure, measuresOf, NOT_MEASURED } from "./measures.ts";
import type { PostmortemRequest } from "./postmortem.ts";
import { type Beside, lossOf, outcomeOf, type RunFacts, runFacts } from "./run-facts.ts";
import { type Suggestion, suggestionsOf } from "./suggest.ts";
import { entriesOf } from "./transcript.ts";
import { whenOf } from "./when.ts";

/** Everything a report's template may name. Words are raw: the templates' engine escapes what it prints. What each means: `names.ts`. */
export interface Facts {
  readonly report: string;
  readonly kind: "incident" | "drill" | "maintenance";
  readonly practice: boolean;
  readonly title: string;
  readonly incident: string;
  readonly system: string;
  readonly severity: string;
  readonly severityTitle: string;
  readonly status: string;
  readonly day: string;
  readonly zone: string | null;
  readonly occasion: string | null;
  readonly heldOn: string | null;
  readonly declared: string;
  readonly declaredBy: string;
  readonly impactStarted: string | null;
  readonly resolved: string | null;
  readonly duration: string | null;
  readonly summary: string | null;
  readonly narrative: readonly string[];
  readonly roles: readonly { readonly role: string; readonly who: string }[];
  readonly measures: readonly Measure[];
  readonly loss: { readonly answer: string; readonly says: string; readonly method: string };
  readonly detection: readonly Sentence[];
  readonly communication: readonly Sentence[];
  readonly moments: Moments;
  readonly runs: readonly RunFacts[];
  readonly dryRuns: readonly DryRunFacts[];
  readonly decisions: readonly Decision[];
  readonly items: readonly ItemFacts[];
  readonly suggested: readonly Suggestion[];
  readonly timeline: readonly TimelineFacts[];
  readonly refusals: readonly RefusalFacts[];
  readonly versions: number;
  readonly lastHash: string | null;
}

export interface DryRunFacts {
  readonly title: string;
  readonly mode: string;
  readonly requester: string;
  readonly outcome: string;
}

export interface ItemFacts {
  readonly what: string;
  readonly owner: string;
  readonly due: string;
  readonly state: string;
  /** Where it is tracked, or empty. */
  readonly link: string;
}

export interface TimelineFacts {
  readonly utc: string;
  readonly local: string | null;
  readonly later: boolean;
  readonly who: string;
  readonly what: string;
  readonly event: number;
}

export interface RefusalFacts {
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly times: number;
  readonly event: number;
}

export function factsOf(
  request: PostmortemRequest,
  state: IncidentState,
): { facts: Facts; pictures: readonly Beside[] } {
  const { system, events } = request;
  const when = whenOf(system);
  const all = [...state.runs.values()];
  const runs = all.filter(({ dryRun }) => !dryRun);
  const { declared } = state;
  const started = declared?.impactStartedAt ?? declared?.at ?? null;
  const day = started === null ? "" : when.day(started);
  const known: Known = {
    ...{ state, events, system, when, day, runs, overdue: request.overdue ?? [] },
    names: (who) => person(request.names(who)),
  };
  const told = runs.map((run, at) => runFacts(known, run, request.pictures ? fileOf(request, at) : null));
  const kind = declared?.kind ?? "real";
  const facts: Facts = {
    report: REPORTS[kind],
    kind: kind === "real" ? "incident" : kind,
    practice: request.practice,
    title: declared?.title ?? request.incident,
    incident: state.number === undefined ? state.id : `${incidentName(state)} (${state.id})`,
    system: system.title,
    severity: state.severity,
    severityTitle: system.severities.find(({ id }) => id === state.severity)?.title ?? state.severity,
    status: state.status,
    day,
    zone: when.zone,
    occasion: occasionOf(known),
    heldOn: heldOn(all),
    declared: declared ? when.whole(declared.at) : "not declared",
    declaredBy: `${declaredBy(known)}${isByCalendar(known) ? ", by the calendar" : ""}`,
    impactStarted: declared?.impactStartedAt ? when.whole(declared.impactStartedAt) : null,
    resolved: state.resolvedAt ? when.whole(state.resolvedAt) : null,
    duration: started && state.resolvedAt ? length((state.resolvedAt.getTime() - started.getTime()) / 1000) : null,
    summary: eventsOf(events, "incident.resolved").at(-1)?.data.summary ?? null,
    narrative: narrativeOf(known),
    roles: [...state.roles].map(([role, who]) => ({ role: roleTitle(role, system), who: person(nameOf(who, system)) })),
    measures: measuresOf(known),
    loss: wholeLoss(known),
    detection: detectionOf(known),
    communication: communicationOf(known),
    moments: momentsOf(known),
    runs: told.map(({ run }) => run),
    dryRuns: all
      .filter(({ dryRun }) => dryRun)
      .map((run) => ({
        ...{ title: run.plan.title, mode: run.mode, requester: known.names(run.requester), outcome: outcomeOf(run) },
      })),
    decisions: decisionsOf(known),
    items: (state.actions ?? []).map((item) => itemOf(item, known)),
    suggested: suggestionsOf(known),
    ...linesOf(request, known),
    versions: events.at(-1)?.version ?? 0,
    lastHash: events.at(-1)?.hash ?? null,
  };
  return { facts, pictures: told.flatMap(({ picture }) => picture ?? []) };
}

const REPORTS: Readonly<Record<RecordKind, string>> = {
  real: "Post-mortem",
  drill: "Drill report",
  maintenance: "Maintenance report",
};

/** Beside the document: `postmortem-inc-7k2m9xqz-minutes.svg`, and from the second on with a number. */
function fileOf({ incident, name }: PostmortemRequest, at: number): string {
  return `postmortem-${name ?? incident}-minutes${at === 0 ? "" : `-${at + 1}`}.svg`;
}

/** A Slack id says nothing to a reader. */
function person(name: string): string {
  return /^@?[UW][A-Z0-9]{5,}$/.test(name) ? "someone not on the roster" : name;
}

function itemOf({ id, text, owner, due, link, done }: ActionItem, { names, when }: Known): ItemFacts {
  return {
    what: `${id}: ${text}`,
    owner: owner === null ? "no one yet" : names(owner),
    due: due ?? "not set",
    state: done === null ? "open" : `done ${when.day(done.at)}${done.note === null ? "" : `: ${done.note}`}`,
    link: link ?? "",
  };
}

function occasionOf({ state, system }: Known): string | null {
  const id = state.declared?.drill?.occasion;
  if (id === undefined) return null;
  return system.calendar?.find((one) => one.id === id)?.title ?? id;
}

const GROUNDS = {
  nothing: "nothing: it only looked",
  environment: "the drill environment",
  exercise: "production, as a declared exercise",
  practice: "the practice environment",
} as const;

function heldOn(runs: readonly RunState[]): string | null {
  const on = runs.find(({ plan }) => plan.drill !== undefined)?.plan.drill?.on;
  return on === undefined ? null : GROUNDS[on];
}

/** Over all runs: whether data was lost, and the worst that was measured. */
function wholeLoss({ state, runs, when }: Known): Facts["loss"] {
  const losses = runs.flatMap((run) => recoveryOf(state, run).rpo ?? []);
  if (losses.length === 0) return { answer: "Not measured", says: NOT_MEASURED, method: "no step measured it" };
  const size = ({ seconds, rows }: (typeof losses)[number]) => seconds ?? rows ?? Number.POSITIVE_INFINITY;
  const worst = losses.reduce((most, one) => (size(one) > size(most) ? one : most));
  const none = losses.every(({ seconds, rows }) => (seconds ?? rows) === 0 && (rows ?? 0) === 0);
  const unknown = worst.seconds === null && worst.rows === null;
  return { answer: none ? "No" : unknown ? "Not measured" : "Yes", says: lossOf(worst, when), method: worst.method };
}

/** Said again with what follows, or of no use to a reader: what is left out is in `/dr timeline`. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "gate.reminded",
  "gate.shown",
  "comms.reminded",
  "postmortem.drafted",
  "action.reminded",
]);
const REFUSED: ReadonlySet<string> = new Set(["command.refused", "approval.refused"]);

function linesOf(
  { events, plans }: PostmortemRequest,
  { names, system, when, day }: Known,
): Pick<Facts, "timeline" | "refusals"> {
  const entries = entriesOf(events, plans, names, (role) => roleTitle(role, system));
  const byVersion = new Map(events.map((event) => [event.version, event]));
  const ended = new Set(events.flatMap((event) => endOf(event) ?? []));
  const timeline: (TimelineFacts & { readonly moment: number })[] = [];
  const refusals = new Map<string, RefusalFacts>();
  for (const { version, at, backfilled, who: by, what: says } of entries) {
    const event = byVersion.get(version);
    if (event === undefined || LEFT_OUT.has(event.type)) continue;
    const who = person(by);
    const what = event.run === null ? says : says.replace(` (${event.run})`, "");
    if (REFUSED.has(event.type)) {
      const before = refusals.get(`${who}: ${what}`);
      if (before) refusals.set(`${who}: ${what}`, { ...before, times: before.times + 1 });
      else refusals.set(`${who}: ${what}`, { at: when.short(at, day), who, what, times: 1, event: version });
    } else if (!isEndedLater(event, ended))
      timeline.push({
        ...{ utc: when.utc(at, day), local: when.local(at, day), later: backfilled, who, what, event: version },
        moment: at.getTime(),
      });
  }
  const inOrder = timeline.sort((one, other) => one.moment - other.moment || one.event - other.event);
  return { timeline: inOrder.map(({ moment: _, ...line }) => line), refusals: [...refusals.values()] };
}

/** The attempt that an event ends. */
function endOf(event: LogEvent): string | null {
  if (!isKnown(event)) return null;
  if (event.type !== "step.verified" && event.type !== "step.failed" && event.type !== "step.stopped") return null;
  return `${event.run}/${event.data.step}/${event.data.attempt}`;
}

/** The beginning of an attempt whose end is told too: one line is enough. */
function isEndedLater(event: LogEvent, ended: ReadonlySet<string>): boolean {
  if (!isKnown(event) || event.type !== "step.started") return false;
  return ended.has(`${event.run}/${event.data.step}/${event.data.attempt}`);
}

/** It was begun in someone's name, and they may have been asleep. */
function isByCalendar({ state }: Known): boolean {
  const by = state.declared?.by;
  return by?.kind === "person" && by.door === "calendar";
}
