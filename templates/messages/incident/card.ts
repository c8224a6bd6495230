import { incidentName } from "../../../src/incident/numbers.ts";
import { COMMANDER } from "../../../src/incident/people.ts";
import { watchedNow } from "../../../src/incident/probation.ts";
import { recoveryOf } from "../../../src/incident/recovery.ts";
import type { Declared, IncidentState, RunState } from "../../../src/incident/state.ts";
import { reviewsDue } from "../approval/break-glass.ts";
import { dueUpdateWords, nextDueUpdate } from "../comms/due-updates.ts";
import { ackWords, notPaged, pageOf } from "../comms/page-status.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, fields, header, lines, section } from "../kit/blocks.ts";
import { plain, safe } from "../kit/escape.ts";
import { kindPrefix, kindSentence, runTitle } from "../kit/kind.ts";
import type { Block, Message } from "../kit/message.ts";
import { roleWords } from "../kit/people.ts";
import { runMark, runStatusWords, statusWords } from "../kit/status.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, between, clock, lasting } from "../kit/when.ts";
import { clockOrigin, clockStart, deadlineOf } from "../run/deadline.ts";
import { stillUnfenced } from "../run/fence.ts";
import { probationLines } from "../run/probation.ts";
import { openBeforeWords } from "./action-items.ts";
import { alertWords } from "./alerts.ts";
import { named } from "./maintenance.ts";
import { responseWords } from "./unresolved.ts";

/** The pinned card: one message that says how things stand, updated in place. */
export function statusCard(state: IncidentState, declared: Declared, around: Surroundings): Message {
  const prefix = kindPrefix(declared.kind, around.practice);
  const note = kindSentence(declared.kind, around.practice);
  const runs = [...state.runs.values()];
  const planned = declared.kind === "maintenance";
  return {
    text: `${prefix}${named(state)} ${safe(declared.title)}: ${statusWords(state.status)}. ${planned ? "" : `${rolesSentence(state, around)} `}${runsSentence(runs)}${alertSentence(state)}${dueSentence(state, around)}`,
    blocks: [
      header(`${prefix}${named(state)}: ${plain(declared.title)}`),
      fields([
        ["Status", statusWords(state.status)],
        ["System", safe(around.system.title)],
        ...(planned ? [] : rolePairs(state, around)),
        ["Clock", clockWords(state, around.now)],
        ...duePair(state, around),
      ]),
      ...pagedBlocks(state, around),
      ...alertBlocks(state),
      ...responseBlocks(state, around),
      ...(runs.length > 0 ? lines(["*Runs*", ...runs.map((run) => runLine(state, run, around.now))]) : []),
      ...lines(stillUnfenced(runs, around)),
      ...lines(runs.flatMap((run) => probationLines(run, around))),
      ...reviewsDue(state, around),
      ...lines([...bridgeWords(state, around), ...leftWords(state, around)]),
      ...nextMoves(state, runs),
      context(`${safe(state.id)} · declared ${at(declared.at)}${note ? ` · ${note}` : ""}`),
    ],
  };
}

function bridgeWords(state: IncidentState, { bridgeUrl }: Surroundings): readonly string[] {
  if (bridgeUrl == null || state.resolvedAt !== null) return [];
  const link = bridgeUrl.replaceAll("{incident}", encodeURIComponent(incidentName(state).toLowerCase()));
  return [`📹 <${link}|Join the bridge>`];
}

function leftWords(state: IncidentState, { openBefore }: Surroundings): readonly string[] {
  const left = openBeforeWords(openBefore);
  return left === null || state.resolvedAt !== null ? [] : [left];
}

function dueSentence(state: IncidentState, around: Surroundings): string {
  const due = nextDueUpdate(state, around);
  return due === null ? "" : ` Next update ${due.late ? "overdue since" : "due by"} ${clock(due.dueAt)}.`;
}

function duePair(state: IncidentState, around: Surroundings): (readonly [string, string])[] {
  const due = nextDueUpdate(state, around);
  return due === null ? [] : [["Next update due", dueUpdateWords(due)]];
}

function alertSentence(state: IncidentState): string {
  const words = alertWords(state);
  return words === null ? "" : ` Alerts: ${words}.`;
}

function responseBlocks(state: IncidentState, around: Surroundings): Block[] {
  const words = responseWords(state, around);
  return words === null ? [] : [context(`Response ${words}`)];
}

function alertBlocks(state: IncidentState): Block[] {
  const words = alertWords(state);
  return words === null ? [] : [section(`*Alerts:* ${words}`)];
}

function pagedBlocks(state: IncidentState, around: Surroundings): Block[] {
  const failing = notPaged(state);
  if (failing !== null && state.resolvedAt === null) return [section(`⚠️ ${failing}`)];
  const page = pageOf(state, null);
  return page === null ? [] : [context(ackWords(page, around))];
}

/** Who has which role, and in one line the roles that no one has. */
function rolePairs(state: IncidentState, around: Surroundings): (readonly [string, string])[] {
  const roles = perIncident(around).slice(0, 6);
  const taken = roles.flatMap(({ id, title }) => {
    const holder = state.roles.get(id);
    return holder === undefined ? [] : [[safe(title), around.names(holder)] as const];
  });
  const open = roles.filter(({ id }) => !state.roles.has(id)).map(({ title }) => safe(title));
  return [...taken, ...(open.length === 0 ? [] : [["Open roles", open.join(", ")] as const])];
}

function rolesSentence(state: IncidentState, around: Surroundings): string {
  const open = perIncident(around).filter(({ id }) => !state.roles.has(id));
  const taken = [...state.roles].map(([role, who]) => `${roleWords(around.system, role)} is ${around.names(who)}`);
  const missing = open.length > 0 ? [`open: ${open.map(({ title }) => safe(title)).join(", ")}`] : [];
  const parts = [...taken, ...missing];
  return parts.length > 0 ? `Roles: ${parts.join("; ")}.` : "";
}

function perIncident(around: Surroundings) {
  return around.system.roles.filter((role) => role.perIncident);
}

function runsSentence(runs: readonly RunState[]): string {
  if (runs.length === 0) return "No run yet.";
  return runs.map((run) => `${safe(runTitle(run.plan, run.dryRun))}: ${runStatusWords(run)}.`).join(" ");
}

function runLine(state: IncidentState, run: RunState, now: Date): string {
  const rto = recoveryOf(state, run).rtoSeconds;
  const deadline = run.endedAt === null ? deadlineOf(state, run) : null;
  const clockPart =
    rto !== null ? ` · RTO ${lasting(rto)}` : deadline !== null ? ` · ${deadlineWords(deadline, now)}` : "";
  return `${runMark(run)} ${safe(runTitle(run.plan, run.dryRun))}: ${runStatusWords(run)}${clockPart}`;
}

function deadlineWords(deadline: Date, now: Date): string {
  return deadline > now ? `RTO ends ${at(deadline)}` : `RTO passed ${at(deadline)}`;
}

function clockWords(state: IncidentState, now: Date): string {
  const start = clockStart(state);
  if (start === null) return "not started";
  const since = `since ${clockOrigin(state)}`;
  if (state.resolvedAt !== null) return `${between(start, state.resolvedAt)}, ${since}`;
  return `${start > now ? "from" : "running from"} ${at(start)}, ${since}`;
}

function nextMoves(state: IncidentState, runs: readonly RunState[]): Block[] {
  if (state.status === "closed") return [];
  if (state.status === "resolved") {
    return [
      actions(
        { label: "Draft post-mortem", verb: "postmortem", actionValue: actionValue(state.id), style: "primary" },
        { label: "Close incident", verb: "incident.close", actionValue: actionValue(state.id) },
      ),
    ];
  }
  const busy = runs.some(({ endedAt }) => endedAt === null);
  const key = actionValue(state.id);
  const leads: readonly Button[] = [
    { label: "Update…", verb: "update", actionValue: key, aloud: "Send an update" },
    { label: "Severity…", verb: "severity", actionValue: key, aloud: "Change the severity" },
    { label: "Note…", verb: "note", actionValue: key, aloud: "Add a note to the timeline" },
  ];
  const start: Button = { label: "Start runbook…", verb: "failover", actionValue: "", style: "primary" };
  const take: Button = { label: "Take a role", verb: "role", actionValue: key };
  const resolve: Button = { label: "Resolve incident", verb: "incident.resolve", actionValue: key };
  // Refused while the new side of a move is watched: the run's result leads to commit and fail back.
  const ends = watchedNow(state).length === 0 ? [resolve] : [];
  return [busy ? actions(...leads, take) : actions(...leads, start, take, ...ends)];
}

/**
 * For the topic of the channel: severity, status, commander. Slack tells everyone in the channel of each change, so nothing is in
 * it that moves by itself.
 */
export function topicOf(state: IncidentState, declared: Declared, around: Surroundings): string {
  const holder = state.roles.get(COMMANDER);
  const commander = around.system.people.find(({ id }) => id === holder)?.name ?? holder;
  return [
    `${kindPrefix(declared.kind, around.practice)}${named(state)} ${statusWords(state.status)}`,
    ...(around.system.roles.some(({ id }) => id === COMMANDER) ? [`Commander: ${plain(commander ?? "open")}`] : []),
  ].join(" · ");
}
