import type { Pool } from "pg";
import type { Tallied, Tally } from "./contract.ts";

const ADD = `
  insert into lifeboat.tally as t (what, who, since, count, total, last_at, last)
  values ($1, $2, lifeboat.clock(), 1, 1, lifeboat.clock(), $4)
  on conflict (what, who) do update set
    count = case when t.since + make_interval(secs => $3) <= excluded.since then 1 else t.count + 1 end,
    since = case when t.since + make_interval(secs => $3) <= excluded.since then excluded.since else t.since end,
    total = t.total + 1, last_at = excluded.last_at, last = excluded.last
  returning count`;

const READ = `
  select what, who, count::int as count, total::int as total, last_at as "lastAt", last from lifeboat.tally
  where starts_with(what, $1) order by last_at desc limit 100`;

/** Counts within a window of time, kept beside the record: what is limited, or refused too often to stand on a timeline. */
export function createTally(pool: Pool): Tally {
  return {
    async add(what, who, seconds, last) {
      const { rows } = await pool.query<{ count: string }>(ADD, [what, who, seconds, last?.slice(0, 200) ?? null]);
      return Number(rows[0]?.count ?? 1);
    },
    async read(prefix) {
      return (await pool.query<Tallied>(READ, [prefix])).rows;
    },
  };
}
