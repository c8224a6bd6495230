import type { FaultNote, RunState } from "../../../src/incident/state.ts";
import { section } from "../kit/blocks.ts";
import { ended, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import type { Surroundings } from "../kit/view.ts";

/** What a drill broke and no step of its run ended: lifted by the bot, or left to people. */
export function faultNote(run: RunState, { step, says, lifted }: FaultNote, around: Surroundings): Message {
  const title = safe(run.steps.get(step)?.step.title ?? step);
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const text = lifted
    ? `${prefix}Lifted: ${title}. ${ended(safe(says))}`
    : `${prefix}NOT LIFTED: ${title}. ${ended(safe(says))} End it by hand, then note it: \`/dr note\`.`;
  return { text, blocks: [section(`${lifted ? "✅" : "⚠️"} ${text}`)] };
}
