import type pg from "pg";
import { sha256 } from "../lib/canonical.ts";
import { type Authenticity, notAuthentic } from "./authentic.ts";
import { chainHash, noHash } from "./chain.ts";
import type { StoredEvent } from "./contract.ts";
import type { Keyring } from "./keys.ts";
import { createPseudonyms, peopleRows } from "./pseudonyms.ts";
import { eventColumns } from "./rows.ts";
import type { StoredStatement } from "./statements.ts";

export type ExportPool = pg.Pool;

/** The time an export is about: `from` is in it, `to` isn't. */
export interface Period {
  readonly from: Date;
  readonly to: Date;
}

/** A stream as far as it had come at the end of the period. */
export interface ExportedStream {
  readonly id: string;
  /** Its last event before the end. */
  readonly version: number;
  readonly hash: string;
}

/** What an opaque id means. `identity` null: erased. */
export interface ExportedPerson {
  readonly id: string;
  readonly identity: string | null;
  readonly erasedAt: Date | null;
  readonly erasedBecause: string | null;
}

/** Everything an export reads, in one snapshot of the store; it never changes anything. Nothing is read whole: streams come in pages. */
export interface ExportReader {
  /** Streams whose id begins so that have an event in the period, or, with `open`, that were open at its beginning. */
  streams(period: Period, options: StreamSelection): Promise<readonly ExportedStream[]>;
  /** The events of a stream up to a version as they are stored, in pages of 2,000. */
  stored(stream: string, upTo: number): AsyncIterable<readonly StoredEvent[]>;
  /** The same events with people as the rest of the program knows them. */
  shown(events: readonly StoredEvent[]): Promise<readonly StoredEvent[]>;
  /** What is wrong with an event that follows `last`; null: nothing. */
  flaw(event: StoredEvent, last: { readonly version: number; readonly hash: string }): string | null;
  /** Signed statements made before the moment, oldest first, each with whether its signature holds. */
  statements(before: Date): Promise<readonly (StoredStatement & { readonly holds: boolean })[]>;
  /** Canonical bytes of a plan. Null: it isn't stored, or what is stored has another hash. */
  plan(hash: string): Promise<Buffer | null>;
  people(ids: readonly string[]): Promise<readonly ExportedPerson[]>;
  /** Numbers of streams that have none on their timeline. */
  numbers(streams: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export interface StreamSelection {
  readonly prefix: string;
  /** Types that open a stream and that end it: one that is open at the beginning of the period belongs to it, though nothing was added. */
  readonly open?: { readonly begins: readonly string[]; readonly ends: readonly string[] };
  /** Only streams with an event of this type whose data has this value. */
  readonly about?: { readonly type: string; readonly field: string; readonly value: string };
  /** Without streams that have an event of this type whose data has this field. */
  readonly without?: { readonly type: string; readonly field: string };
}

const PAGE = 2_000;
/** How long an export waits for transactions that began before its end. */
const SETTLE_MS = 10_000;

/** The store's clock, to the millisecond. */
export async function clockOf(pool: pg.Pool): Promise<Date> {
  const { rows } = await pool.query<{ at: Date }>("select lifeboat.clock()::timestamptz(3) as at");
  return rows[0]?.at ?? new Date();
}

/**
 * Resolves when no transaction is in progress that could still add an event with a time before now. False: one goes on for too long.
 * An event's time is taken after its transaction has its number, so every such transaction is in this snapshot.
 */
export async function settled(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ next: string }>("select pg_snapshot_xmax(pg_current_snapshot())::text as next");
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const { rows: now } = await pool.query<{ over: boolean }>(
      "select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as over",
      [rows[0]?.next],
    );
    if (now[0]?.over) return true;
    if (performance.now() > end) return false;
    await new Promise((soon) => setTimeout(soon, 50));
  }
}

/** Reads in one snapshot, from beginning to end. */
export async function readSnapshot<T>(
  pool: pg.Pool,
  around: Authenticity,
  read: (reader: ExportReader) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const result = await read(readerOn(client, around));
    await client.query("commit");
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

function readerOn(client: pg.PoolClient, around: Authenticity): ExportReader {
  const pseudonyms = createPseudonyms(around.keyring, null);
  return {
    streams: (period, wanted) => streamsIn(client, period, wanted),
    stored: (stream, upTo) => pages(client, stream, upTo),
    shown: (events) => pseudonyms.shown(client, events),
    flaw: (event, last) => flawOf(around, event, last),
    statements: (before) => statementsBefore(client, around.keyring, before),
    async plan(hash) {
      const { rows } = await client.query<{ bytes: Buffer }>("select bytes from lifeboat.plan where hash = $1", [hash]);
      const bytes = rows[0]?.bytes ?? null;
      return bytes !== null && sha256(bytes) === hash ? bytes : null;
    },
    people: (ids) => peopleRows(client, around.keyring, ids),
    async numbers(streams) {
      const { rows } = await client.query<{ stream: string; number: number }>(
        "select stream, number from lifeboat.stream_number where stream = any($1)",
        [streams],
      );
      return new Map(rows.map(({ stream, number }) => [stream, number]));
    },
  };
}

/** The last version before the end is the one before the first event that is not: what is appended later changes nothing of it. */
const STREAMS = `
  with cut as (
    select s.id,
      case when s.updated_at < $3 then s.version
        else coalesce((select min(e.version) - 1 from lifeboat.event e where e.stream = s.id and e.at >= $3), s.version) end as version
    from lifeboat.stream s where s.id like $1 || '%')
  select c.id, c.version, last.hash
  from cut c join lifeboat.event last on last.stream = c.id and last.version = c.version
  where (last.at >= $2
      or coalesce((select e.type = any($4::text[]) from lifeboat.event e
                    where e.stream = c.id and e.version <= c.version and e.type = any($4::text[] || $5::text[])
                    order by e.version desc limit 1), false))
    and ($6::text is null or exists (select from lifeboat.event e
          where e.stream = c.id and e.version <= c.version and e.type = $6 and e.data ->> $7 = $8))
    and ($9::text is null or not exists (select from lifeboat.event e
          where e.stream = c.id and e.version <= c.version and e.type = $9 and e.data ? $10::text))
  order by c.id collate "C"`;

async function streamsIn(
  client: pg.PoolClient,
  { from, to }: Period,
  { prefix, open, about, without }: StreamSelection,
): Promise<readonly ExportedStream[]> {
  const like = prefix.replace(/[\\%_]/g, "\\$&");
  const kinds = [open?.begins ?? [], open?.ends ?? []];
  const only = [about?.type ?? null, about?.field ?? null, about?.value ?? null];
  const but = [without?.type ?? null, without?.field ?? null];
  const { rows } = await client.query<ExportedStream>(STREAMS, [like, from, to, ...kinds, ...only, ...but]);
  return rows;
}

async function* pages(client: pg.PoolClient, stream: string, upTo: number): AsyncIterable<readonly StoredEvent[]> {
  for (let after = 0; after < upTo; ) {
    const { rows } = await client.query<StoredEvent>({
      name: "lifeboat-export",
      text: `select ${eventColumns} from lifeboat.event where stream = $1 and version > $2 and version <= $3 order by version limit ${PAGE}`,
      values: [stream, after, upTo],
    });
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = last.version;
  }
}

function flawOf(
  around: Authenticity,
  event: StoredEvent,
  last: { readonly version: number; readonly hash: string },
): string | null {
  if (event.version !== last.version + 1) return `the events before it are missing, back to ${last.version}`;
  if (event.previousHash !== (last.version === 0 ? noHash : last.hash)) return "it doesn't follow the event before it";
  if (chainHash(event) !== event.hash) return "it was changed after it was written";
  return notAuthentic(around, event);
}

async function statementsBefore(client: pg.PoolClient, keyring: Keyring, before: Date) {
  const { rows } = await client.query<{ id: string; text: string; key: string; signature: string }>(
    "select id, statement as text, key, signature from lifeboat.signed_statement order by id",
  );
  return rows.flatMap((row) => {
    const statement = JSON.parse(row.text) as StoredStatement["statement"];
    return new Date(statement.at) < before ? [{ ...row, statement, holds: keyring.signatureHolds(row) }] : [];
  });
}
