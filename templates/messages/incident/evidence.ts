import type { System } from "../../../src/catalog/types.ts";
import { safe } from "../kit/escape.ts";

export interface PackFacts {
  readonly from: Date;
  readonly to: Date;
  readonly records: number;
  readonly events: number;
  /** Private incidents that are not in it. */
  readonly leftOut: number;
  /** Of the record; 0: it is whole. */
  readonly problems: number;
  readonly manifestSha256: string;
}

/** What stands above an evidence pack. */
export function packSaid({ title }: System, facts: PackFacts): readonly string[] {
  const { from, to, records, events, leftOut, problems, manifestSha256 } = facts;
  const day = (at: Date) => at.toISOString().slice(0, 16).replace("T", " ");
  return [
    `*Evidence pack of ${safe(title)}*`,
    `Period: ${day(from)} to ${day(to)} UTC`,
    `Records: ${records} (${events} events)`,
    ...(leftOut === 0
      ? []
      : [`Private incidents left out: ${leftOut}. For all of them: \`lifeboat evidence export\` on the bot's host.`]),
    ...(problems === 0 ? [] : [`:warning: The record isn't whole: ${problems} problems, listed in manifest.json.`]),
    `SHA-256 of manifest.json: \`${manifestSha256}\``,
    "Check it offline with `lifeboat-verify <folder>`.",
  ];
}
