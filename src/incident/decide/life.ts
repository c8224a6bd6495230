import type { Problem } from "../../lib/errors.ts";
import { unreviewed } from "../break-glass.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { allOf } from "../people.ts";
import type { IncidentState, RunState } from "../state.ts";
import { isLive } from "../status.ts";
import { notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line, words } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Anyone on the roster may say that planned work has become an incident: a false alarm costs less than a late one. */
export function raise(command: Of<"raise">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "raise", problem);
  const problem = notOnRoster(context);
  if (problem !== null) return no(problem);
  if (state.declared === null) return no({ code: "not-declared", what: "There is no such maintenance" });
  if (state.declared.kind !== "maintenance")
    return no({
      code: "not-maintenance",
      what: `This is ${state.declared.kind === "drill" ? "a drill" : "an incident already"}`,
      next: "`/dr severity <P0-P3>` changes how bad it is",
    });
  const known = context.system.severities.map((one) => one.id);
  if (!known.includes(command.severity))
    return no({
      code: "severity-unknown",
      what: `${context.system.title} has no severity ${command.severity}`,
      allowed: `It knows ${known.join(", ")}`,
    });
  const { severity, announceIn } = command;
  const data = { severity, reason: line(command.reason, LIMITS.reason), announceIn };
  return accept(context, [{ type: "incident.raised", data }]);
}

export function changeSeverity(command: Of<"changeSeverity">, state: IncidentState, context: DecideContext): Outcome {
  const problem = notOnRoster(context) ?? notOpen(state) ?? noSeverity(state);
  if (problem !== null) return refuse(context, "severity", problem);
  const known = context.system.severities.map((one) => one.id);
  if (!known.includes(command.to))
    return refuse(context, "severity", {
      code: "severity-unknown",
      what: `${context.system.title} has no severity ${command.to}`,
      allowed: `It knows ${known.join(", ")}`,
    });
  if (command.to === state.severity)
    return refuse(context, "severity", { code: "severity-same", what: `The severity is ${command.to} already` });
  const data = { from: state.severity, to: command.to, reason: line(command.reason, LIMITS.reason), ...POSTED };
  return accept(context, [{ type: "incident.severityChanged", data }]);
}

/** While it is open an incident may move to any other open status, forwards or back: the night decides. */
export function changeStatus(command: Of<"changeStatus">, state: IncidentState, context: DecideContext): Outcome {
  const problem = notOnRoster(context) ?? notOpen(state);
  if (problem !== null) return refuse(context, "status", problem);
  const open = ["investigating", "identified", "mitigating", "monitoring"];
  if (!open.includes(command.to))
    return refuse(context, "status", {
      code: "status-unknown",
      what: `An incident is not set to ${command.to} like this`,
      allowed: `It may be ${open.join(", ")}`,
      next: "`/dr resolve` ends it",
    });
  if (command.to === state.status)
    return refuse(context, "status", { code: "status-same", what: `The incident is ${command.to} already` });
  return accept(context, [{ type: "incident.statusChanged", data: { from: state.status, to: command.to, ...POSTED } }]);
}

export function note(command: Of<"note">, state: IncidentState, context: DecideContext): Outcome {
  if (state.declared === null)
    return refuse(context, "note", { code: "not-declared", what: "There is no such incident" });
  const text = words(command.text, LIMITS.note);
  if (text === null)
    return refuse(context, "note", {
      code: "note-empty",
      what: "Type the note",
      next: "`/dr note <what happened>`",
    });
  if (command.happenedAt !== null && !(command.happenedAt <= context.now))
    return refuse(context, "note", { code: "note-later", what: "A note is about the past" });
  const happenedAt = command.happenedAt?.toISOString() ?? null;
  return accept(context, [
    { type: "incident.noted", data: { text, happenedAt, link: line(command.link, LIMITS.link) } },
  ]);
}

/** Refused while a run is live: what is still changing things is not over. */
export function resolve(command: Of<"resolve">, state: IncidentState, context: DecideContext): Outcome {
  const problem = notOnRoster(context) ?? notOpen(state) ?? stillLive(state, "resolved");
  if (problem !== null) return refuse(context, "resolve", problem);
  const summary = words(command.summary, LIMITS.summary);
  return accept(context, [{ type: "incident.resolved", data: { summary, ...POSTED } }]);
}

export function reopen(command: Of<"reopen">, state: IncidentState, context: DecideContext): Outcome {
  const problem = notOnRoster(context) ?? notOver(state, "reopened");
  if (problem !== null) return refuse(context, "reopen", problem);
  const reason = line(command.reason, LIMITS.reason);
  if (reason === null)
    return refuse(context, "reopen", {
      code: "reason-missing",
      what: "Say why you reopen it",
      next: "`/dr reopen <why>`",
    });
  return accept(context, [{ type: "incident.reopened", data: { reason, ...POSTED } }]);
}

const POSTED = { posted: true } as const;

/** After the resolution, with its post-mortem drafted, or with the reason why there is none. A drill needs none. */
export function close(command: Of<"close">, state: IncidentState, context: DecideContext): Outcome {
  const problem =
    notOnRoster(context) ?? notOver(state, "closed") ?? stillLive(state, "closed") ?? stillUnreviewed(state);
  if (problem !== null) return refuse(context, "close", problem);
  if (state.status === "closed")
    return refuse(context, "close", { code: "status-same", what: "The incident is closed already" });
  const waived = line(command.waived, LIMITS.reason);
  if (waived === null && state.draftedAt === undefined && state.declared?.kind !== "drill")
    return refuse(context, "close", {
      code: "postmortem-missing",
      what: "There is no post-mortem yet",
      allowed: "Draft it, or say why there is none",
      next: "`/dr postmortem`, or `/dr close --no-postmortem <why>`",
    });
  return accept(context, [{ type: "incident.closed", data: waived === null ? {} : { waived } }]);
}

export function draftPostmortem(state: IncidentState, context: DecideContext): Outcome {
  const problem = notOnRoster(context) ?? notOver(state, "written up");
  if (problem !== null) return refuse(context, "postmortem", problem);
  return accept(context, [
    { type: "postmortem.drafted", data: { title: `Post-mortem: ${state.declared?.title ?? ""}` } },
  ]);
}

function noSeverity(state: IncidentState): Problem | null {
  if (state.declared?.kind !== "maintenance") return null;
  return {
    code: "maintenance",
    what: "This is maintenance, and has no severity",
    next: `Declare it an incident: \`/dr raise P1 --incident ${state.id}\``,
  };
}

function notOver(state: IncidentState, wish: string) {
  if (state.declared === null) return { code: "not-declared", what: "There is no such incident" };
  if (state.status === "resolved" || state.status === "closed") return null;
  return {
    code: "incident-open",
    what: `The incident is ${state.status}, not over`,
    allowed: `It can be ${wish} once it is resolved`,
    next: "`/dr resolve` ends it",
  };
}

function stillUnreviewed(state: IncidentState) {
  const open = unreviewed(state);
  if (open.length === 0) return null;
  return {
    code: "review-missing",
    what: `Break-glass was used for ${allOf(open.map(({ run }) => `"${run.title}" (${run.id})`))}, and not reviewed`,
    allowed: "Every break-glass must be reviewed by someone not involved before closing",
    next: "`/dr review <what you found>`",
  };
}

function stillLive(state: IncidentState, wish: string) {
  const live: readonly RunState[] = [...state.runs.values()].filter(isLive);
  if (live.length === 0) return null;
  return {
    code: "run-live",
    what: `${allOf(live.map((run) => `"${run.title}" (${run.id}, ${run.status})`))} ${live.length === 1 ? "is" : "are"} still in progress`,
    allowed: `An incident can be ${wish} once no run is in progress`,
    next: "Let it finish, or abort it: `/dr abort <why>`",
  };
}
