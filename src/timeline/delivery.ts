import type { Pool } from "pg";

/**
 * Deliveries to the outside, shared by several processes: each is worked on by one at a time, in the order of its lane,
 * and ends once. It knows neither mail nor pages; what is delivered is a JSON value.
 */
export interface Deliveries {
  /** Puts it in its lane, unless it is there already or was there before. */
  want(wanted: WantedDelivery): Promise<void>;
  /** The first of each lane that is due and nobody's, now this owner's. */
  claim(owner: string, seconds: number, limit: number): Promise<readonly Delivery[]>;
  /** Before sending: from here on nobody knows, until it ends or `again` is called. False: it is another's by now. */
  sending(id: string, owner: string): Promise<boolean>;
  ended(id: string, owner: string, how: How): Promise<boolean>;
  /** Not delivered yet. `sure`: it certainly did not arrive. */
  again(id: string, owner: string, says: string, seconds: number, sure: boolean): Promise<void>;
  /** Ended, and the timeline may not say so yet. */
  unrecorded(limit: number): Promise<readonly Ended[]>;
  recorded(id: string): Promise<void>;
  /** What the outside called the last thing delivered in a lane. */
  lastReference(lane: string): Promise<string | null>;
  /** The way is open again: nothing of it waits out its back-off. */
  retryNow(via: string): Promise<void>;
}

export interface How {
  readonly outcome: "delivered" | "undelivered";
  readonly reference: string | null;
  /** Whom it reached: "2 addresses". */
  readonly reached: string | null;
  readonly says: string | null;
}

export interface WantedDelivery {
  readonly key: string;
  readonly stream: string;
  readonly lane: string;
  readonly via: string;
  readonly content: unknown;
}

export interface Delivery extends WantedDelivery {
  readonly id: string;
  /** Counting this one. */
  readonly attempts: number;
  /** It was sent before, and how that went is not known. */
  readonly unsure: boolean;
}

export interface Ended extends How {
  readonly id: string;
  readonly key: string;
  readonly stream: string;
  readonly via: string;
}

export function createDeliveries(pool: Pool): Deliveries {
  const touched = async (text: string, values: unknown[]) => ((await pool.query(text, values)).rowCount ?? 0) > 0;
  return {
    async want({ key, stream, lane, via, content }) {
      await pool.query(
        `insert into lifeboat.delivery (key, stream, lane, via, content) values ($1, $2, $3, $4, $5)
         on conflict (key) do nothing`,
        [key, stream, lane, via, JSON.stringify(content)],
      );
    },
    async claim(owner, seconds, limit) {
      return (await pool.query<Delivery>(CLAIM, [owner, seconds, limit])).rows;
    },
    sending: (id, owner) =>
      touched(
        `update lifeboat.delivery set sending_since = clock_timestamp()
          where id = $1 and owner = $2 and ended_at is null and claimed_until > clock_timestamp()`,
        [id, owner],
      ),
    ended: (id, owner, { outcome, reference, reached, says }) =>
      touched(
        `update lifeboat.delivery set ended_at = clock_timestamp(), outcome = $3, reference = $4, reached = left($5, 500),
         says = left($6, 500), owner = null, claimed_until = '-infinity'
          where id = $1 and owner = $2 and ended_at is null`,
        [id, owner, outcome, reference, reached, says],
      ),
    async again(id, owner, says, seconds, sure) {
      await pool.query(
        `update lifeboat.delivery set not_before = clock_timestamp() + $4 * interval '1s', says = left($3, 500),
         sending_since = case when $5 then null else sending_since end, owner = null, claimed_until = '-infinity'
          where id = $1 and owner = $2 and ended_at is null`,
        [id, owner, says, seconds, sure],
      );
    },
    async unrecorded(limit) {
      const { rows } = await pool.query<Ended>(
        `select id, key, stream, via, outcome, reference, reached, says from lifeboat.delivery
          where ended_at is not null and recorded_at is null order by id limit $1`,
        [limit],
      );
      return rows;
    },
    async recorded(id) {
      // Addresses are needed no longer than it takes to reach them.
      await pool.query(
        "update lifeboat.delivery set recorded_at = clock_timestamp(), content = '{}' where id = $1 and ended_at is not null",
        [id],
      );
    },
    async lastReference(lane) {
      const { rows } = await pool.query<{ reference: string }>(
        "select reference from lifeboat.delivery where lane = $1 and reference is not null order by id desc limit 1",
        [lane],
      );
      return rows[0]?.reference ?? null;
    },
    async retryNow(via) {
      await pool.query(
        "update lifeboat.delivery set not_before = '-infinity' where via = $1 and ended_at is null and not_before > clock_timestamp()",
        [via],
      );
    },
  };
}

const CLAIM = `
  with head as (select distinct on (lane) id from lifeboat.delivery where ended_at is null order by lane, id),
  due as (select d.id from lifeboat.delivery d join head using (id)
           where d.ended_at is null and d.not_before <= clock_timestamp() and d.claimed_until <= clock_timestamp()
           order by d.id for update of d skip locked limit $3)
  update lifeboat.delivery d set owner = $1, claimed_until = clock_timestamp() + $2 * interval '1s', attempts = attempts + 1
    from due where d.id = due.id
  returning d.id, d.key, d.stream, d.lane, d.via, d.content, d.attempts, d.sending_since is not null as unsure`;
