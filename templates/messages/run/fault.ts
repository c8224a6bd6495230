import type { Plan } from "../../../src/catalog/types.ts";
import type { FaultNote, RunState } from "../../../src/incident/state.ts";
import { section } from "../kit/blocks.ts";
import { ended, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import type { Surroundings } from "../kit/view.ts";
import { lasting } from "../kit/when.ts";
import { stepsOf } from "./plan.ts";

/** What a drill broke and no step of its run ended: lifted by the bot, or left to people. */
export function faultNote(run: RunState, { step, says, lifted }: FaultNote, around: Surroundings): Message {
  const title = safe(run.steps.get(step)?.step.title ?? step);
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const text = lifted
    ? `${prefix}Lifted: ${title}. ${ended(safe(says))}`
    : `${prefix}NOT LIFTED: ${title}. ${ended(safe(says))} End it by hand, then note it: \`/dr note\`.`;
  return { text, blocks: [section(`${lifted ? "✅" : "⚠️"} ${text}`)] };
}

/** What a drill breaks on purpose, how long each break lasts at most, and who ends it; empty where it breaks nothing. */
export function breakLines(plan: Plan): readonly string[] {
  const broken = breaksOf(plan).map(({ title, seconds }) => `${safe(title)} (${lasting(seconds)} at most)`);
  if (broken.length === 0) return [];
  return [`*Breaks on purpose:* ${broken.join("; ")}. A later step lifts each; if none does, the bot does.`];
}

/** The same in one line, for who decides. */
export function breakLine(plan: Plan): readonly string[] {
  const all = breaksOf(plan);
  if (all.length === 0) return [];
  const longest = lasting(Math.max(...all.map(({ seconds }) => seconds)));
  return [`*Breaks on purpose:* ${all.length} ${all.length === 1 ? "step" : "steps"}, each lifted within ${longest}`];
}

function breaksOf(plan: Plan): readonly { readonly title: string; readonly seconds: number }[] {
  return stepsOf(plan).flatMap((step) =>
    step.kind === "action" && step.breaksForSeconds !== undefined
      ? [{ title: step.title, seconds: step.breaksForSeconds }]
      : [],
  );
}
