import { setTimeout as sleep } from "node:timers/promises";
import { LifeboatError } from "../lib/errors.ts";

export interface Poll {
  /** What is waited for, as the end of "… did not happen within 5 s": "orders-b leaving recovery". */
  readonly what: string;
  readonly seconds: number;
  /** Between two looks; a function is asked before each pause. */
  readonly everyMilliseconds: number | (() => number);
  readonly signal: AbortSignal;
  /** The state things are in when the time is over. */
  readonly stateNow?: () => string;
}

/** Looks until `look` returns something other than null; rejects when the time is over. */
export async function until<T>(poll: Poll, look: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + poll.seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() >= end) {
      throw new LifeboatError({
        code: "not-seen",
        what: `Waited ${poll.seconds} s for ${poll.what}, and it was not visible`,
        ...(poll.stateNow ? { stateNow: poll.stateNow() } : {}),
        next: "Look at the target yourself, then retry the step or take over by hand",
      });
    }
    const pause = typeof poll.everyMilliseconds === "number" ? poll.everyMilliseconds : poll.everyMilliseconds();
    await sleep(pause, undefined, { signal: poll.signal });
  }
}
