import { setTimeout as sleep } from "node:timers/promises";
import { LifeboatError } from "../../src/lib/errors.ts";
import { createLog, type Logger } from "../../src/lib/log.ts";

/**
 * How long practice waits for a program or a server to get somewhere. It bounds what hangs and measures nothing, so it is
 * generous: on a machine that runs three other suites, a server that needs one second takes thirty.
 */
export const PATIENCE_SECONDS = 180;
/** From then on, and this often, the log says what is waited for. */
const TELL_SECONDS = 5;
const LOOK_EVERY_MS = 50;

/** Looks until it is so. A look that throws counts as not yet. @throws LifeboatError `not-ready` after PATIENCE_SECONDS */
export function soon<T>(what: string, look: () => Promise<T | null | false>): Promise<T> {
  return within(PATIENCE_SECONDS, what, look);
}

/** As `soon`, where how long it takes is itself what is looked at: after `seconds` the answer is no. */
export async function within<T>(
  seconds: number,
  what: string,
  look: () => Promise<T | null | false>,
  { tell = log, tellSeconds = TELL_SECONDS } = {},
): Promise<T> {
  const began = performance.now();
  let told = 0;
  let last: unknown = null;
  for (;;) {
    const seen = await look().catch((error) => {
      last = error;
      return null;
    });
    if (seen !== null && seen !== false) return seen;
    const passed = (performance.now() - began) / 1000;
    if (passed >= told + tellSeconds) {
      told = passed;
      tell({ event: "practice.waiting", what, seconds: Math.round(passed), ...(last !== null && { err: last }) });
    }
    if (passed > seconds)
      throw new LifeboatError(
        { code: "not-ready", what: `${what} did not happen within ${seconds} s` },
        { cause: last },
      );
    await sleep(LOOK_EVERY_MS);
  }
}

export interface Waiting {
  readonly event: "practice.waiting";
  readonly what: string;
  readonly seconds: number;
  /** Why it is not so yet, where a look threw. */
  readonly err?: unknown;
}

let logger: Logger | null = null;

function log(waiting: Waiting): void {
  logger ??= createLog(process.env.LOG_LEVEL ?? "warn", "practice");
  logger.warn(waiting, "still waiting");
}
