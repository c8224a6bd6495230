import type { Outcome } from "../../src/incident/commands.ts";
import type { NewEvent } from "../../src/incident/events.ts";
import type { Refusal } from "../../src/incident/refusal.ts";
import { type Problem, sayProblem } from "../../src/lib/errors.ts";
import { APPROVAL_REFUSALS } from "./approval/refusals.ts";
import { COMMS_REFUSALS } from "./comms/refusals.ts";
import { LIFE_REFUSALS } from "./incident/life-refusals.ts";
import { PEOPLE_REFUSALS } from "./incident/people-refusals.ts";
import type { Words, WordsOf } from "./kit/refusal-words.ts";
import { MOVE_REFUSALS } from "./run/move-refusals.ts";
import { RUN_REFUSALS } from "./run/refusals.ts";
import { UNDO_REFUSALS } from "./run/undo-refusals.ts";

const WORDS: WordsOf<Refusal> = {
  ...LIFE_REFUSALS,
  ...PEOPLE_REFUSALS,
  ...COMMS_REFUSALS,
  ...RUN_REFUSALS,
  ...MOVE_REFUSALS,
  ...UNDO_REFUSALS,
  ...APPROVAL_REFUSALS,
};

/** A refusal of the domain in words. */
export function refused(refusal: Refusal): Problem {
  const words = WORDS[refusal.code] as (facts: Refusal) => Words;
  return { code: refusal.code, ...words(refusal) };
}

/** What a command came to, with its words: what is answered, and what the timeline keeps. */
export type Worded =
  | Extract<Outcome, { kind: "accepted" }>
  | { readonly kind: "refused"; readonly problem: Problem; readonly events: readonly NewEvent[] };

/** The one place where a refusal gets its words: the answer and the record say the same. */
export function worded(outcome: Outcome): Worded {
  if (outcome.kind === "accepted") return outcome;
  const problem = refused(outcome.refusal);
  const says = sayProblem(problem);
  const events = outcome.events.map((event) => ({ ...event, data: { ...event.data, says } }) as NewEvent);
  return { kind: "refused", problem, events };
}
