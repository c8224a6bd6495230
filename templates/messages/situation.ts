import type { IncidentState, RunState } from "../../src/incident/state.ts";
import { actionValue } from "./action-value.ts";
import { actions, type Button, context, header, lines } from "./blocks.ts";
import { cut, safe } from "./escape.ts";
import { runTitle } from "./kind.ts";
import { named } from "./maintenance.ts";
import type { Block, Message } from "./message.ts";
import { runMark, runStatusWords, statusWords } from "./status.ts";
import { at, clock } from "./when.ts";

export interface Open {
  readonly state: IncidentState;
  readonly channel: string | null;
}

/** `/dr` where nothing is going on. */
export function quiet(systems: readonly string[], starts: readonly string[]): Message {
  const hints = starts.slice(0, 12).map((words) => `• \`/dr ${words}\``);
  return {
    text: `No open incidents. Declare one (/dr declare), or start a recovery: ${starts.map((words) => `/dr ${words}`).join(", ") || "no runbook is in the catalogue"}.`,
    blocks: [
      header("No open incidents"),
      actions(
        { label: "Declare incident…", verb: "declare", actionValue: "", style: "primary" },
        { label: "Show all commands", verb: "help", actionValue: "" },
      ),
      ...(hints.length > 0 ? lines(["*Start a recovery*", ...hints]) : []),
      context(`Systems: ${systems.map(safe).join(", ") || "none in the catalogue"}`),
    ],
  };
}

/** `/dr` in or near an incident: how it stands, and what can be done now. */
export function situation(
  { state, channel }: Open,
  starts: readonly string[],
  here: boolean,
  hasTriage = false,
): Message {
  const runs = [...state.runs.values()].filter(({ endedAt }) => endedAt === null);
  const title = `${named(state)} ${safe(state.declared?.title ?? state.id)}`;
  const place = channel && !here ? ` in <#${channel}>` : "";
  const hints = starts.slice(0, 8).map((words) => `• \`/dr ${words}\``);
  return {
    text: [
      `${title}: ${statusWords(state.status)}${place}.`,
      ...runs.map((run) => `${safe(runTitle(run.plan, run.dryRun))}: ${runStatusWords(run)}.`),
      `You can: ${moves(state, runs, hasTriage)
        .map(({ label }) => label.replace("…", ""))
        .join(", ")}.`,
    ].join("\n"),
    blocks: [
      header(cut(`${named(state)} ${state.declared?.title ?? state.id}`, 150)),
      ...lines([
        `*${statusWords(state.status)}*${place}${state.declared ? ` · declared ${at(state.declared.at)}` : ""}`,
        ...runs.map((run) => `${runMark(run)} ${safe(runTitle(run.plan, run.dryRun))}: ${runStatusWords(run)}`),
      ]),
      ...chunk(moves(state, runs, hasTriage)),
      ...(hints.length > 0 && runs.length === 0 ? lines(["*Start a recovery*", ...hints]) : []),
      context("All commands: `/dr help`"),
    ],
  };
}

/** Several incidents are open and it is not clear which one is meant. */
export function which(open: readonly Open[]): Message {
  const told = open.map(({ state, channel }) => {
    const where = channel ? ` in <#${channel}>` : "";
    return `• ${named(state)} ${safe(state.declared?.title ?? state.id)}${where}: ${statusWords(state.status)}${state.declared ? `, declared ${clock(state.declared.at)}` : ""}`;
  });
  const text = "Several incidents are open. Use the incident's channel, or add `--incident` and its number:";
  return { text: [text, ...told].join("\n"), blocks: lines([text, ...told]) };
}

function moves(state: IncidentState, runs: readonly RunState[], hasTriage: boolean): Button[] {
  if (state.status === "resolved" || state.status === "closed")
    return [
      { label: "Draft post-mortem", verb: "postmortem", actionValue: actionValue(state.id), style: "primary" },
      { label: "Reopen incident…", verb: "reopen", actionValue: actionValue(state.id) },
      { label: "Show timeline", verb: "timeline", actionValue: actionValue(state.id) },
    ];
  return [
    ...runs.slice(0, 4).flatMap(runMoves),
    ...(hasTriage && runs.length === 0 ? [triage(state)] : []),
    { label: "Show status", verb: "status", detail: "situation", actionValue: actionValue(state.id) },
    { label: "Take a role", verb: "role", actionValue: actionValue(state.id) },
    { label: "Add a note…", verb: "note", actionValue: actionValue(state.id) },
    { label: "Send an update…", verb: "update", actionValue: actionValue(state.id) },
    { label: "Show timeline", verb: "timeline", actionValue: actionValue(state.id) },
    ...(runs.length === 0
      ? [{ label: "Resolve incident", verb: "incident.resolve", actionValue: actionValue(state.id) }]
      : []),
  ];
}

function triage({ id }: IncidentState): Button {
  return { label: "Start triage", verb: "triage", actionValue: actionValue(id), style: "primary" };
}

function runMoves(run: RunState): Button[] {
  const name = cut(run.plan.title, 22);
  return [
    run.paused
      ? { label: `Resume ${name}`, verb: "run.resume", detail: run.id, actionValue: actionValue(run.id) }
      : { label: `Pause ${name}`, verb: "run.pause", detail: run.id, actionValue: actionValue(run.id) },
    { label: `Abort ${name}…`, verb: "run.abort", detail: run.id, actionValue: actionValue(run.id), style: "danger" },
  ];
}

function chunk(buttons: readonly Button[]): Block[] {
  return buttons.length === 0 ? [] : [actions(...buttons.slice(0, 25))];
}
