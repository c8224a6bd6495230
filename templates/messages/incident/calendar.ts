import type { Occasion } from "../../../src/catalog/types.ts";
import { safe } from "../kit/escape.ts";

/** Something on a system's calendar, and how it stands now. */
export interface OccasionNow {
  /** The system's title. */
  readonly system: string;
  readonly title: string;
  readonly kind: Occasion["kind"];
  /** A surprise, for a reader who is not told of it: `nextAt` and `overdueSince` are null. */
  readonly hidden: boolean;
  readonly nextAt: Date | null;
  /** It was done before, and not when it was due last. */
  readonly overdueSince: Date | null;
  /** The last run of it that ended verified, as far back as incidents are read. */
  readonly last: { readonly run: string; readonly at: Date } | null;
  /** What to type; null: people do it by themselves. */
  readonly line: string | null;
}

/** One line of the calendar. For mrkdwn. `ofSystem`: it stands among those of other systems. */
export function occasionLine(one: OccasionNow, ofSystem = false): string {
  const { title, kind, hidden, nextAt, overdueSince, last, line } = one;
  const of = ofSystem ? ` of ${safe(one.system)}` : "";
  const late = overdueSince === null ? "" : `⏰ overdue since ${minute(overdueSince)}; `;
  const next = hidden ? "a surprise: only the named people know when" : nextWords(nextAt);
  return `• *${safe(title)}* (${kind}${of}): ${late}${next}. ${doneWords(last, line)}`;
}

function nextWords(nextAt: Date | null): string {
  return nextAt === null ? "never again" : `next ${minute(nextAt)}`;
}

function doneWords(last: OccasionNow["last"], line: string | null): string {
  if (line === null) return "Done by people, not recorded here.";
  const done = last === null ? "Never done here" : `Last done ${minute(last.at)} (${safe(last.run)})`;
  return `${done}. \`${line}\``;
}

/** `2026-11-24 10:00 UTC` */
function minute(moment: Date): string {
  return `${moment.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
