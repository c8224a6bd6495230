import type { Pool } from "pg";
import { hashOf } from "../lib/canonical.ts";

/**
 * The outbox as sinks without places of their own use it (PagerDuty, mail, status pages): what each should show under a key, beside what
 * it was last told. In a queue one goes after the other. Several processes share it: a queue is worked on by one at a time, and what
 * is written about an item says nothing when its queue has passed to another.
 */
export interface Deliveries {
  /**
   * Writes down what a stream wants shown at this version. What an older version wanted never replaces it; what is sent `once` stays as
   * it was wanted first.
   */
  enqueue(stream: string, version: number, items: readonly Desired[]): Promise<void>;
  /** The first of each queue that is due and no one's, now this owner's. Only of these sinks. */
  claim(owner: string, sinks: readonly string[], seconds: number, limit: number): Promise<readonly DueItem[]>;
  /** Before sending: from here on no one knows, until one of the next three is called. False: its queue is another's by now. */
  sending(item: DueItem, owner: string): Promise<boolean>;
  /** It was told this; if something else is desired by now, it is due again at once. `recorded`: nothing is to be written of it. */
  delivered(item: DueItem, owner: string, how: Delivered, recorded: boolean): Promise<void>;
  /** Not delivered yet. `sure`: it certainly did not arrive. */
  later(
    item: DueItem,
    owner: string,
    how: { readonly says: string; readonly sure: boolean },
    seconds: number,
  ): Promise<void>;
  /** Not tried any more, until something else is desired or a person asks for it. */
  giveUp(item: DueItem, owner: string, says: string, recorded: boolean): Promise<void>;
  /** Ended, and the timeline may not say so yet. */
  unrecorded(sinks: readonly string[], limit: number): Promise<readonly Ended[]>;
  recorded(id: string): Promise<void>;
  /** What was given up, and what failed `FAILING_TRIES` times in a row and is tried on: of a stream, or of all. Newest first, at most 100. */
  undelivered(stream?: string): Promise<readonly Undelivered[]>;
  /** Tries what is undelivered in a stream now. How many there were. */
  tryAgain(stream: string): Promise<number>;
}

export interface Desired {
  readonly sink: string;
  readonly queue: string;
  /** The same for every attempt: the outside may know it by this. Unique in its stream and sink. */
  readonly key: string;
  readonly once: boolean;
  readonly desired: unknown;
}

export interface DueItem extends Desired {
  readonly id: string;
  readonly stream: string;
  /** Of the stream, when this was desired first. */
  readonly version: number;
  readonly hash: string;
  /** What it was told last, or null. */
  readonly delivered: unknown;
  /** How often it failed in a row. */
  readonly tries: number;
  /** It was sent before, and how that went is not known: look first where looking is possible. */
  readonly unsure: boolean;
  /** The outside may know of it. */
  readonly tried: boolean;
  /** What the outside called the last thing delivered in this queue. */
  readonly reference: string | null;
}

export interface Delivered {
  /** What the outside calls it. */
  readonly reference: string | null;
  /** Kept to tell what is different next time, and for the record. */
  readonly told: unknown;
  readonly says: string | null;
}

export interface Ended {
  readonly id: string;
  readonly sink: string;
  readonly stream: string;
  readonly key: string;
  /** Null: it was given up. */
  readonly delivered: unknown;
  readonly says: string | null;
}

export interface Undelivered {
  readonly sink: string;
  readonly stream: string;
  readonly key: string;
  readonly tries: number;
  /** In the words of the outside. */
  readonly says: string | null;
  readonly givenUp: boolean;
}

/** From so many failures in a row on people are told. */
export const FAILING_TRIES = 5;
/** What was given up can be tried again for so long; its content, addresses among it, is then forgotten. */
const KEPT_DAYS = 7;

export const DUE = `o.delivered_hash is distinct from o.desired_hash and not (o.once and o.delivered_hash is not null) and o.given_up_at is null`;

const ENQUEUE = `
  with items as (select i.* from jsonb_to_recordset($3::jsonb)
      as i(place int, sink text, queue text, key text, once boolean, desired jsonb, hash text)),
  queues as (insert into lifeboat.outbox_queue (queue, sink)
      select distinct queue, sink from items order by queue on conflict (queue) do nothing)
  insert into lifeboat.outbox as o (sink, stream, version, queue, key, once, priority, desired, desired_hash)
  select sink, $1, $2, queue, key, once, 1, desired, hash from items order by place
  on conflict (sink, stream, key) do update
     set version = excluded.version, desired = excluded.desired, desired_hash = excluded.desired_hash,
         not_before = '-infinity', tries = 0, given_up_at = null,
         desired_at = case when o.delivered_hash is distinct from o.desired_hash then o.desired_at else now() end
   where not o.once and o.version < excluded.version and o.desired_hash <> excluded.desired_hash`;

const CLAIM = `
  with head as (select distinct on (o.queue) o.queue, o.id, o.not_before from lifeboat.outbox o
                 where o.sink = any($2) and ${DUE} order by o.queue, o.id),
  due as (select q.queue from lifeboat.outbox_queue q join head h using (queue)
           where q.claimed_until <= clock_timestamp() and h.not_before <= clock_timestamp()
           order by h.not_before, h.id for update of q skip locked limit $4)
  update lifeboat.outbox_queue q set owner = $1, claimed_until = clock_timestamp() + $3 * interval '1s'
    from due where q.queue = due.queue returning q.queue`;

/** Read after the claim: what another process ended meanwhile is no longer due. */
const HEADS = `
  select distinct on (o.queue) o.id::text, o.sink, o.stream, o.key, o.queue, o.once, o.version, o.desired, o.desired_hash as hash, o.delivered,
    o.tries, o.sending_since is not null as unsure,
    (o.sending_since is not null or o.delivered_hash is not null or o.tries > 0) as tried,
    (select r.delivered_as from lifeboat.outbox r
      where r.queue = o.queue and r.delivered_as is not null and r.sink <> 'slack' order by r.id desc limit 1) as reference
  from lifeboat.outbox o where o.queue = any($1) and ${DUE} order by o.queue, o.id`;

const RELEASE = `update lifeboat.outbox_queue set owner = null, claimed_until = '-infinity'`;
/** Lets go of the queue in the same statement; nothing is written where it is another's. */
const settled = (set: string) => `
  with mine as (${RELEASE} where queue = $2 and owner = $3 returning queue)
  update lifeboat.outbox o set ${set} from mine where o.queue = mine.queue and o.id = $1`;

const DELIVERED =
  settled(`delivered = $4, delivered_hash = $5, delivered_as = $6, delivered_at = clock_timestamp(), says = left($7, 500),
    sending_since = null, tries = 0, not_before = '-infinity', given_up_at = null,
    recorded_at = case when $8 then clock_timestamp() end`);
const LATER =
  settled(`tries = o.tries + 1, says = left($4, 2000), sending_since = case when $5 then null else o.sending_since end,
    not_before = case when o.desired_hash = $6 then clock_timestamp() + $7 * interval '1s' else '-infinity' end`);
const GIVE_UP = settled(`tries = o.tries + 1, says = left($4, 500), sending_since = null,
    given_up_at = case when o.desired_hash = $5 then clock_timestamp() end,
    recorded_at = case when $6 then clock_timestamp() end`);

const UNDELIVERED = `(o.given_up_at > now() - interval '${KEPT_DAYS} days' or (${DUE} and o.tries >= ${FAILING_TRIES}))`;

/** What of a stream Slack was told: each message's key, the channel it is in, and its id there. */
export async function postedOf(
  pool: Pool,
  stream: string,
): Promise<readonly { readonly key: string; readonly place: string; readonly reference: string | null }[]> {
  const { rows } = await pool.query<{ key: string; place: string; reference: string | null }>(
    `select o.key, coalesce(q.place, o.queue) as place, o.delivered_as as reference from lifeboat.outbox o
       join lifeboat.outbox_queue q using (queue)
      where o.stream = $1 and o.sink = 'slack' and o.delivered_hash is not null order by o.id`,
    [stream],
  );
  return rows;
}

export function createDeliveries(pool: Pool): Deliveries {
  return {
    async enqueue(stream, version, items) {
      if (items.length === 0) return;
      const rows = items.map((item, place) => ({ ...item, place, hash: hashOf(item.desired) }));
      await pool.query(ENQUEUE, [stream, version, JSON.stringify(rows)]);
    },
    async claim(owner, sinks, seconds, limit) {
      const claimed = await pool.query<{ queue: string }>(CLAIM, [owner, sinks, seconds, limit]);
      const queues = claimed.rows.map(({ queue }) => queue);
      if (queues.length === 0) return [];
      const { rows } = await pool.query<DueItem>(HEADS, [queues]);
      const idle = queues.filter((queue) => !rows.some((item) => item.queue === queue));
      if (idle.length > 0) await pool.query(`${RELEASE} where queue = any($1) and owner = $2`, [idle, owner]);
      return rows;
    },
    async sending({ id, queue }, owner) {
      const { rowCount } = await pool.query(
        `update lifeboat.outbox o set sending_since = clock_timestamp() where id = $1 and ${DUE}
          and exists (select from lifeboat.outbox_queue where queue = $2 and owner = $3 and claimed_until > clock_timestamp())`,
        [id, queue, owner],
      );
      return (rowCount ?? 0) > 0;
    },
    async delivered({ id, queue, hash }, owner, { told, reference, says }, recorded) {
      await pool.query(DELIVERED, [id, queue, owner, JSON.stringify(told), hash, reference, says, recorded]);
    },
    async later({ id, queue, hash }, owner, { says, sure }, seconds) {
      await pool.query(LATER, [id, queue, owner, says, sure, hash, seconds]);
    },
    async giveUp({ id, queue, hash }, owner, says, recorded) {
      await pool.query(GIVE_UP, [id, queue, owner, says, hash, recorded]);
    },
    async unrecorded(sinks, limit) {
      const { rows } = await pool.query<Ended>(
        `select id::text, sink, stream, key, case when given_up_at is null then delivered end as delivered, says from lifeboat.outbox
          where sink = any($1) and sink <> 'slack' and recorded_at is null and (delivered_hash is not null or given_up_at is not null)
          order by id limit $2`,
        [sinks, limit],
      );
      return rows;
    },
    async recorded(id) {
      // Addresses are needed no longer than it takes to reach them.
      await pool.query(
        `update lifeboat.outbox set recorded_at = clock_timestamp(),
          desired = case when once and delivered_hash is not null then '{}' else desired end where id = $1`,
        [id],
      );
      await pool.query(
        `update lifeboat.outbox set desired = '{}' where once and sink <> 'slack' and desired <> '{}'
          and given_up_at <= now() - interval '${KEPT_DAYS} days'`,
      );
    },
    async undelivered(stream) {
      const { rows } = await pool.query<Undelivered>(
        `select o.sink, o.stream, o.key, o.tries, o.says, o.given_up_at is not null as "givenUp" from lifeboat.outbox o
          where ${UNDELIVERED} and ($1::text is null or o.stream = $1) order by o.id desc limit 100`,
        [stream ?? null],
      );
      return rows;
    },
    async tryAgain(stream) {
      const { rowCount } = await pool.query(
        `update lifeboat.outbox o set given_up_at = null, recorded_at = null, tries = 0, not_before = '-infinity'
          where ${UNDELIVERED} and o.stream = $1`,
        [stream],
      );
      return rowCount ?? 0;
    },
  };
}
