import { incidentName } from "../../incident/numbers.ts";
import type { IncidentState } from "../../incident/state.ts";

export { idFor } from "../../lib/id-for.ts";

/** "INC-42, inc-7k2m9xqz": what people call it by, and what the record does. */
export function namesOf(incident: IncidentState): string {
  return incident.number === undefined ? incident.id : `${incidentName(incident)}, ${incident.id}`;
}

/** For names of files: `inc-42`. */
export function fileName(incident: IncidentState): string {
  return incidentName(incident).toLowerCase();
}
