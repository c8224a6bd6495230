import { type Due, duesOf } from "../../../src/incident/cadence.ts";
import type { DueKind } from "../../../src/incident/events.ts";
import { incidentName } from "../../../src/incident/numbers.ts";
import type { IncidentState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, section } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import type { Message } from "../kit/message.ts";
import { holders } from "../kit/people.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, clock } from "../kit/when.ts";

/** Every promise someone was reminded of, or that was missed, with the words it deserves now. */
export function reminders(state: IncidentState, around: Surroundings): readonly { due: string; message: Message }[] {
  const ids = [...new Set([...state.comms.reminded.keys(), ...state.comms.late.keys()])];
  const dueUpdate = new Map(duesOf(state, around.system).map((due) => [due.id, due]));
  return ids.map((id) => {
    const due = dueUpdate.get(id);
    return { due: id, message: due === undefined ? kept(id, state) : reminder(state, due, around) };
  });
}

/** To the comms lead: what is owed, by when, and the two things to do about it. */
function reminder(state: IncidentState, due: Due, around: Surroundings): Message {
  const people = tellers(state, around);
  const who = people.length === 0 ? "Comms lead" : people.map(around.names).join(", ");
  const where = around.channel === null ? safe(incidentName(state)) : `<#${around.channel}>`;
  const until = state.comms.snoozed.get(due.id);
  const waits = until !== undefined && !due.reminded ? ` Reminded again at ${clock(until)}.` : "";
  const says = due.late
    ? `${DUE_TITLES[due.kind]} of ${where} is *overdue* since ${at(due.dueAt)}, and recorded as late.`
    : `${DUE_TITLES[due.kind]} of ${where} is due by ${at(due.dueAt)}.`;
  return {
    text: `${who}: ${DUE_TITLES[due.kind]} of ${where} ${due.late ? `is overdue since ${clock(due.dueAt)}` : `is due by ${clock(due.dueAt)}`}.${waits}`,
    blocks: [
      section(`${due.late ? "⏰" : "🔔"} ${who}: ${says}${waits}`),
      actions(
        {
          label: "Write the update…",
          verb: "update",
          detail: due.id,
          actionValue: actionValue(state.id),
          style: "primary",
        },
        {
          label: "Remind me in 5 min",
          verb: "snooze",
          detail: due.id,
          actionValue: actionValue(state.id, due.id),
          aloud: `Remind me again in five minutes. It's still due by ${clock(due.dueAt)}`,
        },
      ),
    ],
  };
}

function kept(id: string, state: IncidentState): Message {
  const late = state.comms.late.has(id);
  const text = `No longer due.${late ? " It was late; the timeline says so." : ""}`;
  return { text, blocks: [section(`✅ ${text}`)] };
}

/** What is owed next, for the card and the topic; null: nothing is. */
export function nextDueUpdate(state: IncidentState, around: Pick<Surroundings, "system">): Due | null {
  const dues = duesOf(state, around.system).toSorted((a, b) => a.dueAt.getTime() - b.dueAt.getTime());
  return dues[0] ?? null;
}

/** "The next update by …", or that it is overdue. For mrkdwn. */
export function dueUpdateWords({ kind, dueAt, late }: Due): string {
  return late ? `⏰ ${SHORT[kind]} overdue since ${at(dueAt)}` : `${SHORT[kind]} by ${at(dueAt)}`;
}

/** Person ids: the comms lead, else the one who may be it, else the commander. */
export function tellers(state: IncidentState, around: Surroundings): readonly string[] {
  const lead = holders(around.system, state, "comms-lead");
  return (lead.length > 0 ? lead : holders(around.system, state, "incident-commander")).slice(0, 3);
}

const DUE_TITLES: Readonly<Record<DueKind, string>> = {
  firstNotice: "The first notice",
  update: "The next update",
  resolution: "The resolution update",
  postmortem: "The post-mortem",
};
const SHORT: Readonly<Record<DueKind, string>> = {
  firstNotice: "first notice",
  update: "next update",
  resolution: "resolution update",
  postmortem: "post-mortem",
};
