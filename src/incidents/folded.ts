import { blankIncident, evolve, type Plans } from "../incident/evolve.ts";
import type { IncidentState } from "../incident/state.ts";
import type { StoredEvent } from "../timeline/contract.ts";

/** An incident as the events up to one of them make it. */
export interface Folded {
  readonly state: IncidentState;
  /** Of the last event that was folded in; null: none was. */
  readonly hash: string | null;
}

export const blank = (id: string): Folded => ({ state: blankIncident(id), hash: null });

/**
 * Where to go on from, so that `events`, every event of the stream, come out as if folded from the first: what was folded
 * before where it is a beginning of these very events, else nothing.
 */
export function startIn(kept: Folded | undefined, id: string, events: readonly StoredEvent[]): Folded {
  if (kept === undefined || kept.hash === null) return blank(id);
  return events[kept.state.version - 1]?.hash === kept.hash ? kept : blank(id);
}

export function foldOn(from: Folded, more: Iterable<StoredEvent>, plans: Plans): Folded {
  let { state, hash } = from;
  for (const event of more) {
    state = evolve(state, event, plans);
    ({ hash } = event);
  }
  return { state, hash };
}
