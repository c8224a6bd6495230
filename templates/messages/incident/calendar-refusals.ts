import type { Problem } from "../../../src/lib/errors.ts";
import { didYouMean } from "../kit/command-refusals.ts";

/** What is wrong with a command about the calendar, or about who approves. Entries are named as they are typed: `orders/failover`. */

export function unknownEntry(word: string, known: readonly string[], near: string | null): Problem {
  return {
    code: "calendar-entry-unknown",
    what: word === "" ? "Which calendar entry?" : `There is no calendar entry "${word}"`,
    allowed: known.length === 0 ? "No system here has a calendar" : `Entries: ${known.slice(0, 20).join(", ")}`,
    ...didYouMean(near),
  };
}

export function severalEntries(word: string, found: readonly string[]): Problem {
  return {
    code: "calendar-entry-unclear",
    what: `"${word}" is an entry of several systems`,
    allowed: `Name one: ${found.join(", ")}`,
    next: `\`/dr calendar done ${found[0]}\``,
  };
}

export function doneByRunbook(title: string, entry: string): Problem {
  return {
    code: "calendar-by-runbook",
    where: title,
    what: "It's done when its run ends verified",
    next: `\`/dr calendar start ${entry}\``,
  };
}

export function doneByPeople(title: string, entry: string): Problem {
  return {
    code: "calendar-by-people",
    where: title,
    what: "No runbook is named: people do it",
    next: `\`/dr calendar done ${entry}\``,
  };
}

export function noNewDate(entry: string): Problem {
  return {
    code: "calendar-postpone",
    what: "A new date and a reason are needed",
    next: `\`/dr calendar postpone ${entry} --to 2026-12-24T10:00Z --reason "…"\``,
  };
}

export function dateInPast(): Problem {
  return { code: "calendar-past", what: "The new date is in the past", next: "Choose a later one" };
}

export function dateTooFar(days: number): Problem {
  return { code: "calendar-too-far", what: "The new date is too far ahead", allowed: `At most ${days} days from now` };
}

export function slotUnknown(title: string): Problem {
  return {
    code: "calendar-time-unknown",
    where: title,
    what: "This button names a time that isn't on the calendar",
    stateNow: "Nothing was recorded",
    next: "`/dr calendar` shows the next time",
  };
}

export function noBeforeList(title: string): Problem {
  return { code: "calendar-no-list", where: title, what: "It has no list to go through before it begins" };
}

export function notAskedToConfirm(): Problem {
  return { code: "seats-not-asked", what: "You weren't asked to confirm anything", next: "`/dr seats`" };
}

/** How people who took part are typed. */
export const NAMES_WITH_COMMAS = "Full names, with commas between them";
