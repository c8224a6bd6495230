import { channel } from "node:diagnostics_channel";
import { LifeboatError } from "./errors.ts";

/** Told each time a deadline passed: `{ what, seconds }`. */
export const DEADLINE_HIT = "lifeboat.deadline.hit";
const hit = channel(DEADLINE_HIT);

/**
 * Runs `work` with a signal that aborts after `seconds` (or with `parent`), and rejects then, whether or not `work`
 * listens to it. No network client here has a working default deadline, so every outside call goes through this.
 */
export async function withDeadline<T>(
  what: string,
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
): Promise<T> {
  const timeout = AbortSignal.timeout(Math.ceil(seconds * 1000));
  const signal = parent ? AbortSignal.any([parent, timeout]) : timeout;
  let giveUp: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    giveUp = () => {
      if (timeout.aborted) hit.publish({ what, seconds });
      reject(
        timeout.aborted
          ? new LifeboatError({ code: "deadline", what: `${what} gave no answer within ${seconds} s` })
          : new LifeboatError({ code: "aborted", what: `${what} was stopped before it answered` }),
      );
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await Promise.race([work(signal), late]);
  } finally {
    if (giveUp) signal.removeEventListener("abort", giveUp);
  }
}
