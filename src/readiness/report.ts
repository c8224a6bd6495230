import { Cron } from "croner";
import type { System } from "../catalog/types.ts";
import type { NewEvent } from "../incident/events.ts";
import { isDrift, isPersonNote, notesOf, type ReadEvent, type SystemReadiness } from "./state.ts";

/** The weekly digest: once a week and system, by its people's clock. Pure. */

/** Monday at nine. */
const WEEKLY = "0 9 * * 1";
/** Of a kind in one report. */
const NOTES_MAX = 50;
const DAY_MS = 24 * 60 * 60_000;

/** When the week of a report begins that holds `now`, by its people's clock. Null: there is none before it. */
export function weekOf({ timezone = "UTC" }: Pick<System, "timezone">, now: Date): Date | null {
  return new Cron(WEEKLY, { timezone, paused: true }).previousRuns(1, now)[0] ?? null;
}

/** What records it, given how everything stands; null: this week's is recorded, or proofs had only just begun. */
export function reportDue(
  events: readonly (ReadEvent & { readonly key: string })[],
  { id, timezone }: Pick<System, "id" | "timezone">,
  now: Date,
): ((standing: SystemReadiness) => readonly NewEvent[]) | null {
  const last = weekOf({ ...(timezone && { timezone }) }, now);
  const [first] = events;
  if (last === null || first === undefined || last.getTime() - first.at.getTime() < DAY_MS) return null;
  const week = last.toISOString().slice(0, 10);
  const key = `report/${week}`;
  if (events.some((event) => event.key === key)) return null;
  return ({ runbooks }) => {
    const count = (state: string) => runbooks.filter((one) => one.state === state).length;
    const notReady = runbooks
      .filter(({ state }) => state === "notReady")
      .map(({ runbook, title, mode, since, findings }) => ({
        ...{ runbook, title, mode, since: (since ?? now).toISOString(), says: findings[0]?.says ?? "" },
      }));
    const [drift, people] = [notesOf(runbooks, isDrift), notesOf(runbooks, isPersonNote)];
    const data = {
      ...(drift.length > 0 && { drift: drift.slice(0, NOTES_MAX) }),
      ...(people.length > 0 && { people: people.slice(0, NOTES_MAX) }),
      ...{ system: id, week, ready: count("ready"), notReady },
      ...{ stale: count("stale"), neverProven: count("neverProven") },
    };
    return [{ type: "readiness.reported", data, key, actor: { kind: "bot" } }];
  };
}
