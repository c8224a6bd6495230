import { unreviewed } from "../break-glass.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { personOf } from "../people.ts";
import { watchedNow, windowEnd } from "../probation.ts";
import type { Wish } from "../refusal/life.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { isLive } from "../status.ts";
import { unknownSeverity } from "./declare.ts";
import { NO_INCIDENT, notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line, words } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Anyone on the roster may say that planned work has become an incident: a false alarm costs less than a late one. */
export function raise(command: Of<"raise">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "raise", refusal);
  const refusal = notOnRoster(context) ?? notMaintenance(state) ?? unknownSeverity(command.severity, context);
  if (refusal !== null) return no(refusal);
  const { severity, announceIn } = command;
  const data = { severity, reason: line(command.reason, LIMITS.reason), announceIn };
  return accept(context, [{ type: "incident.raised", data }]);
}

export function changeSeverity(command: Of<"changeSeverity">, state: IncidentState, context: DecideContext): Outcome {
  const refusal = notOnRoster(context) ?? notOpen(state) ?? noSeverity(state) ?? unknownSeverity(command.to, context);
  if (refusal !== null) return refuse(context, "severity", refusal);
  if (command.to === state.severity)
    return refuse(context, "severity", { code: "severity-same", severity: command.to });
  const data = { from: state.severity, to: command.to, reason: line(command.reason, LIMITS.reason), ...POSTED };
  return accept(context, [{ type: "incident.severityChanged", data }]);
}

/** While it is open an incident may move to any other open status, forwards or back: the night decides. */
export function changeStatus(command: Of<"changeStatus">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "status", refusal);
  const refusal = notOnRoster(context) ?? notOpen(state);
  if (refusal !== null) return no(refusal);
  const known = ["investigating", "identified", "mitigating", "monitoring"];
  if (!known.includes(command.to)) return no({ code: "status-unknown", to: command.to, known });
  if (command.to === state.status) return no({ code: "status-same", status: command.to });
  return accept(context, [{ type: "incident.statusChanged", data: { from: state.status, to: command.to, ...POSTED } }]);
}

export function note(command: Of<"note">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "note", refusal);
  if (state.declared === null) return no(NO_INCIDENT);
  const text = words(command.text, LIMITS.note);
  if (text === null) return no({ code: "note-empty" });
  if (command.happenedAt !== null && !(command.happenedAt <= context.now)) return no({ code: "note-later" });
  const happenedAt = command.happenedAt?.toISOString() ?? null;
  return accept(context, [
    { type: "incident.noted", data: { text, happenedAt, link: line(command.link, LIMITS.link) } },
  ]);
}

/** Refused while a run is live: what is still changing things is not over. */
export function resolve(command: Of<"resolve">, state: IncidentState, context: DecideContext): Outcome {
  const refusal =
    notOnRoster(context) ?? notOpen(state) ?? stillLive(state, "resolved") ?? stillWatched(command, state);
  if (refusal !== null) return refuse(context, "resolve", refusal);
  const summary = words(command.summary, LIMITS.summary);
  return accept(context, [{ type: "incident.resolved", data: { summary, ...POSTED } }]);
}

export function reopen(command: Of<"reopen">, state: IncidentState, context: DecideContext): Outcome {
  const refusal = notOnRoster(context) ?? notOver(state, "reopened");
  if (refusal !== null) return refuse(context, "reopen", refusal);
  const reason = line(command.reason, LIMITS.reason);
  if (reason === null) return refuse(context, "reopen", { code: "reason-missing", reason: { for: "reopen" } });
  return accept(context, [{ type: "incident.reopened", data: { reason, ...POSTED } }]);
}

const POSTED = { posted: true } as const;

/** After the resolution, with its post-mortem drafted, or with the reason why there is none. A drill needs none. */
export function close(command: Of<"close">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "close", refusal);
  const refusal =
    notOnRoster(context) ?? notOver(state, "closed") ?? stillLive(state, "closed") ?? stillUnreviewed(state);
  if (refusal !== null) return no(refusal);
  if (state.status === "closed") return no({ code: "status-same", status: "closed" });
  const waived = line(command.waived, LIMITS.reason);
  if (waived === null && state.draftedAt === undefined && state.declared?.kind !== "drill")
    return no({ code: "postmortem-missing" });
  return accept(context, [{ type: "incident.closed", data: waived === null ? {} : { waived } }]);
}

export function draftPostmortem(state: IncidentState, context: DecideContext): Outcome {
  const refusal = notOnRoster(context) ?? notOver(state, "written up");
  if (refusal !== null) return refuse(context, "postmortem", refusal);
  return accept(context, [
    { type: "postmortem.drafted", data: { title: `Post-mortem: ${state.declared?.title ?? ""}` } },
  ]);
}

/** A person on the roster vouches for a record that is over. It covers every event up to now; what comes later isn't covered. */
export function signOff({ statement }: Of<"signOff">, state: IncidentState, context: DecideContext): Outcome {
  const person = personOf(context.actor, context.system);
  const refusal = notOnRoster(context) ?? notOver(state, "signed off");
  if (refusal !== null || person === null)
    return refuse(context, "sign-off", refusal ?? { code: "not-on-roster", system: context.system.title });
  const says = words(statement, LIMITS.reason);
  if (says === null) return refuse(context, "sign-off", { code: "statement-missing" });
  const before = state.signOffs?.at(-1);
  if (
    before !== undefined &&
    before.person === person.id &&
    before.statement === says &&
    before.version === state.version - 1
  )
    return refuse(context, "sign-off", { code: "signed-off" });
  const proved = context.provedAfresh === true;
  const data = { person: person.id, roles: person.roles, statement: says, version: state.version, proved };
  return accept(context, [{ type: "record.signedOff", data }]);
}

function notMaintenance({ declared }: IncidentState): Refusal | null {
  if (declared === null) return { code: "not-declared", what: "maintenance" };
  return declared.kind === "maintenance" ? null : { code: "not-maintenance", kind: declared.kind };
}

function noSeverity({ declared, id }: IncidentState): Refusal | null {
  return declared?.kind === "maintenance" ? { code: "maintenance", incident: id } : null;
}

function notOver({ declared, status }: IncidentState, wish: Wish): Refusal | null {
  if (declared === null) return NO_INCIDENT;
  return status === "resolved" || status === "closed" ? null : { code: "incident-open", status, wish };
}

function stillUnreviewed(state: IncidentState): Refusal | null {
  const runs = unreviewed(state).map(({ run }) => ({ title: run.title, id: run.id }));
  return runs.length === 0 ? null : { code: "review-missing", runs };
}

function stillLive(state: IncidentState, wish: Wish): Refusal | null {
  const runs = [...state.runs.values()].filter(isLive).map(({ title, id, status }) => ({ title, id, status }));
  return runs.length === 0 ? null : { code: "run-live", runs, wish };
}

/** Asked once: who still wants it says so. */
function stillWatched({ anyway = false }: Of<"resolve">, state: IncidentState): Refusal | null {
  const [first] = anyway ? [] : watchedNow(state);
  const until = first && windowEnd(first);
  return first && until
    ? { code: "on-probation", run: first.title, until, healthy: first.probation?.healthy ?? null }
    : null;
}
