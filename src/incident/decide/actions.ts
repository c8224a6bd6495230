import { componentOf, dueAt } from "../actions.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { NO_INCIDENT, notOnRoster } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** So many in one incident: a list no one reads is no one's work. */
const ITEMS_MAX = 50;

/** Anyone on the roster may note what is to be done, also once the incident is closed. */
export function addAction(command: Of<"addAction">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "action", refusal);
  const refusal = notOnRoster(context) ?? notDeclared(state);
  if (refusal !== null) return no(refusal);
  const text = line(command.text, LIMITS.reason);
  if (text === null) return no({ code: "action-empty" });
  const items = state.actions ?? [];
  if (items.length >= ITEMS_MAX) return no({ code: "actions-full", most: ITEMS_MAX });
  const { owner, due } = command;
  if (due !== null) {
    const wrong = wrongDay(due, context.now);
    if (wrong !== null) return no(wrong);
  }
  const action = `A${items.length + 1}`;
  const data = { action, text, owner, due, component: componentOf(state), link: line(command.link, LIMITS.link) };
  return accept(context, [{ type: "action.added", data }]);
}

export function doneAction(command: Of<"doneAction">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "action", refusal);
  const refusal = notOnRoster(context) ?? notDeclared(state);
  if (refusal !== null) return no(refusal);
  const items = state.actions ?? [];
  const item = items.find(({ id }) => id.toLowerCase() === command.action.toLowerCase());
  const open = items.filter(({ done }) => done === null).map(({ id }) => id);
  if (item === undefined) return no({ code: "action-unknown", asked: command.action, open });
  if (item.done !== null) return no({ code: "action-done", action: item.id });
  const data = { action: item.id, note: line(command.note, LIMITS.reason) };
  return accept(context, [{ type: "action.done", data }]);
}

function wrongDay(due: string, now: Date): Refusal | null {
  if (dueAt(due) === null) return { code: "due-unclear", due };
  return due >= now.toISOString().slice(0, 10) ? null : { code: "due-past", due };
}

function notDeclared(state: IncidentState): Refusal | null {
  return state.declared === null ? NO_INCIDENT : null;
}
