import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Logger } from "../lib/log.ts";
import type { Inbox } from "./contract.ts";
import { jsonSafe, jsonSafeText } from "./json-safe.ts";
import { patiently } from "./transient-errors.ts";

/** An item taken so often is left alone: it may be what ends the process that takes it. */
export const attemptsMax = 5;

/** Slack waits 3 s for an acknowledgement: whoever receives must know before that. */
const receiveSeconds = 2.5;

export interface GivenUp {
  readonly key: string;
  readonly kind: string;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly receivedAt: Date;
}

/** What came in and is not done yet. */
export interface InboxNow {
  readonly waiting: number;
  /** Age of the oldest that is still tried, seconds; 0: nothing waits. */
  readonly oldestSeconds: number;
  readonly givenUp: number;
}

export interface VisibleInbox extends Inbox {
  /** One question to the store, not repeated. */
  now(): Promise<InboxNow>;
  /** Items that were tried as often as they are going to be, newest first: a person should look. */
  givenUp(limit?: number): Promise<readonly GivenUp[]>;
}

type Taken = Awaited<ReturnType<Inbox["take"]>>[number];

// The receipt tells our own lost attempt from someone else's delivery.
const receive = `
  insert into lifeboat.inbox (key, kind, body, attempts, claimed_until, receipt)
  values ($1, $2, $3, case when $4::float8 is null then 0 else 1 end, clock_timestamp() + $4 * interval '1s', $5)
  on conflict (key) do update set receipt = excluded.receipt where inbox.receipt = excluded.receipt`;

const take = `
  with due as (select id from lifeboat.inbox
                where done_at is null and attempts < ${attemptsMax} and next_at <= clock_timestamp()
                  and (claimed_until is null or claimed_until < clock_timestamp()) and starts_with(kind, $3)
                order by id for update skip locked limit $1),
  taken as (update lifeboat.inbox i set claimed_until = clock_timestamp() + $2 * interval '1s', attempts = attempts + 1
              from due where i.id = due.id returning i.id, i.key, i.kind, i.body, i.attempts, i.received_at)
  select key, kind, body, attempts, received_at as "receivedAt" from taken order by id`;

// What was done two weeks ago is no longer redelivered by anyone, and may hold personal data.
const done = `
  with old as (delete from lifeboat.inbox where done_at < clock_timestamp() - interval '14 days')
  update lifeboat.inbox set done_at = clock_timestamp(), claimed_until = null where key = $1 and done_at is null`;

const failed = `
  update lifeboat.inbox set claimed_until = null, last_error = left($2, 2000),
         next_at = clock_timestamp() + least(300, 2 ^ attempts) * interval '1s' where key = $1 and done_at is null`;

const givenUp = `
  select key, kind, attempts, last_error as "lastError", received_at as "receivedAt" from lifeboat.inbox
   where done_at is null and attempts >= ${attemptsMax} and (claimed_until is null or claimed_until < clock_timestamp())
   order by id desc limit $1`;

const now = `
  select count(*) filter (where attempts < ${attemptsMax})::int as waiting,
         coalesce(extract(epoch from clock_timestamp() - min(received_at) filter (where attempts < ${attemptsMax})), 0)::float8 as "oldestSeconds",
         count(*) filter (where attempts >= ${attemptsMax} and (claimed_until is null or claimed_until < clock_timestamp()))::int as "givenUp"
    from lifeboat.inbox where done_at is null`;

export function createInbox(pool: pg.Pool, closed: AbortSignal, log: Logger, callerSeconds: number): VisibleInbox {
  const asked = <T>(what: string, seconds: number, attempt: () => Promise<T>) =>
    patiently({ what, seconds, closed, log }, attempt);
  return {
    receive(key, kind, body, claimSeconds) {
      const values = [jsonSafeText(key), kind, JSON.stringify(jsonSafe(body)), claimSeconds ?? null, randomUUID()];
      return asked("receiving", receiveSeconds, async () => {
        const query = { name: "lifeboat-receive", text: receive, values, query_timeout: 2_000 };
        return (await pool.query(query)).rowCount === 1;
      });
    },
    take: (limit, claimSeconds, kind = "") =>
      asked("taking from the inbox", callerSeconds, async () => {
        const { rows } = await pool.query<Taken>({
          name: "lifeboat-take",
          text: take,
          values: [limit, claimSeconds, kind],
        });
        return rows;
      }),
    done: (key) =>
      asked("finishing an inbox item", callerSeconds, async () => {
        await pool.query({ name: "lifeboat-done", text: done, values: [jsonSafeText(key)] });
      }),
    failed: (key, why) =>
      asked("failing an inbox item", callerSeconds, async () => {
        await pool.query({ name: "lifeboat-failed", text: failed, values: [jsonSafeText(key), jsonSafeText(why)] });
      }),
    async now() {
      const { rows } = await pool.query<InboxNow>(now);
      return rows[0] as InboxNow;
    },
    givenUp: (limit = 50) =>
      asked("looking for stuck inbox items", callerSeconds, async () => {
        const { rows } = await pool.query<GivenUp>(givenUp, [limit]);
        return rows;
      }),
  };
}
