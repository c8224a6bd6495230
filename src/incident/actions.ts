import type { ActionItem, IncidentState } from "./state.ts";

/** Hour of the day it is due, in UTC, at which the owner is reminded. */
const REMINDED_AT_HOUR = 8;

/** When the owner is told that it is due: 08:00 UTC of the day; null: this is no day of the calendar. */
export function dueAt(day: string): Date | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const at = new Date(`${day}T${String(REMINDED_AT_HOUR).padStart(2, "0")}:00:00.000Z`);
  return Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== day ? null : at;
}

export function openActions({ actions = [] }: IncidentState): readonly ActionItem[] {
  return actions.filter(({ done }) => done === null);
}

/** Open ones with an owner who was not told yet that they are due, and when to tell them. */
export function remindersOf(state: IncidentState): readonly { readonly item: ActionItem; readonly at: Date }[] {
  return openActions(state).flatMap((item) => {
    const at = item.due === null || item.owner === null || item.remindedAt !== null ? null : dueAt(item.due);
    return at === null ? [] : [{ item, at }];
  });
}

/** What the incident is about: the component its last run was for; null: no one ran anything, or its runbook names none. */
export function componentOf({ runs }: IncidentState): string | null {
  return [...runs.values()].at(-1)?.plan.component ?? null;
}
