import type { GateStep, PlanStep } from "../../../src/catalog/types.ts";
import type { GateState, RunState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, context, lines, section } from "../kit/blocks.ts";
import { cut, ended, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Block, Message } from "../kit/message.ts";
import { approverWords, roleWords } from "../kit/people.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, between } from "../kit/when.ts";
import { notFencedLines } from "../run/fence.ts";
import { leftLines } from "../run/left.ts";
import { brokeWords } from "./break-glass.ts";
import type { ApprovalRequest } from "./gate.ts";

/** What became of it; nothing in it can be pressed. */
export function gateOutcome({ run, step, gate }: ApprovalRequest, around: Surroundings): Message {
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const what = `${prefix}${safe(run.plan.title)}, ${safe(step.title)}`;
  const says = outcomeWords(gate, around);
  const after = gate.closedAt ? between(gate.openedAt, gate.closedAt) : null;
  const waited = after === null ? "." : isSentence(gate) ? ` (after ${after})` : ` after ${after}.`;
  const stays = waits(run, gate) ? leftLines(run, step.id) : [];
  const approvals = gate.approvals.map(
    ({ person, role, at: given, onBehalfOf, proved, ahead }) =>
      `${around.names(person)} (${roleWords(around.system, role)}${onBehalfOf ? ` in the place of ${around.names(onBehalfOf)}` : ""}) approved ${ahead ? `ahead, ${at(ahead.at)}` : at(given)}${proved ? ", proved with a code" : ""}`,
  );
  return {
    text: [`${what}: ${says}${waited}`, ...stays.map((line) => ended(line.replaceAll("*", "")))].join(" "),
    blocks: [
      section(
        `${MARKS[gate.outcome]} *${prefix}${safe(step.title)}*\n${safe(run.plan.title)}${gate.outcome === "denied" ? "." : ":"} ${says}${waited}`,
      ),
      ...lines(gate.outcome === "passed" || gate.outcome === "open" ? notFencedLines(run, around) : []),
      ...lines(stays),
      ...again(run, step, gate),
      context(
        ...approvals,
        `Data loss as shown: ${safe(gate.loss)} · plan ${gate.planHash.slice(0, 8)}, facts ${gate.factsHash.slice(0, 8)}`,
      ),
    ],
  };
}

/** In the words of a person or with a reason, so that what follows can't belong to it. */
function isSentence({ outcome, says }: GateState): boolean {
  return (outcome === "voided" || outcome === "denied") && says !== null;
}

/** Denied or expired: the run is paused until it is asked again or aborted. */
function waits(run: RunState, { outcome }: GateState): boolean {
  return run.endedAt === null && (outcome === "denied" || outcome === "expired");
}

function again(run: RunState, step: GateStep, gate: GateState): Block[] {
  if (!waits(run, gate)) return [];
  return [
    actions(
      { label: "Ask again", verb: "step.retry", detail: gate.ask, actionValue: actionValue(run.id, step.id) },
      { label: "Change the plan…", verb: "run.replan", detail: gate.ask, actionValue: actionValue(run.id) },
      { label: "Abort run…", verb: "run.abort", detail: gate.ask, actionValue: actionValue(run.id), style: "danger" },
    ),
  ];
}

/** An earlier ask of a gate that was asked again since. */
export function gateSuperseded(run: RunState, step: PlanStep, says: string | null, around: Surroundings): Message {
  const why = says === null ? "" : ` (${safe(cut(says, 300))})`;
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(run.plan.title)}, ${safe(step.title)}: this request was closed without an approval${why}. A new one is below.`;
  return { text, blocks: [section(`⏹️ ${text}`)] };
}

/** To who was asked, and no longer holds a role that decides it. */
export function noLongerAsked(run: RunState, step: PlanStep, around: Surroundings): Message {
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(run.plan.title)}, ${safe(step.title)}: you no longer hold a role that decides this. Others are asked.`;
  return { text, blocks: [section(`⏹️ ${text}`)] };
}

/** The run ended while the question was open. */
export function gateAbandoned({ run, step }: ApprovalRequest, around: Surroundings): Message {
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(run.plan.title)}, ${safe(step.title)}: the run ended before this was decided.`;
  return { text, blocks: [section(`⏹️ ${text}`)] };
}

const MARKS: Readonly<Record<GateState["outcome"], string>> = {
  open: "✋",
  passed: "✅",
  denied: "⛔",
  expired: "⌛",
  voided: "⏹️",
};

function outcomeWords(gate: GateState, around: Surroundings): string {
  const people = approverWords(gate, around);
  switch (gate.outcome) {
    case "open":
      return "open";
    case "passed":
      return gate.broken ? `break-glass by ${brokeWords(gate.broken, around)}` : `approved by ${people}`;
    case "denied":
      return ended(safe(cut(gate.says ?? "Denied", 600)));
    case "expired":
      return "expired without a decision";
    case "voided":
      return `void${gate.says ? `: ${ended(safe(cut(gate.says, 500)))}` : ""}`;
    default:
      return gate.outcome satisfies never;
  }
}
