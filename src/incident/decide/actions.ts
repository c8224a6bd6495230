import type { Problem } from "../../lib/errors.ts";
import { componentOf, dueAt } from "../actions.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import type { IncidentState } from "../state.ts";
import { notOnRoster } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { LIMITS, line } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** So many in one incident: a list nobody reads is nobody's work. */
const ITEMS_MAX = 50;

/** Anyone on the roster may note what is to be done, also once the incident is closed. */
export function addAction(command: Of<"addAction">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "action", problem);
  const problem = notOnRoster(context) ?? notDeclared(state);
  if (problem !== null) return no(problem);
  const text = line(command.text, LIMITS.reason);
  if (text === null)
    return no({
      code: "action-empty",
      what: "Say what is to be done",
      next: "`/dr action add <what> --owner @<who> --due <YYYY-MM-DD>`",
    });
  const items = state.actions ?? [];
  if (items.length >= ITEMS_MAX)
    return no({ code: "actions-full", what: `An incident holds at most ${ITEMS_MAX} action items` });
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
  const no = (problem: Problem) => refuse(context, "action", problem);
  const problem = notOnRoster(context) ?? notDeclared(state);
  if (problem !== null) return no(problem);
  const items = state.actions ?? [];
  const item = items.find(({ id }) => id.toLowerCase() === command.action.toLowerCase());
  const open = items.filter(({ done }) => done === null).map(({ id }) => id);
  if (item === undefined)
    return no({
      code: "action-unknown",
      what: command.action === "" ? "Say which action item is done" : `There is no action item ${command.action} here`,
      allowed: open.length === 0 ? "None is open" : `Open: ${open.join(", ")}`,
      next: "`/dr action list` shows them",
    });
  if (item.done !== null) return no({ code: "action-done", what: `${item.id} is done already` });
  const data = { action: item.id, note: line(command.note, LIMITS.reason) };
  return accept(context, [{ type: "action.done", data }]);
}

function wrongDay(due: string, now: Date): Problem | null {
  const at = dueAt(due);
  if (at === null)
    return {
      code: "due-unclear",
      what: `"${due}" is no day`,
      allowed: "A day as YYYY-MM-DD",
      next: "`--due 2026-12-24`",
    };
  if (due >= now.toISOString().slice(0, 10)) return null;
  return { code: "due-past", what: `${due} has passed`, allowed: "Choose today or a later day" };
}

function notDeclared(state: IncidentState): Problem | null {
  return state.declared === null ? { code: "not-declared", what: "There is no such incident" } : null;
}
