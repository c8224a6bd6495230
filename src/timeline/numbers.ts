import type pg from "pg";
import type { EventToAppend } from "./contract.ts";

type Db = Pick<pg.Pool, "query">;

/**
 * The number of a stream, given now where it has none: the next of one sequence, so two transactions never wait for each other
 * and never get the same. A transaction that is rolled back leaves a gap.
 */
export async function numberOf(db: Db, stream: string): Promise<number> {
  const given = (await known(db, stream)) ?? (await give(db, stream)) ?? (await known(db, stream));
  if (given === null) throw new Error(`${stream} has no number after it was given one`);
  return given;
}

async function known(db: Db, stream: string): Promise<number | null> {
  const sql = "select number from lifeboat.stream_number where stream = $1";
  return (await db.query<{ number: number }>(sql, [stream])).rows[0]?.number ?? null;
}

/** Null: another process gave it one meanwhile. */
async function give(db: Db, stream: string): Promise<number | null> {
  const sql =
    "insert into lifeboat.stream_number (stream) values ($1) on conflict (stream) do nothing returning number";
  return (await db.query<{ number: number }>(sql, [stream])).rows[0]?.number ?? null;
}

export async function streamNumbered(db: Db, number: number): Promise<string | null> {
  const sql = "select stream from lifeboat.stream_number where number = $1";
  return (await db.query<{ stream: string }>(sql, [number])).rows[0]?.stream ?? null;
}

/** Events with the stream's number in their data, where they want it. Within the transaction that writes them. */
export async function withNumber(
  db: Db,
  stream: string,
  events: readonly EventToAppend[],
  keys: ReadonlySet<string>,
): Promise<readonly EventToAppend[]> {
  if (!events.some((event) => event.numbered === true && !keys.has(event.key))) return events;
  const number = await numberOf(db, stream);
  return events.map((event) =>
    event.numbered === true ? { ...event, data: { ...(event.data as object), number } } : event,
  );
}
