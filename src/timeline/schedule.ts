import type { Pool } from "pg";

/**
 * When streams have to be looked at though nothing happens to them: durable, by the store's clock, one process at a
 * time. Moments that passed while no one looked collapse into one look. What is due is decided elsewhere, from the events.
 */
export interface Schedule {
  /** After a stream was read up to `version`: look again at `nextAt`, or null: not of itself. */
  set(stream: string, version: number, nextAt: Date | null): Promise<void>;
  /** Streams whose id starts with the prefix and whose moment has come, this caller's for so long: a look that dies is done again by someone. */
  claim(seconds: number, limit: number, prefix: string): Promise<readonly string[]>;
  /** How far each of these streams had been read. */
  versions(streams: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export function createSchedule(pool: Pool): Schedule {
  return {
    async set(stream, version, nextAt) {
      await pool.query(
        `insert into lifeboat.schedule (stream, version, next_at) values ($1, $2, $3)
         on conflict (stream) do update set version = $2, next_at = $3, claimed_until = '-infinity'
         where schedule.version <= $2`,
        [stream, version, nextAt],
      );
    },
    async claim(seconds, limit, prefix) {
      const { rows } = await pool.query<{ stream: string }>(
        `with due as (select stream from lifeboat.schedule
                       where next_at <= (select lifeboat.clock()) and claimed_until <= clock_timestamp()
                         and starts_with(stream, $3)
                       order by next_at for update skip locked limit $2)
         update lifeboat.schedule s set claimed_until = clock_timestamp() + $1 * interval '1s'
           from due where s.stream = due.stream returning s.stream`,
        [seconds, limit, prefix],
      );
      return rows.map(({ stream }) => stream);
    },
    async versions(streams) {
      const { rows } = await pool.query<{ stream: string; version: number }>(
        "select stream, version from lifeboat.schedule where stream = any($1)",
        [streams],
      );
      return new Map(rows.map(({ stream, version }) => [stream, version]));
    },
  };
}
