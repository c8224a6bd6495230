import { interruptionOf, isAfterRecovery, recoveryOf } from "../incident/recovery.ts";
import type { RunState } from "../incident/state.ts";
import { eventsOf, type Known } from "./known.ts";
import { length } from "./length.ts";
import { lossOf, outcomeOf } from "./run-facts.ts";

/** A sentence that stands on an event; null: on several, or on none. */
export interface Sentence {
  readonly says: string;
  readonly event: number | null;
}

/** What the record tells, in a few sentences, for the reader who wasn't there. */
export function narrativeOf(known: Known): readonly string[] {
  const { state, system, when, runs } = known;
  const { declared } = state;
  if (declared === null) return [];
  const by = declaredBy(known);
  const impact = declared.impactStartedAt;
  const began =
    impact === null
      ? `${by} declared an incident of ${system.title} at ${when.said(declared.at)}.`
      : `Impact on ${system.title} began at ${when.said(impact)}; ${by} declared an incident ${length(seconds(impact, declared.at))} later.`;
  return [
    declared.kind === "real"
      ? began
      : `${by} began ${PLANNED[declared.kind]} of ${system.title} at ${when.said(declared.at)}.`,
    ...runs.map((run) => runSentence(known, run)),
    ...(runs.length === 0 ? ["No run changed anything."] : []),
    ...(state.resolvedAt === null
      ? []
      : [`It was ${declared.kind === "real" ? "resolved" : "over"} at ${when.said(state.resolvedAt)}.`]),
  ];
}

const PLANNED = { drill: "a drill", maintenance: "maintenance" } as const;

function runSentence(known: Known, run: RunState): string {
  const { state, names, when, runs } = known;
  const asked = `${names(run.requester)} requested “${run.plan.title}” (${run.mode})`;
  if (run.ending?.as !== "verified") return `${asked}${deniedFirst(known, run)}. Outcome: ${outcomeOf(run)}.`;
  const deciders = [...run.steps.values()].flatMap((step) =>
    step.status === "gate"
      ? step.gate.approvals.map(({ person, ahead }) => `${names(person)}${ahead ? " (ahead)" : ""}`)
      : [],
  );
  const approved = deciders.length === 0 ? "" : `, ${[...new Set(deciders)].join(" and ")} approved it`;
  const { rtoSeconds, from, rpo } = recoveryOf(state, run);
  const after = isAfterRecovery(runs, run) || rtoSeconds === null;
  const began = state.declared?.kind === "real" ? "the declaration" : "it began";
  const since = { impact: "the impact began", declaration: began, interruption: "it was interrupted" }[from];
  const done = after
    ? `and it was verified ${length(seconds(run.requestedAt, run.endedAt ?? run.requestedAt))} after the request`
    : `and service was verified ${length(rtoSeconds)} after ${since}`;
  const lost = rpo === null ? "" : ` Data lost: ${lossOf(rpo, when)}.`;
  return `${asked}${deniedFirst(known, run)}${approved}, ${done}.${lost}`;
}

function deniedFirst({ events, names }: Known, run: RunState): string {
  const denied = eventsOf(events, "gate.denied").filter((event) => event.run === run.id);
  const by = [...new Set(denied.map(({ data }) => names(data.person)))].join(" and ");
  return denied.length === 0 ? "" : `, ${by} denied it${denied.length > 1 ? ` ${denied.length} times` : " at first"}`;
}

/** How it came to be known. */
export function detectionOf(known: Known): readonly Sentence[] {
  const { state, events, when } = known;
  const { declared } = state;
  if (declared?.kind !== "real") return [];
  const impact = declared.impactStartedAt;
  const notes = eventsOf(events, "incident.noted").filter(
    ({ data }) => data.happenedAt !== null && new Date(data.happenedAt) < declared.at,
  );
  const version = eventsOf(events, "incident.declared")[0]?.version ?? null;
  const after = impact === null ? "" : `, ${length(seconds(impact, declared.at))} after the impact began`;
  return [
    impact === null
      ? { says: "The start of the impact isn't recorded, so the time to detect isn't known.", event: null }
      : { says: `Impact began at ${when.said(impact)}.`, event: version },
    ...notes.map(({ data, version: event }) => ({
      says: `Noted for ${when.said(new Date(data.happenedAt as string))}: ${data.text}`,
      event,
    })),
    { says: `${declaredBy(known)} declared it at ${when.said(declared.at)}${after}.`, event: version },
  ];
}

/** Whom was told what, and what was late. */
export function communicationOf({ state, events, when }: Known): readonly Sentence[] {
  const posted = eventsOf(events, "update.posted");
  const audiences = [...new Set(posted.map(({ data }) => data.audience))];
  const told = audiences.map((audience): Sentence => {
    const to = posted.filter(({ data }) => data.audience === audience);
    const first = to[0];
    const declared = state.declared?.at;
    const later =
      first && declared ? `, ${length(Math.max(seconds(declared, first.at), 0))} after the declaration` : "";
    const says = `${AUDIENCES[audience]}: ${to.length} ${to.length === 1 ? "update" : "updates"}, the first at ${first ? when.said(first.at) : ""}${later}.`;
    return { says, event: first?.version ?? null };
  });
  const late = eventsOf(events, "comms.late").map(({ data, version }): Sentence => {
    return { says: `Late: ${DUE_TITLES[data.kind]}, due at ${when.said(new Date(data.dueAt))}.`, event: version };
  });
  return told.length + late.length === 0
    ? [{ says: "No update was posted through Lifeboat.", event: null }]
    : [...told, ...late];
}

const AUDIENCES = {
  responders: "Responders",
  executives: "Executives",
  customers: "Customers",
  "status-page": "Status page",
} as const;
const DUE_TITLES = {
  firstNotice: "the first notice",
  update: "the next update",
  resolution: "the notice of the resolution",
  postmortem: "the post-mortem",
} as const;

/** The moments a post-mortem names, as `HH:MM` of the system's clocks. Where one isn't recorded, `HH:MM` is left to fill in. */
export interface Moments {
  readonly detected: string;
  readonly notified: string;
  readonly cause: string;
  readonly fixed: string;
  readonly restored: string;
  readonly resolved: string;
}

export function momentsOf({ state, events, runs, when }: Known): Moments {
  const { declared } = state;
  const day = declared === null ? "" : when.day(declared.impactStartedAt ?? declared.at);
  const at = (moment: Date | null | undefined) => (moment ? when.minute(moment, day) : "HH:MM");
  const notified = eventsOf(events, "page.sent")[0] ?? eventsOf(events, "update.posted")[0];
  const identified = eventsOf(events, "incident.statusChanged").find(({ data }) => data.to === "identified");
  const verified = runs.find((run) => run.ending?.as === "verified" && run.plan.undoes === undefined);
  return {
    detected: at(declared?.at),
    notified: at(notified?.at),
    cause: at(identified?.at),
    fixed: at(verified && interruptionOf(verified).until),
    restored: at(verified?.endedAt),
    resolved: at(state.resolvedAt),
  };
}

export function declaredBy({ state, names }: Known): string {
  const by = state.declared?.by;
  if (by?.kind !== "person") return "Lifeboat";
  return by.person === null ? by.name : names(by.person);
}

function seconds(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000;
}
