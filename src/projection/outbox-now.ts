import type { Pool } from "pg";

/** How far a sink is behind what is desired, at this moment. */
export interface SinkNow {
  readonly sink: string;
  /** Not shown yet, and tried on. */
  readonly waiting: number;
  /** Age of the oldest of it, seconds; 0: nothing waits. */
  readonly oldestSeconds: number;
  /** Refused for good in the last week, and not shown since. */
  readonly givenUp: number;
}

// A stream's own channel that can't be made takes nothing new: that is drawn elsewhere.
const BEHIND = `o.delivered_hash is distinct from o.desired_hash and not (o.once and o.delivered_hash is not null)
  and not exists (select from lifeboat.outbox_queue q where q.queue = o.queue and q.borrowed and q.stream is not null and o.delivered_as is null)`;

// What the index of what is due holds, and what was given up: never the whole outbox.
const NOW = `
  with behind as (
    select o.sink, o.desired_at, false as given_up from lifeboat.outbox o where o.given_up_at is null and ${BEHIND}
    union all
    select sink, desired_at, true from lifeboat.outbox where given_up_at > now() - interval '7 days')
  select sink, count(*) filter (where not given_up)::int as waiting, count(*) filter (where given_up)::int as "givenUp",
         coalesce(greatest(0, extract(epoch from clock_timestamp() - min(desired_at) filter (where not given_up))), 0)::float8 as "oldestSeconds"
    from behind group by sink order by sink`;

/** One question to the store, not repeated. A sink that shows everything is absent. */
export async function readOutboxNow(pool: Pick<Pool, "query">): Promise<readonly SinkNow[]> {
  return (await pool.query<SinkNow>(NOW)).rows;
}
