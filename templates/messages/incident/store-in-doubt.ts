import { type Problem, sayProblem } from "../../../src/lib/errors.ts";
import { lines } from "../kit/blocks.ts";
import { safe } from "../kit/escape.ts";
import type { Message } from "../kit/message.ts";

/** The store is not the one that was known: said where incidents are announced. */
export function storeInDoubt(problem: Problem): Message {
  const facts = [
    ":rotating_light: *Lifeboat has stopped every change*",
    `Cause: ${safe(problem.what)}`,
    ...(problem.stateNow ? [`Status: ${safe(problem.stateNow)}`] : []),
    ...(problem.next ? [`Next: ${safe(problem.next)}`] : []),
  ];
  return { text: facts.join("\n"), blocks: lines(facts) };
}

/** One incident's record holds events that Lifeboat didn't write. */
export function tampered(problem: Problem): Message {
  const facts = [
    ":rotating_light: *An incident's record was tampered with*",
    `Cause: ${safe(problem.what)}`,
    "Status: this incident is frozen; others continue",
    ...(problem.next ? [`Next: ${safe(problem.next)}`] : []),
  ];
  return { text: facts.join("\n"), blocks: lines(facts) };
}

/** An operator accepted the store as it is. */
export function storeAccepted(): Message {
  const facts = [
    ":white_check_mark: *Lifeboat continues*",
    "Status: an operator accepted the current store",
    "Next: look at paused runs (`/dr list`), then retry, skip or abort",
  ];
  return { text: facts.join("\n"), blocks: lines(facts) };
}

/** Before an answer to someone who only reads. */
export function doubted(problem: Problem, message: Message): Message {
  const warning = `:rotating_light: ${safe(sayProblem(problem))}`;
  return { text: `${warning}\n${message.text}`, blocks: [...lines([warning]), ...message.blocks].slice(0, 50) };
}
