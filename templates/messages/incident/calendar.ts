import type { Occasion } from "../../../src/catalog/types.ts";
import { safe } from "../kit/escape.ts";

/** Something on a system's calendar, and how it stands now. */
export interface OccasionNow {
  /** The system's title. */
  readonly system: string;
  /** `practice/failover`: what is typed to mean it. */
  readonly entry: string;
  readonly id: string;
  readonly title: string;
  readonly kind: Occasion["kind"];
  /** A surprise, for a reader who is not told of it: `nextAt` and `overdueSince` are null. */
  readonly hidden: boolean;
  readonly nextAt: Date | null;
  /** The next time was moved. */
  readonly postponed: boolean;
  /** Its run is in progress. */
  readonly isStarted: boolean;
  /** Lifeboat starts it at its hour. */
  readonly startsItself: boolean;
  /** It was not done when it was due, though its hours are over. */
  readonly overdueSince: Date | null;
  /** The last time it took place. */
  readonly last: { readonly run: string | null; readonly at: Date } | null;
  /** The last time it was missed. */
  readonly missed: { readonly slot: string; readonly reason: string } | null;
  /** How often within the last 365 days. */
  readonly year: { readonly done: number; readonly missed: number };
  /** What to type; null: people do it by themselves. */
  readonly line: string | null;
  /** Whether its runs are approved ahead; absent: they can't be. */
  readonly ahead?: AheadNow;
}

/** By whom and until when; `missing`: so many more have to approve it. `ended`: why what there was holds no more. */
export type AheadNow =
  | { readonly is: "approved"; readonly by: readonly string[]; readonly until: Date }
  | { readonly is: "open"; readonly missing: number; readonly ended: string | null };

/** One line of the calendar. For mrkdwn. `ofSystem`: it stands among those of other systems. */
export function occasionLine(one: OccasionNow, ofSystem = false): string {
  const { title, kind, hidden, nextAt, overdueSince } = one;
  const of = ofSystem ? ` of ${safe(one.system)}` : "";
  const late = overdueSince === null ? "" : `⏰ overdue since ${minute(overdueSince)}; `;
  const now = one.isStarted ? "▶️ in progress; " : "";
  const next = hidden ? "a surprise: only the named people know when" : nextWords(nextAt, one);
  return `• *${safe(title)}* (${kindWords(kind)}${of}): ${late}${now}${next}${aheadWords(one)}. ${doneWords(one)}`;
}

function aheadWords({ ahead, entry }: OccasionNow): string {
  if (ahead === undefined) return "";
  if (ahead.is === "approved")
    return `, approved ahead by ${ahead.by.map(safe).join(" and ")} until ${minute(ahead.until)}`;
  const why = ahead.ended === null ? "" : ` (${safe(ahead.ended)})`;
  return `, not approved ahead${why}: \`/dr calendar approve ${safe(entry)}\``;
}

/** `restore test` */
export function kindWords(kind: Occasion["kind"]): string {
  return kind.replace("-", " ");
}

function nextWords(nextAt: Date | null, { postponed, startsItself }: OccasionNow): string {
  if (nextAt === null) return "no further date";
  const moved = postponed ? " (postponed)" : "";
  return `next ${minute(nextAt)}${moved}${startsItself ? ", starts by itself" : ""}`;
}

function doneWords({ last, missed, year, line, entry }: OccasionNow): string {
  const run = last?.run == null ? "" : ` (${safe(last.run)})`;
  const done = last === null ? "Not done yet" : `Last done ${minute(last.at)}${run}`;
  const lost = missed === null || (last !== null && last.at.toISOString() > missed.slot) ? "" : missedWords(missed);
  const counted = year.done + year.missed > 1 ? `. Last 365 days: ${year.done} done, ${year.missed} missed` : "";
  return `${done}${lost}${counted}. \`${line ?? `/dr calendar done ${safe(entry)}`}\``;
}

function missedWords({ slot, reason }: NonNullable<OccasionNow["missed"]>): string {
  return `, missed ${minute(new Date(slot))}: ${safe(reason)}`;
}

/** `2026-11-24 10:00 UTC` */
export function minute(moment: Date): string {
  return `${moment.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
