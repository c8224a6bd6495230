import type { Pool } from "pg";

/** Where a stream is shown, and what is shown in a place. */
export interface Places {
  placeOf(stream: string): Promise<string | null>;
  streamAt(place: string): Promise<{ readonly stream: string; readonly about: unknown } | null>;
  /** What each of these messages is called outside; those not there yet are absent. */
  deliveredAs(stream: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Of these streams; one that has no place of its own is absent. */
  placesOf(streams: readonly string[]): Promise<ReadonlyMap<string, string>>;
  places(): Promise<ReadonlyMap<string, string>>;
}

export function createPlaces(pool: Pool): Places {
  const run = (text: string, values: unknown[] = []) => pool.query(text, values);
  return {
    async placeOf(stream) {
      const { rows } = await run("select place from lifeboat.outbox_queue where stream = $1 and not borrowed", [
        stream,
      ]);
      return rows[0]?.place ?? null;
    },
    async streamAt(place) {
      const { rows } = await run(
        "select s.stream, s.about from lifeboat.outbox_queue l join lifeboat.outbox_stream s using (stream) where l.place = $1 and not l.borrowed",
        [place],
      );
      return rows[0] ?? null;
    },
    async deliveredAs(stream, keys) {
      const { rows } = await run(
        "select key, delivered_as from lifeboat.outbox where sink = 'slack' and stream = $1 and key = any($2) and delivered_as is not null",
        [stream, keys],
      );
      return new Map(rows.map((row) => [row.key, row.delivered_as]));
    },
    async places() {
      const { rows } = await run(
        "select stream, place from lifeboat.outbox_queue where stream is not null and place is not null and not borrowed",
      );
      return new Map(rows.map((row) => [row.stream, row.place]));
    },
    async placesOf(streams) {
      const { rows } = await run(
        "select stream, place from lifeboat.outbox_queue where stream = any($1) and place is not null and not borrowed",
        [streams],
      );
      return new Map(rows.map((row) => [row.stream, row.place]));
    },
  };
}
