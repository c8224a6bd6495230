import { answerBy, newestRound } from "../calendar/seats.ts";
import type { CalendarState, SeatRound } from "../calendar/state.ts";
import type { System } from "../catalog/types.ts";
import type { Alarm } from "../sinks/pagerduty/client.ts";
import type { DesiredItem } from "./desired-pages.ts";
import { seatKey } from "./keys.ts";

/** What a test page says: `templates/messages/comms/page-text.ts`. One line, but for `details`. */
export interface SeatPageWords {
  reachable(system: System, until: Date): { readonly summary: string; readonly details: string };
}

/**
 * The test pages of the rounds of asking whether people can be reached: one a person and round, to them by name and of low urgency, open until
 * they confirm or are said to be silent. When it is sent was decided in the calendar (`seats.paged`), by day on their clocks. Pure.
 */
export function seatPages(system: System, state: CalendarState, words: SeatPageWords): readonly DesiredItem[] {
  const newest = newestRound(state);
  return [...state.rounds.values()].flatMap((round) =>
    [...round.pagedAt.keys()].flatMap((person) => pageFor(system, round, round === newest, person, words)),
  );
}

function pageFor(
  system: System,
  round: SeatRound,
  isNewest: boolean,
  person: string,
  words: SeatPageWords,
): readonly DesiredItem[] {
  const key = seatKey({ system: system.id, round: round.id, person });
  const user = system.paging?.people.find((one) => one.person === person)?.user;
  const asked = round.askedAt.get(person);
  const isOpen = isNewest && !round.confirmedAt.has(person) && !round.silent.has(person);
  const isKnown = system.people.some(({ id }) => id === person);
  if (!isOpen || !isKnown || user === undefined || asked === undefined)
    return [{ key, wanted: { kind: "summons", open: false } }];
  const alarm: Alarm = { ...words.reachable(system, answerBy(system, asked)), source: system.id, severity: "info" };
  const about = { ask: null, role: null, people: [person], to: { users: [user] } };
  return [{ key, wanted: { kind: "summons", open: true, ...about, urgency: "low", alarm } }];
}
