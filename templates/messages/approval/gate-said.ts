import { isAnswered } from "../../../src/incident/authority.ts";
import type { GateState, PastAsk } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, context, section } from "../kit/blocks.ts";
import { cut, ended, plain, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { roleWords } from "../kit/people.ts";
import type { Surroundings } from "../kit/view.ts";
import { between, clock } from "../kit/when.ts";
import { aloud, notFencedLines } from "../run/fence.ts";
import { type ApprovalRequest, approvalRequests, awaitedNow, decide, waitedFor } from "./gate.ts";

/** What is said about a question while it waits: again each time, because an edited message rings no phone. */

/** The next level is asked too. */
export function escalation(ask: ApprovalRequest, role: string, level: number, around: Surroundings): Message {
  const { run, gate } = ask;
  const prefix = kindPrefix(run.plan.kind, around.practice);
  if (gate.outcome !== "open" || run.endedAt !== null || isAnswered(run, gate))
    return escalationOver(run.plan.title, role, prefix, around);
  const who = awaitedNow(ask, around);
  const people = who.asked[level]?.people ?? [];
  const why = gate.risen.find((one) => one.level === level)?.why;
  const since = why
    ? `${ended(safe(cut(why, 300)))} You are asked now about ${safe(run.plan.title)}`
    : `no decision on ${safe(run.plan.title)} since ${clock(gate.openedAt)}, so it's escalated to you`;
  const text = `${prefix}${approvalRequests({ role, people }, around)}: ${since}. ${ended(safe(run.plan.target))} Data loss: ${ended(safe(gate.loss))} ${aloud(notFencedLines(run, around, true))}Expires at ${clock(gate.expiresAt)}.`;
  return { text, blocks: [section(`📣 ${text}`), ...decide(ask, who, around, String(level))] };
}

/** The same for an ask that was replaced by a newer one. */
export function escalationOver(title: string, role: string, prefix: string, around: Surroundings): Message {
  const text = `${prefix}${safe(title)}: escalated to ${roleWords(around.system, role)} (closed).`;
  return { text, blocks: [section(`⏹️ ${text}`)] };
}

export function pastEscalations({ roles, risen }: PastAsk): readonly string[] {
  return roles.slice(1, 1 + risen);
}

/** Everyone is told who is waited for and how long; those who are waited for are named, so that it rings. */
export function reminder(ask: ApprovalRequest, n: number, around: Surroundings): Message {
  const { run, gate } = ask;
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const said = gate.reminders[n];
  const waited = said === undefined ? "" : ` after ${between(gate.openedAt, said.at)}`;
  const who = awaitedNow(ask, around);
  const next = who.next ? ` ${approvalRequests(who.next, around)} is next at ${clock(who.next.at)}.` : "";
  const text = `${prefix}${safe(run.plan.title)} is still waiting for a decision${waited}: ${waitedFor(who, around)}.${next}`;
  return { text, blocks: [section(`⏰ ${text}`)] };
}

/** `open`: it is still to be decided. */
export type TalkedAbout = Pick<ApprovalRequest, "state" | "run"> & {
  readonly gate: Pick<GateState, "ask" | "talk">;
  readonly open: boolean;
};

/** A question, put to who asked for the run; or an answer, put to who asked the question. */
export function talk(ask: TalkedAbout, n: number, around: Surroundings): Message {
  const { run, gate, state } = ask;
  const said = gate.talk[n];
  const prefix = kindPrefix(run.plan.kind, around.practice);
  if (said === undefined) return { text: "", blocks: [] };
  const who = around.names(said.person);
  if (said.kind === "answer") {
    const asker = gate.talk.slice(0, n).findLast(({ kind }) => kind === "question")?.person;
    const to = asker === undefined ? "" : `${around.names(asker)}: `;
    const text = `${prefix}${to}${who} answers: ${safe(said.says)}`;
    return { text, blocks: [section(`💬 ${text}`)] };
  }
  const commander = state.roles.get("incident-commander");
  const to = [...new Set([run.requester, ...(commander ? [commander] : [])])].filter((one) => one !== said.person);
  const text = `${prefix}${to.map((one) => around.names(one)).join(", ")}: ${who} asks before deciding on ${safe(run.plan.title)}: ${safe(said.says)}`;
  const answered = gate.talk.slice(n).some(({ kind }) => kind === "answer");
  if (!ask.open || answered)
    return { text, blocks: [section(`❓ ${text}`), ...(answered ? [] : [context("Closed: no answer needed")])] };
  return {
    text,
    blocks: [
      section(`❓ ${text}`),
      actions({
        label: "Answer…",
        verb: "gate.answer",
        detail: String(n),
        actionValue: actionValue(run.id, gate.ask),
        style: "primary",
        aloud: `Answer the question about ${plain(run.plan.title)}`,
      }),
      context("Your answer is posted in this thread"),
    ],
  };
}
