import { setTimeout as pause } from "node:timers/promises";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";

/** SQLSTATE classes and codes, and socket errors, that say "not now": the same request may succeed in a moment. */
const transientCodes =
  /^(08|57P|53|ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_AGAIN|ENOTFOUND)|^(25006|25P03|40001|40P01|55P03|57014)$/;
const transientWords =
  /terminated|timeout|connection error|connection ended|Client was closed|not queryable|not_connected/i;

/** True for a store that is away, restarting, read-only, full or busy. */
export function isTransient(error: unknown): boolean {
  if (error instanceof LifeboatError) return false;
  const code = (error as { code?: unknown })?.code;
  if (typeof code === "string" && transientCodes.test(code)) return true;
  if (error instanceof AggregateError) return error.errors.some(isTransient);
  return !isRefusal(error) && error instanceof Error && transientWords.test(error.message);
}

/** The server answered and said no: the connection itself is sound, unless the answer ended it. */
export function isRefusal(error: unknown): boolean {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  return typeof code === "string" && code.length === 5 && severity === "ERROR";
}

/** The server takes no writes: a standby, or a primary that was fenced. */
export function isReadOnly(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "25006";
}

export interface Patience {
  readonly what: string;
  /** Infinity: until the store answers or is closed. */
  readonly seconds: number;
  readonly closed: AbortSignal;
  readonly log: Logger;
}

/**
 * Repeats an attempt while the store is away: 50 ms doubling to 1 s, with jitter, so that replicas do not return in step.
 * @throws LifeboatError `store-away` when patience ends, `store-closed` when the store was closed meanwhile
 */
export async function patiently<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  const { what, seconds, closed, log } = patience;
  const until = performance.now() + seconds * 1000;
  for (let wait = 50, said = false; ; wait = Math.min(wait * 2, 1000)) {
    if (closed.aborted) throw new LifeboatError({ code: "store-closed", what: `${what}: the store was closed` });
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error)) throw error;
      const rest = wait * (0.5 + Math.random());
      if (performance.now() + rest > until) throw away(what, seconds, error);
      if (!said && wait >= 400) {
        log.warn({ event: "store.away", what, err: error }, "the store doesn't answer; retrying");
        said = true;
      }
      await pause(rest, undefined, { signal: closed }).catch(() => {});
    }
  }
}

function away(what: string, seconds: number, cause: unknown): LifeboatError {
  return new LifeboatError(
    {
      code: "store-away",
      what: `${what}: the timeline's PostgreSQL gave no usable answer for ${seconds} s (${messageOf(cause)})`,
      stateNow: "It is not certain whether this was recorded; to ask again is harmless",
      next: "Try again in a moment; if it stays away, look at the database",
    },
    { cause },
  );
}
