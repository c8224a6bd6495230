import { cut, safe } from "../kit/escape.ts";

/** What a place outside does not show though it should. */
export interface Undelivered {
  /** `slack`, `pagerduty`, `email`, `statuspage` or `page`. */
  readonly sink: string;
  readonly key: string;
  readonly tries: number;
  /** In the words of the outside. */
  readonly says: string | null;
  /** It is not tried any more. */
  readonly givenUp: boolean;
}

const NAMES: Readonly<Record<string, string>> = {
  slack: "Slack",
  pagerduty: "PagerDuty",
  email: "Mail",
  statuspage: "Statuspage",
  page: "Status page",
};
const SHOWN = 5;

/** Lines for people; none where everything is delivered. */
export function undeliveredLines(found: readonly Undelivered[]): readonly string[] {
  if (found.length === 0) return [];
  const more = found.length - SHOWN;
  return [
    `*Not delivered:* ${found.length}`,
    ...found.slice(0, SHOWN).map(lineOf),
    ...(more > 0 ? [`• and ${more} more`] : []),
    "*Next:* fix the cause, then `/dr resend`.",
  ];
}

function lineOf({ sink, key, tries, says, givenUp }: Undelivered): string {
  const how = `${givenUp ? "given up after" : "failing,"} ${tries} ${tries === 1 ? "try" : "tries"}`;
  return `• ${NAMES[sink] ?? safe(sink)} \`${safe(key)}\`: ${how}${says === null ? "." : `. ${safe(cut(says, 150))}`}`;
}
