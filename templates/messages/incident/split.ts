import type { RunState, Split } from "../../../src/incident/state.ts";
import { header, section } from "../kit/blocks.ts";
import { ended, plain, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, clock } from "../kit/when.ts";

/** The old primary of a promotion is back and takes writes: in the run's thread and in the incident's channel, as loud as it gets. */
export function splitBrain(run: RunState, { says, next, since, over }: Split, around: Surroundings): Message {
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const what = `${prefix}SPLIT BRAIN after ${safe(run.plan.title)}: ${ended(safe(says))}`;
  const text =
    over === null ? `${what} ${ended(safe(next))}` : `${what} Resolved at ${clock(over)}: only one takes writes.`;
  return {
    text: over === null ? `${text} Seen ${at(since)}.` : text,
    blocks: [
      header(`${prefix}SPLIT BRAIN: ${plain(run.plan.title)}`),
      section(`${over === null ? "🚨" : "✅"} ${text}`),
    ],
  };
}
