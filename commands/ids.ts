import { incidentName } from "../src/incident/numbers.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { sha256 } from "../src/lib/canonical.ts";

const ALPHABET = "0123456789bcdfghjkmnpqrstvwxyz";

/**
 * An id made from a request's key: the same request, delivered again, names the same incident and the same run, so a
 * repeat changes nothing. Eight characters of the alphabet of `newId`.
 */
export function idFor(prefix: string, key: string): string {
  let number = BigInt(`0x${sha256(`${prefix}\n${key}`).slice(0, 24)}`);
  let id = "";
  for (let n = 0; n < 8; n++) {
    id += ALPHABET[Number(number % 30n)];
    number /= 30n;
  }
  return `${prefix}-${id}`;
}

/** "INC-42, inc-7k2m9xqz": what people call it by, and what the record does. */
export function namesOf(incident: IncidentState): string {
  return incident.number === undefined ? incident.id : `${incidentName(incident)}, ${incident.id}`;
}

/** For names of files: `inc-42`. */
export function fileName(incident: IncidentState): string {
  return incidentName(incident).toLowerCase();
}
