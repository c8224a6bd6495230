import type { IncidentState, RunState } from "../../../src/incident/state.ts";
import type { ApprovalRequest } from "../approval/gate.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, header, lines } from "../kit/blocks.ts";
import { cut, ended, plain, safe } from "../kit/escape.ts";
import { runTitle } from "../kit/kind.ts";
import type { Block, Message } from "../kit/message.ts";
import { runMark, runStatusWords, statusWords } from "../kit/status.ts";
import { at, clock } from "../kit/when.ts";
import { stepsButton } from "../run/plan-steps.ts";
import { named } from "./maintenance.ts";

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
        { label: "Start runbook…", verb: "failover", actionValue: "" },
        { label: "All commands", verb: "help", actionValue: "" },
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

/** `/dr` of someone whose approval a run waits for. `more`: how many other requests wait for them. */
export function waitingForYou({ run, step, gate }: ApprovalRequest, more: number): Message {
  const head = `Waiting for you: ${plain(run.plan.title)}`;
  const told = [
    `*${safe(step.title)}*`,
    safe(run.plan.target),
    `*Data loss:* ${ended(safe(gate.loss))} Expires ${at(gate.expiresAt)}`,
    ...(more > 0 ? [`And ${more} more ${more === 1 ? "request" : "requests"}: your Home tab lists them.`] : []),
  ];
  const key = actionValue(run.id, gate.ask);
  const review: Button = {
    label: "Review and approve…",
    verb: "approve",
    actionValue: actionValue(run.id),
    style: "primary",
  };
  const deny: Button = { label: "Deny", verb: "gate.deny", detail: "situation", actionValue: key, style: "danger" };
  return {
    text: [`${safe(head)}.`, ...told].join("\n").replaceAll("*", ""),
    blocks: [
      header(cut(head, 150)),
      ...lines(told),
      actions(review, deny, stepsButton({ run, step, gate }, { detail: "situation" })),
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

/** Three at most: what fits now. Everything else is a command. */
function moves(state: IncidentState, runs: readonly RunState[], hasTriage: boolean): readonly Button[] {
  const key = actionValue(state.id);
  if (state.status === "resolved" || state.status === "closed")
    return [
      { label: "Draft post-mortem", verb: "postmortem", actionValue: key, style: "primary" },
      { label: "Reopen incident…", verb: "reopen", actionValue: key },
      { label: "Show timeline", verb: "timeline", actionValue: key },
    ];
  const look: Button = { label: "Show status", verb: "status", detail: "situation", actionValue: key };
  const [run] = runs;
  if (run !== undefined) return [look, ...runMoves(run)];
  return [
    hasTriage ? triage(state) : look,
    { label: "Start runbook…", verb: "failover", actionValue: "" },
    { label: "Resolve incident", verb: "incident.resolve", actionValue: key },
  ];
}

function triage({ id }: IncidentState): Button {
  return { label: "Start triage", verb: "triage", actionValue: actionValue(id), style: "primary" };
}

function runMoves(run: RunState): readonly Button[] {
  const key = actionValue(run.id);
  return [
    run.paused
      ? { label: "Resume run", verb: "run.resume", detail: run.id, actionValue: key }
      : { label: "Pause run", verb: "run.pause", detail: run.id, actionValue: key },
    { label: "Abort run…", verb: "run.abort", detail: run.id, actionValue: key, style: "danger" },
  ];
}

function chunk(buttons: readonly Button[]): Block[] {
  return buttons.length === 0 ? [] : [actions(...buttons.slice(0, 25))];
}
