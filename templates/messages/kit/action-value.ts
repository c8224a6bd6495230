/**
 * What a button or a form brings back: whose it is (a run or an incident) and what in it, as one opaque string. Slack keeps it in
 * messages for years, so what was built once is parsed for ever. It is a look-up key: whatever it says is looked up, never believed.
 */
export interface ActionValue {
  readonly run: string | null;
  readonly incident: string | null;
  /** Behind its owner: an approval request, a step, a page. Without an owner: all of it. */
  readonly about: readonly string[];
}

/** In the place of a value where nothing was pressed: someone came into an incident's channel. */
export const JOINED = "joined";

/** Ids hold no slash. */
const BETWEEN = "/";

/** @param owner id of the run or the incident */
export function actionValue(owner: string, ...about: readonly (string | number)[]): string {
  return [owner, ...about].join(BETWEEN);
}

/** An entry of a system's calendar: `cal-orders/failover/2026-12-01T10:00:00.000Z`. */
export interface CalendarValue {
  readonly system: string;
  readonly occasion: string;
  /** Null: whichever it is about now. */
  readonly slot: string | null;
}

export function calendarValue(system: string, occasion: string, slot?: string): string {
  return [`cal-${system}`, occasion, ...(slot === undefined ? [] : [slot])].join(BETWEEN);
}

/** Null: it is none. */
export function parseCalendarValue(value: string | null): CalendarValue | null {
  const [owner = "", occasion, slot] = value?.split(BETWEEN) ?? [];
  if (!owner.startsWith("cal-") || occasion === undefined) return null;
  return { system: owner.slice("cal-".length), occasion, slot: slot ?? null };
}

export function parseActionValue(value: string | null): ActionValue {
  const [owner = "", ...about] = value?.split(BETWEEN) ?? [];
  if (owner.startsWith("run-")) return { run: owner, incident: null, about };
  if (owner.startsWith("inc-")) return { run: null, incident: owner, about };
  return { run: null, incident: null, about: value ? [value] : [] };
}
