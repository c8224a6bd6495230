import type { System } from "../catalog/types.ts";
import { awaited } from "../incident/authority.ts";
import { duesOf, nextUpdateAt } from "../incident/cadence.ts";
import { incidentName } from "../incident/numbers.ts";
import { holdersOf, nameOf, oneOf, roleTitle } from "../incident/people.ts";
import { recoveryOf } from "../incident/recovery.ts";
import type { GateState, IncidentState, RunState } from "../incident/state.ts";
import { Address } from "./rich-text.ts";

/** What a template may name beside its own fields. A text that is not known is empty, never missing. */
export const factNames = {
  incident: {
    id: "INC-42",
    title: "as it was declared, in the responders' words",
    severity: "P1",
    severityTitle: "what that means in this system",
    status: "investigating, identified, mitigating, monitoring, resolved or closed",
    declared: "when it was declared",
    since: "when impact began, else when it was declared",
    lasted: "from then until it was resolved, or until now",
    resolved: "when it was resolved, or empty",
    summary: "what ended it, or empty",
  },
  system: { title: "as customers know it" },
  people: { commander: "who decides", commsLead: "who tells people" },
  run: {
    title: "the newest run",
    target: "what it changes, from where to where",
    status: "what it is at",
    loss: "data that would be lost",
    lost: "data that was lost, as measured",
    took: "from the impact until the service was verified, or empty",
    objective: "the time it was to take, or empty",
    limit: "when that time is used up, or empty",
  },
  approval: {
    role: "whose decision is awaited, or empty",
    people: "who may give it",
    since: "since when",
    next: "who is asked next, or empty",
    nextAt: "and when",
  },
  next: { update: "when the next update is due, or empty", postmortem: "when the post-mortem is due, or empty" },
  statusPage: "the status page's address, or nothing",
} as const;

export type Facts = {
  readonly [Group in Exclude<keyof typeof factNames, "statusPage">]: {
    readonly [Name in keyof (typeof factNames)[Group]]: string;
  };
} & { readonly statusPage: Address | null };

export interface Known {
  readonly state: IncidentState;
  readonly system: System;
  readonly now: Date;
  /** Where the built-in page is read, for systems that name no other. */
  readonly pageLink: string | null;
}

export function factsOf({ state, system, now, pageLink }: Known): Facts {
  const { declared } = state;
  const since = declared?.impactStartedAt ?? declared?.at ?? null;
  const at = (moment: Date | null) => (moment === null ? "" : sayTime(moment, now));
  const link = system.comms?.link ?? pageLink;
  const postmortem = duesOf(state, system).find(({ kind }) => kind === "postmortem");
  return {
    incident: {
      id: incidentName(state),
      title: declared?.title ?? "",
      severity: state.severity,
      severityTitle: system.severities.find(({ id }) => id === state.severity)?.title ?? "",
      status: state.status,
      declared: at(declared?.at ?? null),
      since: at(since),
      lasted: since === null ? "" : lasting(((state.resolvedAt ?? now).getTime() - since.getTime()) / 1000),
      resolved: at(state.resolvedAt),
      summary: state.comms.over?.summary ?? "",
    },
    system: { title: system.title },
    people: { commander: whoIs(state, system, "incident-commander"), commsLead: whoIs(state, system, "comms-lead") },
    run: runFacts(state, [...state.runs.values()].findLast(({ dryRun }) => !dryRun) ?? null, at),
    approval: approvalFacts(state, system, now, at),
    next: { update: at(nextUpdateAt(state, system, now)), postmortem: at(postmortem?.dueAt ?? null) },
    statusPage: link === null ? null : new Address(link),
  };
}

/** `02:41 UTC`; on another day `21 November 2026, 02:41 UTC`. */
export function sayTime(moment: Date, now: Date): string {
  const time = `${moment.toISOString().slice(11, 16)} UTC`;
  if (moment.toISOString().slice(0, 10) === now.toISOString().slice(0, 10)) return time;
  const date = moment.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  return `${date}, ${time}`;
}

/** A length of time as people say it to people: `less than a minute`, `47 minutes`, `1 hour 5 minutes`. */
export function lasting(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return "less than a minute";
  const parts: [number, string][] = [
    [Math.floor(minutes / 1440), "day"],
    [Math.floor(minutes / 60) % 24, "hour"],
    [minutes % 60, "minute"],
  ];
  return parts
    .filter(([count]) => count > 0)
    .slice(0, 2)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? "" : "s"}`)
    .join(" ");
}

type At = (moment: Date | null) => string;

function whoIs(state: IncidentState, system: System, role: string): string {
  const taken = state.roles.get(role);
  if (taken !== undefined) return nameOf(taken, system);
  const holders = holdersOf(role, system);
  return holders.length === 1 ? (holders[0]?.name ?? "") : "";
}

function runFacts(state: IncidentState, run: RunState | null, at: At): Facts["run"] {
  if (run === null) {
    return { title: "", target: "", status: "", loss: "", lost: "", took: "", objective: "", limit: "" };
  }
  const { startedAt, rtoSeconds, objectiveSeconds, rpo } = recoveryOf(state, run);
  const limit = startedAt && objectiveSeconds !== null ? new Date(startedAt.getTime() + objectiveSeconds * 1000) : null;
  const rows = rpo?.rows == null ? null : `${rpo.rows} ${rpo.rows === 1 ? "row" : "rows"}`;
  const time = rpo?.seconds == null ? null : `the last ${rpo.seconds} s of writes`;
  return {
    title: run.plan.title,
    target: run.plan.target,
    status: run.status,
    loss: run.preflight?.loss ?? "",
    lost: rpo === null ? "" : [time, rows].filter((part) => part !== null).join(", ") || "not known",
    took: rtoSeconds === null ? "" : lasting(rtoSeconds),
    objective: objectiveSeconds === null ? "" : lasting(objectiveSeconds),
    limit: at(limit),
  };
}

function approvalFacts(state: IncidentState, system: System, now: Date, at: At): Facts["approval"] {
  const open = [...state.runs.values()].flatMap((run) =>
    run.endedAt === null
      ? [...run.steps.values()].flatMap((step): { run: RunState; gate: GateState }[] =>
          step.status === "gate" && step.gate.outcome === "open" ? [{ run, gate: step.gate }] : [],
        )
      : [],
  );
  const first = open[0];
  if (first === undefined) return { role: "", people: "", since: "", next: "", nextAt: "" };
  const { asked, next } = awaited(first.run, first.gate, system, now);
  const people = asked.flatMap((level) => level.people).map((one) => one.name);
  return {
    role: oneOf([...new Set(asked.map(({ role }) => roleTitle(role, system)))]),
    people: people.length === 0 ? "" : oneOf([...new Set(people)]),
    since: at(first.gate.firstOpenedAt),
    next: next === null ? "" : roleTitle(next.role, system),
    nextAt: at(next?.at ?? null),
  };
}
