import type { NotUndone } from "../catalog/types.ts";
import type { Inverse, Undo } from "./contract.ts";

/** The ways in which an action can say how its effect is taken back. */

/** It can't be: what was there before is gone. A point of no return. */
export function neverUndone<I>(why: (input: I) => string): Undo<I, never> {
  return always((input) => ({ kind: "never", says: why(input) }));
}

/** A person can, with tools of their own. */
export function undoneByHand<I>(how: (input: I) => string): Undo<I, never> {
  return always((input) => ({ kind: "by-hand", says: how(input) }));
}

/** It replaces nothing: what was there before is still there, or runs as it did. */
export function nothingToUndo<I>(why: (input: I) => string): Undo<I, never> {
  return always((input) => ({ kind: "nothing", says: why(input) }));
}

/** By another step, or one of several ways that the input alone tells apart. */
export function always<I>(answer: (input: I) => NotUndone): Undo<I, never> {
  return { ahead: answer, step: (_before, input) => answer(input) };
}

/** By a step of an action, made of what was there before. */
export function undoneBy<I, S>(step: Undo<I, S>["step"]): Undo<I, S> {
  return { ahead: () => ({ kind: "step" }), step };
}

/** `givesUp`: what came since, and isn't there any more afterwards. */
export function inverse(action: string, input: unknown, says: string, givesUp?: string): Inverse {
  return { kind: "step", action, input, says, ...(givesUp !== undefined && { givesUp }) };
}

export function nothing(says: string): NotUndone {
  return { kind: "nothing", says };
}

export function byHand(says: string): NotUndone {
  return { kind: "by-hand", says };
}
