import type { IncidentState } from "../../../src/incident/state.ts";
import { section } from "../kit/blocks.ts";
import { cut, ended, safe } from "../kit/escape.ts";
import type { Message } from "../kit/message.ts";
import { roleOf, roleWords } from "../kit/people.ts";
import type { Surroundings } from "../kit/view.ts";

/**
 * Said once to everyone in the channel: who holds it now, and what they are left with. What it means is said here to the one who was
 * assigned; who took it reads it in the answer to them.
 */
export function roleAssigned(state: IncidentState, role: string, person: string, around: Surroundings): Message {
  const handover = state.handovers.get(role);
  const took = handover?.by.kind === "person" && handover.by.person === person;
  const explains = took ? "" : (roleOf(around.system, role)?.explains ?? "");
  const from = handover?.from && handover.from !== person ? `, after ${around.names(handover.from)}` : "";
  const note = handover?.note ? ` Handed over with: ${ended(safe(cut(handover.note, 500)))}` : "";
  const text = `${around.names(person)} is now ${roleWords(around.system, role)}${from}.${note}${explains ? ` ${safe(explains)}` : ""}`;
  return { text, blocks: [section(`👤 ${text}`)] };
}

/** Once per change of hands, also when a role comes back to someone who had it before. */
export function roleKey(state: IncidentState, role: string, person: string): string {
  const times = state.handovers.get(role)?.times ?? 1;
  return times === 1 ? `role:${role}:${person}` : `role:${role}:${person}:${times}`;
}
