import type { Actor } from "../incident/events.ts";
import type { IncidentState } from "../incident/state.ts";
import type { StoredEvent } from "../timeline/contract.ts";

export type EventSeverity = "info" | "low" | "medium" | "high";

/** What a security team wants to be told of louder than of the rest. */
const SEVERITIES: Readonly<Record<string, EventSeverity>> = {
  "approval.refused": "medium",
  "command.refused": "medium",
  "gate.broken": "high",
  "gate.breakAsked": "high",
  "gate.denied": "low",
  "gate.voided": "low",
  "person.enrolled": "low",
  "person.vouched": "medium",
  "person.locked": "high",
  "run.failed": "medium",
  "run.aborted": "low",
  "run.stuck": "medium",
  "split-brain.seen": "high",
  "fault.remains": "medium",
  "step.skipped": "low",
  "member.added": "low",
  "incident.declared": "low",
};

/** A CloudEvent (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md). */
export interface EventRecord {
  readonly specversion: "1.0";
  /** The same for every attempt, and unique: the incident and the event's place in it. */
  readonly id: string;
  readonly source: string;
  /** `lifeboat.run.requested` */
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly data: Readonly<Record<string, unknown>>;
}

/** `incident.severityChanged` → `incident.severity_changed`: stable, as the type of an event is. */
export function codeOf(type: string): string {
  return type.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function severityOf(type: string): EventSeverity {
  return SEVERITIES[type] ?? "info";
}

/** Of an event's own data only these: names and numbers of the catalogue, ids, and who. Nothing that someone wrote. */
const SHOWN = ["step", "attempt", "ask", "role", "level", "via", "verb", "code", "person", "mode", "dryRun"] as const;
const LONGEST = 200;

export function recordOf(event: StoredEvent, state: IncidentState): EventRecord {
  const { declared } = state;
  const run = event.run === null ? undefined : state.runs.get(event.run);
  const data = (event.data ?? {}) as Readonly<Record<string, unknown>>;
  const shown = SHOWN.flatMap((key) => {
    const value = data[key];
    return typeof value === "number" ||
      typeof value === "boolean" ||
      (typeof value === "string" && value.length <= LONGEST)
      ? [[key, value] as const]
      : [];
  });
  const people = peopleOf(data);
  const problem = (data.problem as { code?: unknown } | undefined)?.code;
  return {
    specversion: "1.0",
    id: `${event.stream}/${event.version}`,
    source: `lifeboat/${declared?.system ?? ""}`,
    type: `lifeboat.${codeOf(event.type)}`,
    subject: event.stream,
    time: event.at.toISOString(),
    datacontenttype: "application/json",
    data: {
      code: codeOf(event.type),
      severity: severityOf(event.type),
      system: declared?.system ?? null,
      incident: {
        id: state.id,
        kind: declared?.kind ?? null,
        severity: state.severity,
        ...(state.number !== undefined && { number: state.number }),
      },
      ...(event.run !== null && { run: { id: event.run, runbook: run?.runbook ?? null, mode: run?.mode ?? null } }),
      actor: whoOf(event.actor as Actor),
      ...Object.fromEntries(shown),
      ...(people.length > 0 && { people }),
      ...(typeof problem === "string" && { code_of_problem: problem }),
      hash: event.hash,
    },
  };
}

/** Whom an event of people is about: `<system>/<person>`. */
function peopleOf({ people }: Readonly<Record<string, unknown>>): readonly string[] {
  return Array.isArray(people) ? people.filter((one) => typeof one === "string" && one.length <= LONGEST) : [];
}

/** By id: a name is a person's own to change. */
function whoOf(actor: Actor) {
  if (actor.kind !== "person") return { kind: actor.kind };
  return { kind: "person", person: actor.person, account: actor.slackUser, transport: actor.door };
}
