import type { Escalated, IncidentState } from "../../../src/incident/state.ts";
import { isEnded, responseDueAt } from "../../../src/incident/unresolved.ts";
import { section } from "../kit/blocks.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { holders, roleWords } from "../kit/people.ts";
import type { ShownMessage, Surroundings } from "../kit/view.ts";
import { at, clock, lasting } from "../kit/when.ts";
import { contactLines } from "./contacts.ts";

/** That an incident goes on, to whom it was escalated, and that no one took it on in time. Each is said once. */
export function renderUnresolved(state: IncidentState, around: Surroundings): ShownMessage[] {
  const since = state.comms.opened?.version ?? 0;
  const shown = (key: string, message: Message): ShownMessage => ({
    ...{ key, in: "incident", under: null, priority: 0, message, once: true },
  });
  const late = state.responseLateAt;
  return [
    ...(late === undefined ? [] : [shown(`response-late:${since}`, responseLate(state, late, around))]),
    ...(state.escalated ?? []).map((one) => shown(`escalated:${since}:${one.level}`, escalated(state, one, around))),
  ];
}

/** "Response due by 17:31", for the card; null: it was taken on, or nothing is promised. */
export function responseWords(state: IncidentState, around: Surroundings): string | null {
  const due = responseDueAt(state, around.system);
  if (due === null) return null;
  return due > around.now ? `due by ${at(due)}` : `⏰ overdue since ${at(due)}`;
}

function responseLate(state: IncidentState, late: Date, around: Surroundings): Message {
  const prefix = kindPrefix(state.declared?.kind ?? "real", around.practice);
  const text = `${prefix}No response yet (${state.severity}, due before ${clock(late)}). Next: take a role with \`/dr role take\`, or start a recovery.`;
  return { text, blocks: [section(`⏰ ${text}`)] };
}

function escalated(state: IncidentState, { role, afterSeconds }: Escalated, around: Surroundings): Message {
  const prefix = kindPrefix(state.declared?.kind ?? "real", around.practice);
  const who = holders(around.system, state, role).slice(0, 5).map(around.names);
  const to = `${roleWords(around.system, role)}${who.length === 0 ? "" : ` (${who.join(", ")})`}`;
  const over = isEnded(state, around.system.ifUnresolved?.until ?? "resolved") ? " Closed since." : "";
  const text = `${prefix}Escalated to ${to}: not resolved after ${lasting(afterSeconds)}.${over}`;
  const contacts = contactLines(around.system);
  const more = contacts.length === 0 ? [] : [section(["*Contacts*", ...contacts].join("\n"))];
  return { text, blocks: [section(`📣 ${text}`), ...more] };
}
