import type { Declared, IncidentState, RunState } from "../../../src/incident/state.ts";
import { dueUpdateWords, nextDueUpdate } from "../comms/due-updates.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, header, lines } from "../kit/blocks.ts";
import { cut, safe } from "../kit/escape.ts";
import { kindPrefix, runTitle } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { roleOf } from "../kit/people.ts";
import { runMark, runStatusWords, statusWords } from "../kit/status.ts";
import type { Surroundings } from "../kit/view.ts";
import { between, clock } from "../kit/when.ts";
import { clockOrigin, clockStart } from "../run/deadline.ts";

/** So much of what happened fits the screen. */
export const HAPPENED_SHOWN = 4;

/** Something that happened, for a reader who was not there. Words are raw. */
export interface Happened {
  readonly at: Date;
  readonly what: string;
}

/**
 * For who joins late: what happened, where we are, who does what, what is being waited for. It fits one screen of a
 * phone, so each part is short and the newest comes first to go nowhere else.
 */
export function catchUp(
  state: IncidentState,
  declared: Declared,
  happened: readonly Happened[],
  waiting: readonly string[],
  around: Surroundings,
): Message {
  const prefix = kindPrefix(declared.kind, around.practice);
  const title = `${prefix}${state.severity} ${cut(declared.title, 80)}`;
  const now = [whereWeAre(state, around.now), ...runsOf(state)];
  const story = happened
    .slice(-HAPPENED_SHOWN)
    .map(({ at, what }) => `• ${clock(at).slice(0, 5)} ${safe(cut(what, 110))}`);
  const who = people(state, around);
  const awaited = [...waiting, ...dueLine(state, around)].slice(0, 4).map((one) => `• ${one}`);
  const parts: (readonly [string, readonly string[]])[] = [
    ["Now", now],
    ["Timeline (UTC)", story.length > 0 ? story : ["• Nothing is recorded yet."]],
    ["Roles", [who]],
    ["Waited for", awaited.length > 0 ? awaited : ["• Nothing."]],
  ];
  return {
    text: [`${safe(title)}.`, ...parts.map(([name, said]) => `${name}: ${said.join(" ")}`)].join("\n"),
    blocks: [
      header(title),
      ...lines(parts.map(([name, said]) => `*${name}*\n${said.join("\n")}`)),
      actions(...moves(state)),
      context("Only you see this. `/dr catchup` shows it again."),
    ],
  };
}

function whereWeAre(state: IncidentState, now: Date): string {
  const start = clockStart(state);
  const since = start === null ? "" : `, ${between(start, state.resolvedAt ?? now)} since ${clockOrigin(state)}`;
  return `*${statusWords(state.status)}*${since}.`;
}

function runsOf(state: IncidentState): string[] {
  const live = [...state.runs.values()].filter(({ endedAt }) => endedAt === null);
  const last = [...state.runs.values()].at(-1);
  const shown: readonly RunState[] = live.length > 0 ? live.slice(0, 2) : last === undefined ? [] : [last];
  return shown.map(
    (run) => `${runMark(run)} ${safe(cut(runTitle(run.plan, run.dryRun), 60))}: ${runStatusWords(run)}.`,
  );
}

function people(state: IncidentState, around: Surroundings): string {
  const taken = [...state.roles].map(([role, who]) => {
    const title = roleOf(around.system, role)?.title ?? role;
    return `${safe(title)}: ${around.names(who)}`;
  });
  const open = around.system.roles.filter(({ perIncident, id }) => perIncident && !state.roles.has(id));
  const missing = open.length > 0 ? [`open: ${open.map(({ title }) => safe(title)).join(", ")}`] : [];
  return [...taken, ...missing].join(" · ") || "No roles are assigned.";
}

function dueLine(state: IncidentState, around: Surroundings): string[] {
  const due = nextDueUpdate(state, around);
  return due === null ? [] : [dueUpdateWords(due)];
}

function moves(state: IncidentState): Button[] {
  return [
    { label: "Take a role", verb: "role", actionValue: actionValue(state.id) },
    { label: "Show status", verb: "status", actionValue: actionValue(state.id) },
    { label: "Show timeline", verb: "timeline", actionValue: actionValue(state.id) },
  ];
}
