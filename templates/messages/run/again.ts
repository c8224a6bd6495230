import type { RunState } from "../../../src/incident/state.ts";
import { cut, ended, safe } from "../kit/escape.ts";
import { local } from "../kit/when.ts";

/** Of the reason on a card: with what is before it about two lines of a phone. */
const REASON_LENGTH = 60;

/** "⚠️ *Moved again:* last at 18:04:10 UTC. Reason: …"; nothing where the last move is not fresh. For mrkdwn. */
export function againLines({ again }: Pick<RunState, "again">): readonly string[] {
  if (again === undefined) return [];
  return [
    `⚠️ *Moved again:* last at ${local(new Date(again.movedAt))}. Reason: ${ended(safe(cut(again.reason, REASON_LENGTH)))}`,
  ];
}

/** The same for a dialog, which shows plain text: "Moved again: …. " or nothing. */
export function againPlain({ again }: Pick<RunState, "again">): string {
  return again === undefined ? "" : `Moved again, because: ${ended(cut(again.reason, REASON_LENGTH))} `;
}
