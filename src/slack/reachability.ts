import type { FetchFunction } from "@slack/web-api";
import type { Logger } from "../lib/log.ts";

/**
 * Whether Slack's Web API answers, known before anyone has to wait for it. What any client asks is listened to, and when
 * nothing was requested a while a call is made for this alone.
 */
export interface Reachability {
  /** `fetch` that is listened to. Any HTTP response is an answer. */
  readonly fetch: FetchFunction;
  /** Since when nothing was answered, once that is certain. Null: Slack answers, or it isn't known yet that it doesn't. */
  silentSince(): Date | null;
  /** How the calls ended since this was made. */
  readonly calls: Readonly<Record<CallOutcome, number>>;
  /** Calls back once, as soon as it is certain that Slack is silent: at once where it is. @returns stops waiting */
  onSilence(silent: (since: Date) => void): () => void;
  /** Asks by itself from now on. `probe`: one cheap call with a deadline of its own, through `fetch`. */
  start(probe: () => Promise<unknown>): void;
  stop(): void;
}

/** By what came back over HTTP: `failed` is a 5xx, and Slack's own `ok: false` an answer. */
export type CallOutcome = "answered" | "rate_limited" | "failed" | "unanswered";

export interface ReachabilityOptions {
  readonly log: Logger;
  /** Milliseconds of a clock that is never set. */
  readonly clock?: () => number;
  readonly timings?: Partial<ReachabilityTimings>;
}

/** Milliseconds. */
export interface ReachabilityTimings {
  /** Slack is asked when it said nothing for so long. */
  readonly every: number;
  /** Between two calls made for this, while it isn't certain that Slack is silent. */
  readonly again: number;
  /** Between two calls made for this, while it is. */
  readonly silent: number;
  /** So long nothing is answered before that is certain: as long as anyone would have waited for an answer. */
  readonly certain: number;
}

export const reachabilityTimings: ReachabilityTimings = { every: 5_000, again: 500, silent: 2_500, certain: 5_000 };

/** A call that was not answered. */
interface Unanswered {
  readonly sentAt: number;
  readonly noticedAt: number;
}

/**
 * Silence is certain when a call was not answered, another one that was sent after that was noticed was not answered either, and
 * nothing else was for `certain`. So a process that was frozen, and wakes to calls that are long over, asks again first.
 */
export function createReachability(options: ReachabilityOptions): Reachability {
  const { log, clock = () => performance.now() } = options;
  const timings = { ...reachabilityTimings, ...options.timings };
  const waiting = new Set<(since: Date) => void>();
  const calls = { answered: 0, rate_limited: 0, failed: 0, unanswered: 0 };
  let answeredAt = clock();
  let doubt: Unanswered | null = null;
  let since: Date | null = null;
  let ask: (() => Promise<unknown>) | null = null;
  let timer: NodeJS.Timeout | undefined;
  let asking = false;

  function answered(): void {
    answeredAt = clock();
    doubt = null;
    if (since !== null) log.info({ event: "slack.answers_again", since }, "slack answers again");
    since = null;
  }

  function unanswered(sentAt: number): void {
    const now = clock();
    if (sentAt < answeredAt) return;
    if (doubt === null) {
      doubt = { sentAt, noticedAt: now };
      later();
      return;
    }
    if (since !== null || sentAt < doubt.noticedAt || now - doubt.sentAt < timings.certain) return;
    since = new Date(Date.now() - (now - doubt.sentAt));
    log.warn({ event: "slack.silent", since }, "slack doesn't answer; nothing waits for it until it does");
    for (const tell of [...waiting]) tell(since);
  }

  function later(): void {
    clearTimeout(timer);
    if (ask === null || asking) return;
    const inDoubt = since === null ? timings.again : timings.silent;
    const wait = doubt === null ? answeredAt + timings.every - clock() : inDoubt;
    timer = setTimeout(() => void look(), Math.max(0, wait)).unref();
  }

  async function look(): Promise<void> {
    const isDue = doubt !== null || clock() - answeredAt >= timings.every;
    if (ask !== null && isDue) {
      asking = true;
      await ask().catch(() => {});
      asking = false;
    }
    later();
  }

  return {
    async fetch(url, init) {
      const sentAt = clock();
      try {
        const response = await globalThis.fetch(url, init as RequestInit);
        answered();
        calls[outcomeOf(response.status)]++;
        return response;
      } catch (error) {
        calls.unanswered++;
        unanswered(sentAt);
        throw error;
      }
    },
    silentSince: () => since,
    calls,
    onSilence(silent) {
      if (since !== null) {
        silent(since);
        return () => {};
      }
      const once = (at: Date) => {
        waiting.delete(once);
        silent(at);
      };
      waiting.add(once);
      return () => void waiting.delete(once);
    },
    start(probe) {
      ask = probe;
      later();
    },
    stop() {
      ask = null;
      clearTimeout(timer);
    },
  };
}

function outcomeOf(status: number): CallOutcome {
  if (status === 429) return "rate_limited";
  return status >= 500 ? "failed" : "answered";
}
