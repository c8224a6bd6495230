/** Longest texts people may put on the timeline, in characters. */
export const LIMITS = { title: 150, reason: 500, note: 3000, summary: 3000, link: 2000 } as const;

/**
 * What a person typed, fit for a record that other people read: normalised (NFC), without control, invisible and
 * direction-turning characters, without blanks around it, and cut at `limit` characters with "…". Null when nothing is left.
 * Line breaks stay; everything else that depends on where it is shown is escaped there.
 */
export function words(text: string | null, limit: number): string | null {
  if (text === null) return null;
  const clean = text
    .normalize("NFC")
    .replace(/\r\n?/g, "\n")
    .replace(/[^\P{C}\n\t]/gu, "")
    .replace(/[\u2028\u2029]/g, "\n")
    .trim();
  if (clean === "") return null;
  const characters = [...clean];
  return characters.length <= limit ? clean : `${characters.slice(0, limit - 1).join("")}…`;
}

/** The same on one line. */
export function line(text: string | null, limit: number): string | null {
  return words(text?.replace(/\s+/g, " ") ?? null, limit);
}

/** `02:41:00 UTC` */
export function clock(at: Date): string {
  return `${at.toISOString().slice(11, 19)} UTC`;
}
