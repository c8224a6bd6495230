import type { Occasion } from "../catalog/types.ts";
import type { Actor } from "../incident/events.ts";

/**
 * What is recorded of a system's calendar, in a stream of its own: `cal-<system>`. Changes only: what is due follows from the entry
 * and the clock, so nothing is written while nothing happens.
 *
 * `occasion` is the id of the entry. `slot` is the time one holding of it was planned for when it came up, ISO 8601: it stays its name
 * wherever it is postponed to.
 */
export type CalendarFact =
  /** The entry is on the calendar from now on, or its times are others. What was due before is not held against it. */
  | {
      type: "occasion.planned";
      data: { occasion: string; title: string; kind: string; schedule: string; timezone: string };
    }
  /** It is on the calendar no more. */
  | { type: "occasion.dropped"; data: { occasion: string } }
  /** These people were told ahead. `at`: when it is held. */
  | { type: "occasion.announced"; data: { occasion: string; slot: string; at: string; people: readonly string[] } }
  | { type: "occasion.reminded"; data: { occasion: string; slot: string; at: string; people: readonly string[] } }
  /** Its before-list was gone through. */
  | { type: "occasion.checked"; data: { occasion: string; slot: string } }
  /**
   * Its hour came and its before-list was not gone through, or with a `reason`, a clause: it couldn't be started and is tried again. The
   * organiser was told, of reasons the first time.
   */
  | {
      type: "occasion.waiting";
      data: { occasion: string; slot: string; until: string; people: readonly string[]; reason?: string };
    }
  /** A run was requested for it. */
  | { type: "occasion.started"; data: { occasion: string; slot: string; incident: string; run: string } }
  /**
   * It took place: its run ended verified, or people ticked it off. `people`: who took part, as far as that was recorded. `at`: when it
   * was, ISO 8601.
   */
  | {
      type: "occasion.done";
      data: {
        occasion: string;
        slot: string;
        at: string;
        people: readonly string[];
        incident: string | null;
        run: string | null;
        note: string | null;
      };
    }
  /** It did not take place, or did not end as it should. `people`: who was told. */
  | {
      type: "occasion.missed";
      data: { occasion: string; slot: string; reason: string; people: readonly string[]; run: string | null };
    }
  | {
      type: "occasion.postponed";
      data: { occasion: string; slot: string; to: string; reason: string; people: readonly string[] };
    }
  /** A run that was approved ahead needs people: `reason`, a clause, says why. These were told. */
  | {
      type: "occasion.needsPeople";
      data: { occasion: string; slot: string; run: string; reason: string; people: readonly string[] };
    }
  /**
   * Someone approved ahead what the entry runs. It holds for this plan and these times, until `until`, ISO 8601, and only as long as they
   * hold the role.
   */
  | {
      type: "occasion.approved";
      data: {
        occasion: string;
        person: string;
        role: string;
        planHash: string;
        until: string;
        /** Who it was had just been proved once more. */
        proved: boolean;
        vouchedBy: string | null;
      };
    }
  /** Someone took back what was approved ahead: from the next time on approvers are asked at its hour. */
  | { type: "occasion.revoked"; data: { occasion: string; reason: string | null; people: readonly string[] } }
  /** It holds no more, for a `reason`, a clause; these people were asked to approve it again. */
  | { type: "occasion.approvalEnded"; data: { occasion: string; reason: string; people: readonly string[] } }
  /** These people were asked to approve it ahead. `until`: what there is ends soon; null: there is not enough. */
  | { type: "occasion.approvalAsked"; data: { occasion: string; people: readonly string[]; until: string | null } }
  /** These people were asked to confirm that they can be reached. `round`: which month, `2026-12`. */
  | { type: "seats.asked"; data: { round: string; people: readonly string[] } }
  /** These get a test page now, by day on their clocks: they were asked, and have not answered yet. */
  | { type: "seats.paged"; data: { round: string; people: readonly string[] } }
  /** `by` absent: in Slack or at the command line; `page`: they acknowledged the test page. */
  | { type: "seats.confirmed"; data: { round: string; person: string; by?: "page" } }
  /** A week went by and these did not answer. */
  | { type: "seats.silent"; data: { round: string; people: readonly string[]; told: readonly string[] } };

export type CalendarEvent = CalendarFact & { readonly key: string; readonly actor: Actor };

/** The calendar's stream of a system. */
export function calendarStream(system: string): string {
  return `${CALENDAR_PREFIX}${system}`;
}

export function systemOfCalendar(stream: string): string {
  return stream.slice(CALENDAR_PREFIX.length);
}

export function isCalendar(stream: string): boolean {
  return stream.startsWith(CALENDAR_PREFIX);
}

const CALENDAR_PREFIX = "cal-";

export const BOT: Actor = { kind: "bot" };

const PEOPLE_DO: ReadonlySet<Occasion["kind"]> = new Set(["review", "training"]);

/** Lifeboat starts it itself. */
export function startsItself(occasion: Occasion): boolean {
  return occasion.organiser !== null && !isTickedOff(occasion);
}

/** People do it and tick it off: a review and a training also where they name a runbook. */
export function isTickedOff({ runbook, kind }: Occasion): boolean {
  return runbook === null || PEOPLE_DO.has(kind);
}
