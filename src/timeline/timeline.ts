import type pg from "pg";
import { sha256 } from "../lib/canonical.ts";
import type { Logger } from "../lib/log.ts";
import type { StoreClock } from "./clock.ts";
import type { Decided, Lease, Timeline } from "./contract.ts";
import { attemptDecision, type Decide, type Doubt, Thrown } from "./decide.ts";
import type { Follower } from "./follow.ts";
import { patiently } from "./passing.ts";
import { createRecentStreams } from "./recent.ts";
import { eventsAfter } from "./rows.ts";
import { verifyChains } from "./verify.ts";

export interface TimelineParts {
  readonly pool: pg.Pool;
  readonly replica: number;
  readonly clock: StoreClock;
  readonly follower: Follower;
  readonly closed: AbortSignal;
  readonly log: Logger;
  /** How long a caller without a lease waits for a store that is away. */
  readonly callerSeconds: number;
  readonly close: () => Promise<void>;
}

export function createTimeline(parts: TimelineParts): Timeline {
  const { pool, replica, clock, follower, closed, log, callerSeconds } = parts;
  const desk = { pool, replica, clock, recent: createRecentStreams() };
  const asked = <T>(what: string, attempt: () => Promise<T>, seconds = callerSeconds) =>
    patiently({ what, seconds, closed, log }, attempt);

  return {
    async decide<T>(
      stream: string,
      decide: Decide<T>,
      { lease }: { readonly lease?: Lease } = {},
    ): Promise<Decided<T>> {
      const doubt: Doubt<T> = { pending: null };
      // A driver's result is written again until the store answers: a step must not fail because it could not be stored.
      const seconds = lease ? Number.POSITIVE_INFINITY : callerSeconds;
      try {
        return await asked(`writing to ${stream}`, () => attemptDecision(desk, stream, decide, lease, doubt), seconds);
      } catch (error) {
        throw error instanceof Thrown ? error.cause : error;
      }
    },

    read: (stream, afterVersion = 0) => asked(`reading ${stream}`, () => eventsAfter(pool, stream, afterVersion)),

    streams: (prefix, limit = 100) =>
      asked("listing streams", async () => {
        const { rows } = await pool.query<{ id: string; version: number; updatedAt: Date }>(
          `select id, version, updated_at as "updatedAt" from lifeboat.stream where starts_with(id, $1)
            order by updated_at desc, id limit $2`,
          [prefix, limit],
        );
        return rows;
      }),

    streamOfRun: (run) =>
      asked("finding a run", async () => {
        const { rows } = await pool.query<{ stream: string }>("select stream from lifeboat.run where id = $1", [run]);
        return rows[0]?.stream ?? null;
      }),

    planOf: (run) =>
      asked("reading a plan", async () => {
        const { rows } = await pool.query<{ planHash: string; planBytes: Buffer }>(
          `select p.hash as "planHash", p.bytes as "planBytes" from lifeboat.run r
             join lifeboat.plan p on p.hash = r.plan_hash where r.id = $1`,
          [run],
        );
        const stored = rows[0];
        return stored !== undefined && sha256(stored.planBytes) === stored.planHash ? stored : null;
      }),

    follow: follower.follow,
    verify: (stream) => asked("verifying", () => verifyChains(pool, stream)),
    now: clock.now,
    close: parts.close,
  };
}
