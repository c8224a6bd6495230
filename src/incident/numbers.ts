import type { RecordKind } from "./events.ts";
import type { IncidentState } from "./state.ts";

const PREFIX: Readonly<Record<RecordKind, string>> = { real: "INC", drill: "DRILL", maintenance: "MAINT" };

/**
 * What people call an incident by: `INC-42`, `DRILL-7`, `MAINT-9`. There is one sequence for all of them, so the number alone
 * says which is meant, and maintenance that becomes an incident keeps it. Without a number: the id.
 */
export function incidentName({ id, number, declared }: Pick<IncidentState, "id" | "number" | "declared">): string {
  return number === undefined || declared === null ? id : `${PREFIX[declared.kind]}-${number}`;
}

/** The number in what someone typed: `INC-42`, `inc-42`, `#42`, `42`; null: it is none. Ids have eight characters, numbers fewer. */
export function numberIn(word: string): number | null {
  const digits = /^(?:(?:inc|drill|maint)-?|#)?(\d{1,7})$/i.exec(word.trim())?.[1];
  return digits === undefined || Number(digits) === 0 ? null : Number(digits);
}

/** Whether a word can only mean an incident: a number with its prefix, or an id. A bare number may be anything. */
export function namesIncident(word: string): boolean {
  return /^(?:inc|drill|maint)-[a-z0-9]{1,40}$/i.test(word) || /^inc-pd-[a-z0-9]+$/i.test(word);
}
