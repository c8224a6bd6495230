import type { Pool } from "pg";
import { DUE, inTransaction, touches, UNSHOWN } from "./sql.ts";

/** The queues, each of which is a place: who works on it, whether the place is there, and when it is tried again. */
export interface Queues {
  /** Queues with something to do now and no one doing it. */
  claim(owner: string, seconds: number, limit: number): Promise<readonly string[]>;
  queue(queue: string): Promise<Queue | null>;
  /** Extends the claim. */
  hold(queue: string, owner: string, seconds: number): Promise<boolean>;
  /** Lets go, and leaves word of how many messages could be sent at once now. */
  release(queue: string, owner: string, tokens: number): Promise<void>;
  /** The place answers again: what was put off because of it is due now. */
  retryNow(): Promise<void>;

  making(queue: string, owner: string): Promise<boolean>;
  made(queue: string, owner: string, place: string, name: string): Promise<boolean>;
  /**
   * A stream's own place can't be made: its queue only edits what was sent there before, and `says` why. What it should show is
   * drawn into another queue from now on.
   */
  unmade(queue: string, owner: string, place: string, says: string): Promise<boolean>;
  /**
   * A shared place takes nothing: what is meant for it goes to `place`. Streams with something due there are sent again as a whole,
   * so that no thread is torn; those streams.
   */
  redirected(queue: string, owner: string, place: string, says: string): Promise<readonly string[]>;
  /** Nothing is read there any more: what waits for it is dropped, and nothing is tried for so long. */
  closed(queue: string, owner: string, says: string, seconds: number): Promise<boolean>;
  closedQueues(): Promise<readonly string[]>;
  /** A redirected or closed place takes messages again; what was sent elsewhere stays there. */
  restored(queue: string): Promise<void>;
  /** The place is gone: forget it and everything that was in it, so that all is made again. */
  lost(queue: string, owner: string): Promise<boolean>;
  /** `failed`: it is tried again because something went wrong, not because it is too early. */
  setUp(
    queue: string,
    owner: string,
    shown: unknown,
    retryInSeconds: number | null,
    failed: boolean,
    /** What was to be shown when this began: what has changed since is due at once. */
    wanted: unknown,
  ): Promise<boolean>;
  /** Nothing more in this queue for so long. With `failed`, it also counts as a failure of the queue. */
  /** What failed side by side counts once: while a queue is put off already, no further failure is counted. */
  putOff(queue: string, owner: string, seconds: number, says: string, failed: boolean): Promise<boolean>;
  answered(queue: string): Promise<void>;
}

export interface Queue {
  readonly queue: string;
  readonly stream: string | null;
  readonly place: string | null;
  readonly placeName: string | null;
  /** The place is another one's: a stream's own could not be made, or a shared one takes nothing. */
  readonly borrowed: boolean;
  /** What went wrong last, in the words of the place. */
  readonly says: string | null;
  readonly makingSince: Date | null;
  readonly wanted: unknown;
  readonly shown: unknown;
  readonly setupDue: boolean;
  readonly setupFailures: number;
  readonly tokens: number;
  readonly tokensAgoMs: number;
  /** Milliseconds until it may be worked on; 0 or less: now. */
  readonly waitMs: number;
  readonly failures: number;
}

export function createQueues(pool: Pool): Queues {
  const run = (text: string, values: unknown[] = []) => pool.query(text, values);
  const ofQueue = (set: string, queue: string, owner: string, values: unknown[] = []) =>
    touches(pool, `update lifeboat.outbox_queue set ${set} where queue = $1 and owner = $2`, [queue, owner, ...values]);

  return {
    async claim(owner, seconds, limit) {
      const { rows } = await run(CLAIM, [owner, seconds, limit]);
      return rows.map((row) => row.queue);
    },

    async queue(queue) {
      const { rows } = await run(QUEUE_ROW, [queue]);
      return rows[0] ?? null;
    },

    hold: (queue, owner, seconds) =>
      ofQueue("claimed_until = now() + make_interval(secs => $3)", queue, owner, [seconds]),
    async release(queue, owner, tokens) {
      await ofQueue("owner = null, claimed_until = '-infinity', tokens = $3, tokens_at = now()", queue, owner, [
        tokens,
      ]);
    },

    async retryNow() {
      await run(
        "update lifeboat.outbox_queue set not_before = '-infinity', furnish_at = '-infinity' where failures > 0 or furnish_failures > 0",
      );
      await run(`update lifeboat.outbox set not_before = '-infinity' where sink = 'slack' and tries > 0 and ${DUE}`);
    },

    making: (queue, owner) => ofQueue("making_since = coalesce(making_since, now())", queue, owner),
    made: (queue, owner, place, name) =>
      ofQueue(
        "place = $3, place_name = $4, borrowed = false, making_since = null, failures = 0, says = null",
        queue,
        owner,
        [place, name],
      ),
    unmade: (queue, owner, place, says) =>
      ofQueue(
        "place = $3, place_name = '', borrowed = true, making_since = null, failures = 0, says = $4",
        queue,
        owner,
        [place, says],
      ),
    redirected: (queue, owner, place, says) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          `update lifeboat.outbox_queue set place = $3, borrowed = true, failures = 0, says = $4, not_before = '-infinity'
           where queue = $1 and owner = $2`,
          [queue, owner, place, says],
        );
        if (rowCount === 0) return [];
        const { rows } = await client.query(`select distinct stream from lifeboat.outbox where queue = $1 and ${DUE}`, [
          queue,
        ]);
        const streams = rows.map((row) => row.stream as string);
        await client.query(
          `update lifeboat.outbox set ${UNSHOWN}, sending_since = null where queue = $1 and stream = any($2)`,
          [queue, streams],
        );
        return streams;
      }),
    closed: (queue, owner, says, seconds) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          `update lifeboat.outbox_queue set place = null, borrowed = true, failures = 0, says = $3,
           not_before = now() + make_interval(secs => $4) where queue = $1 and owner = $2`,
          [queue, owner, says, seconds],
        );
        if (rowCount === 0) return false;
        await client.query("delete from lifeboat.outbox where queue = $1 and delivered_as is null", [queue]);
        return true;
      }),
    async closedQueues() {
      const { rows } = await run(
        "select queue from lifeboat.outbox_queue where stream is null and borrowed and not_before > now()",
      );
      return rows.map((row) => row.queue);
    },
    async restored(queue) {
      await run(
        "update lifeboat.outbox_queue set place = case when place is null then null else queue end, not_before = now(), borrowed = false, says = null where queue = $1 and stream is null and borrowed",
        [queue],
      );
    },
    lost: (queue, owner) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          "update lifeboat.outbox_queue set place = null, borrowed = false, making_since = null, shown = '{}' where queue = $1 and owner = $2",
          [queue, owner],
        );
        if (rowCount === 0) return false;
        await client.query(`update lifeboat.outbox set ${UNSHOWN}, sending_since = null where queue = $1`, [queue]);
        return true;
      }),
    setUp: (queue, owner, shown, retryInSeconds, failed, wanted) =>
      ofQueue(
        `shown = $3, furnish_failures = case when $5::boolean then furnish_failures + 1 else 0 end,
         furnish_at = case when $4::float8 is null or (not $5::boolean and wanted is distinct from $6::jsonb) then '-infinity' else now() + make_interval(secs => $4::float8) end`,
        queue,
        owner,
        [JSON.stringify(shown), retryInSeconds, failed, JSON.stringify(wanted)],
      ),
    putOff: (queue, owner, seconds, says, failed) =>
      ofQueue(
        `not_before = greatest(not_before, now() + make_interval(secs => $3)), says = $4,
         failures = failures + case when not_before > now() then 0 else $5 end`,
        queue,
        owner,
        [seconds, says, failed ? 1 : 0],
      ),
    async answered(queue) {
      await run("update lifeboat.outbox_queue set failures = 0, says = null where queue = $1 and failures > 0", [
        queue,
      ]);
    },
  };
}

const NEEDS_SETUP = `l.stream is not null and not l.borrowed and l.wanted is not null
  and l.wanted is distinct from l.shown -> 'wanted'`;

const CLAIM = `
  update lifeboat.outbox_queue set owner = $1, claimed_until = now() + make_interval(secs => $2)
  where queue in (
    select l.queue from lifeboat.outbox_queue l
    where l.sink = 'slack' and (l.owner is null or l.claimed_until < now()) and l.not_before <= now()
      and (exists (select from lifeboat.outbox where outbox.queue = l.queue and ${DUE} and outbox.not_before <= now()
          and not (l.borrowed and l.stream is not null and outbox.delivered_as is null))
        or (${NEEDS_SETUP} and l.furnish_at <= now()))
    order by (select min(priority) from lifeboat.outbox where outbox.queue = l.queue and ${DUE}) nulls last
    limit $3
    for update of l skip locked)
  returning queue`;

const QUEUE_ROW = `
  select queue, stream, place, place_name as "placeName", borrowed, says, making_since as "makingSince", wanted, shown,
    (${NEEDS_SETUP}) and furnish_at <= now() as "setupDue", furnish_failures as "setupFailures", tokens,
    case when tokens_at = '-infinity' then 0 else extract(epoch from now() - tokens_at)::float8 * 1000 end as "tokensAgoMs",
    case when not_before = '-infinity' then 0 else extract(epoch from not_before - now())::float8 * 1000 end as "waitMs",
    failures
  from lifeboat.outbox_queue l where queue = $1`;
