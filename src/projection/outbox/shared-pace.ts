import type { Pool } from "pg";
import { touches } from "./sql.ts";

/** How often all processes of a store together may do something. */
export interface SharedPaces {
  /** What is left of a pace that processes share, kept in a queue of its own: full when no one has spent of it. */
  tokens(queue: string, pace: SharedPace): Promise<number>;
  /** Takes one, unless fewer than `least` are left. */
  spend(queue: string, pace: SharedPace, least: number): Promise<boolean>;
}

export interface SharedPace {
  readonly perSecond: number;
  readonly burst: number;
}

export function createSharedPaces(pool: Pool): SharedPaces {
  const run = (text: string, values: unknown[] = []) => pool.query(text, values);
  return {
    async tokens(queue, { perSecond, burst }) {
      const { rows } = await run(`select ${REFILLED} as tokens from lifeboat.outbox_queue where queue = $1`, [
        queue,
        burst,
        perSecond,
      ]);
      return rows[0]?.tokens ?? burst;
    },
    spend: (queue, { perSecond, burst }, least) =>
      touches(
        pool,
        `insert into lifeboat.outbox_queue (queue, tokens, tokens_at) values ($1, $2::float8 - 1, now())
         on conflict (queue) do update set tokens = ${REFILLED} - 1, tokens_at = now() where ${REFILLED} >= $4::float8`,
        [queue, burst, perSecond, least],
      ),
  };
}

/** $2: burst, $3: gained in a second. */
const REFILLED = `least($2::float8, outbox_queue.tokens + greatest(0, extract(epoch from now() - outbox_queue.tokens_at)::float8) * $3::float8)`;
