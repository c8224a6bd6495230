import type { Command } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { nameIn, say, surroundings } from "../src/command/reply/say.ts";
import { openApprovalRequests } from "../src/command/resolve/approval-requests.ts";
import { incidentHere, theIncident } from "../src/command/resolve/incident.ts";
import { namedIn } from "../src/command/resolve/system.ts";
import { awaited } from "../src/incident/authority.ts";
import type { EventType } from "../src/incident/events.ts";
import { roleTitle } from "../src/incident/people.ts";
import type { IncidentState, RunState } from "../src/incident/state.ts";
import { isLive } from "../src/incident/status.ts";
import { lastEntries, planIn } from "../src/report/transcript.ts";
import { approvalAwaited, notDeclared } from "../templates/messages/incident/answers.ts";
import { catchUp, HAPPENED_SHOWN } from "../templates/messages/incident/catchup.ts";
import { JOINED } from "../templates/messages/kit/action-value.ts";
import { cut, plainWords, safe } from "../templates/messages/kit/escape.ts";
import { clock } from "../templates/messages/kit/when.ts";

/** Where the user only joined the channel (`JOINED`): who was there from the start gets no message. */
const LATE_SECONDS = 60;

export const catchup: Command = {
  verb: "catchup",
  aliases: ["catch-up", "catch"],
  summary: "Catch up: what happened, current state, roles, and what's pending.",
  usage: "/dr catchup [<incident>]",
  examples: ["/dr catchup"],
  everyMember: true,
  reads: () => true,
  async handle(context, request) {
    if (request.actionValue === JOINED && (await incidentHere(context, request)) === null) return { kind: "nothing" };
    const incident = await theIncident(context, request, true);
    const { declared } = incident;
    if (declared === null) return say(notDeclared());
    const age = (context.timeline.now().getTime() - declared.at.getTime()) / 1000;
    if (request.actionValue === JOINED && age < LATE_SECONDS) return { kind: "nothing" };
    const events = await context.timeline.read(incident.id);
    const names = (who: string) => plainWords(nameIn(context, who));
    const told = lastEntries(events, planIn(incident), names, HAPPENED_SHOWN, ({ type }) => TOLD.has(type));
    const happened = told.map(({ at, who, what }) => ({ at, what: `${who} ${what}` }));
    const around = surroundings(context, incident, await context.channelOf(incident.id));
    return { kind: "private", message: catchUp(incident, declared, happened, waitingFor(context, incident), around) };
  },
};

/** What changes the picture. Steps are the run's own story, and refusals no one's. */
const TOLD: ReadonlySet<string> = new Set<EventType>([
  ...(["incident.declared", "incident.severityChanged", "incident.statusChanged", "incident.noted"] as const),
  ...(["incident.resolved", "incident.reopened", "run.requested", "run.verified", "run.failed"] as const),
  ...([
    "run.aborted",
    "run.stuck",
    "split-brain.seen",
    "fault.remains",
    "probation.changed",
    "probation.ended",
    "run.committed",
    "stage.late",
    "gate.approved",
    "gate.denied",
    "step.failed",
    "step.stopped",
  ] as const),
  ...(["update.posted", "comms.late"] as const),
]);

function waitingFor(context: CommandContext, incident: IncidentState): readonly string[] {
  return [...incident.runs.values()].filter(isLive).flatMap((run) => [...asks(context, incident, run), ...hands(run)]);
}

function asks(context: CommandContext, incident: IncidentState, run: RunState): readonly string[] {
  const system = namedIn(context, incident);
  return openApprovalRequests(incident, run).map(({ gate }) => {
    const { asked, next } = awaited(run, gate, system, context.timeline.now());
    const people = [...new Set(asked.flatMap((level) => level.people.map(({ name }) => name)))];
    const then = next === null ? null : `${roleTitle(next.role, system)} at ${minute(next.at)}`;
    return approvalAwaited(people, minute(gate.firstOpenedAt), then);
  });
}

/** `02:41 UTC` */
function minute(at: Date): string {
  return `${clock(at).slice(0, 5)} UTC`;
}

/** What only a person can do or decide. */
function hands(run: RunState): readonly string[] {
  return [...run.steps.values()].flatMap((step) => {
    const title = safe(cut(step.step.title, 60));
    if (step.status === "open" && step.step.kind === "manual") return [`By hand: ${title}`];
    if (step.status === "failed" || step.status === "stopped") return [`A decision: ${title} ${step.status}`];
    return [];
  });
}
