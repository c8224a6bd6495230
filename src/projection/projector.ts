import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Timeline } from "../timeline/contract.ts";
import { singleFlight } from "./flights.ts";

export interface ProjectorOptions {
  /** Whose it is, in the log: "paging". */
  readonly name: string;
  readonly timeline: Pick<Timeline, "follow">;
  readonly log: Logger;
  /** Which streams concern it; incidents if left out. */
  readonly concerns?: (stream: string) => boolean;
  /** Brings what is derived from a stream up to date. Called again, after a pause, when it rejects. */
  readonly look: (stream: string) => Promise<unknown>;
  /** Streams that may have changed while no process looked. */
  readonly missed: () => Promise<Iterable<string>>;
  /** What is due by time, or was made due by a look. */
  readonly round?: () => Promise<unknown>;
  /** Milliseconds from the end of a round to the next; 1,000 if left out. */
  readonly everyMs?: number;
}

/**
 * The one loop of everything that is derived from the timeline (Slack, paging, comms, triage, split-brain monitoring): hears of
 * every change, catches up on what happened before it was there, looks at one stream once at a time, does what is due by
 * time, and ends without leaving anything half done. What it looks at is decided by the timeline, so several processes may do so.
 */
export interface Projector {
  start(): void;
  /** Looks at this stream soon: once more if a look is in progress. */
  changed(stream: string): void;
  /** The same, after a pause: something its look began went wrong. */
  changedLater(stream: string): void;
  /** Looks at the streams that were missed. */
  catchUp(): void;
  /** A round now, or right after the one that is in progress. */
  wake(): void;
  /** Aborted by `leave` and `stop`. */
  readonly stopping: AbortSignal;
  /** Begins nothing more. */
  leave(): void;
  /** Resolves when nothing is in progress any more. */
  stop(): Promise<void>;
}

const EVERY_MS = 1000;
/** Pause before a failed look is repeated: doubled with each failure, milliseconds. */
const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 60_000;
const ONCE = "";

export function createProjector(options: ProjectorOptions): Projector {
  const { name, timeline, log, everyMs = EVERY_MS, concerns = isIncident } = options;
  const stopping = new AbortController();
  const failures = new Map<string, number>();
  const pauses = new Set<NodeJS.Timeout>();
  let unfollow = () => {};
  let next: NodeJS.Timeout | undefined;
  let missedKnown = false;

  const looks = singleFlight(async (stream) => {
    if (stopping.signal.aborted) return;
    try {
      await options.look(stream);
      failures.delete(stream);
    } catch (error) {
      failed(stream, error);
      later(stream, () => changed(stream));
    }
  });

  const rounds = singleFlight(async () => {
    clearTimeout(next);
    if (stopping.signal.aborted) return;
    try {
      await options.round?.();
    } catch (error) {
      log.debug(
        { event: "projector.round_failed", projector: name, error: messageOf(error) },
        "round failed; retrying",
      );
    }
    clearTimeout(next);
    if (!stopping.signal.aborted) next = setTimeout(wake, everyMs);
  });

  const catchUps = singleFlight(async () => {
    if (stopping.signal.aborted) return;
    try {
      for (const stream of await options.missed()) changed(stream);
      failures.delete(ONCE);
    } catch (error) {
      failed(ONCE, error);
      later(ONCE, catchUp);
    }
    missedKnown = true;
    wake();
  });

  function changed(stream: string): void {
    if (concerns(stream) && !stopping.signal.aborted) looks.run(stream);
  }

  function catchUp(): void {
    catchUps.run(ONCE);
  }

  /** No round before the first catch-up: what waits since before may be over by now. */
  function wake(): void {
    if (options.round !== undefined && missedKnown && !stopping.signal.aborted) rounds.run(ONCE);
  }

  function failed(key: string, error: unknown): void {
    const before = failures.get(key) ?? 0;
    failures.set(key, before + 1);
    const about = { projector: name, stream: key === ONCE ? null : key, err: error };
    if (before === 0)
      log.error({ event: "projector.look_failed", ...about }, "the timeline could not be followed; retrying");
    else log.debug({ event: "projector.look_failed", ...about }, "the timeline could not be followed; retrying");
  }

  function later(key: string, again: () => void): void {
    if (stopping.signal.aborted) return;
    const times = Math.max(0, (failures.get(key) ?? 0) - 1);
    const pause = setTimeout(
      () => {
        pauses.delete(pause);
        again();
      },
      Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** times),
    );
    pauses.add(pause);
  }

  function leave(): void {
    stopping.abort();
    unfollow();
    clearTimeout(next);
    for (const pause of pauses) clearTimeout(pause);
  }

  return {
    start() {
      unfollow = timeline.follow(changed);
      catchUp();
    },
    changed,
    changedLater: (stream) => later(stream, () => changed(stream)),
    catchUp,
    wake,
    stopping: stopping.signal,
    leave,
    async stop() {
      leave();
      await Promise.all([catchUps.settled(), looks.settled(), rounds.settled()]);
    },
  };
}

export function isIncident(stream: string): boolean {
  return stream.startsWith("inc-");
}
