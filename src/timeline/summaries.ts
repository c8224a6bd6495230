import { setImmediate as breathe } from "node:timers/promises";
import type pg from "pg";
import type { HeadSummary, Heads, SummarizedHead } from "./contract.ts";
import type { Keyring } from "./keys.ts";

/**
 * Heads of streams with what was derived of them. A summary is believed while it is of the stream's head, and while its HMAC
 * says that a process with a key made it; anyone who may write the table can only make it be read again from the events.
 */
const HEADS = `
  select pg_snapshot_xmin(pg_current_snapshot())::text as mark, s.id, s.version, s.head_hash as hash,
         s.updated_at as "updatedAt", m.summary, m.mac, m.mac_key as "macKey"
    from (select 1) one
    left join lifeboat.stream s on s.version > 0 and starts_with(s.id, $1)`;
const SUMMARY = " left join lifeboat.summary m on m.stream = s.id and m.version = s.version and m.hash = s.head_hash";

// A transaction that was not yet visible at a look has an id at or above that look's mark, however long it takes.
const ALL = HEADS + SUMMARY;
const CHANGED = `${HEADS} and s.changed >= $2::xid8${SUMMARY}`;

/** Written over by whoever saw more; two that saw the same write the same. */
const KEEP = `
  insert into lifeboat.summary (stream, version, hash, summary, mac, mac_key) values ($1, $2, $3, $4, $5, $6)
  on conflict (stream) do update set version = excluded.version, hash = excluded.hash, summary = excluded.summary,
         mac = excluded.mac, mac_key = excluded.mac_key`;

/** HMACs checked at a stretch; then others have their turn. */
const AT_A_STRETCH = 500;

type Db = Pick<pg.Pool, "query">;

interface Row {
  readonly mark: string;
  readonly id: string | null;
  readonly version: number;
  readonly hash: string;
  readonly updatedAt: Date;
  readonly summary: unknown;
  readonly mac: string | null;
  readonly macKey: string | null;
}

export async function readHeads(db: Db, keyring: Keyring, prefix: string, after: string | null): Promise<Heads> {
  const changed = after === null ? null : await rowsOf(db, "lifeboat-heads-changed", CHANGED, [prefix, after]);
  // A mark below ours means another database (restored, replaced): then everything is new.
  if (changed !== null && after !== null && BigInt(changed.mark) >= BigInt(after))
    return { mark: changed.mark, all: false, heads: await believed(changed.rows, keyring) };
  const { mark, rows } = await rowsOf(db, "lifeboat-heads", ALL, [prefix]);
  return { mark, all: true, heads: await believed(rows, keyring) };
}

async function rowsOf(db: Db, name: string, text: string, values: unknown[]) {
  const { rows } = await db.query<Row>({ name, text, values });
  const [first] = rows;
  if (first === undefined) throw new Error("PostgreSQL answered a question with nothing");
  return { mark: first.mark, rows };
}

async function believed(rows: readonly Row[], keyring: Keyring): Promise<readonly SummarizedHead[]> {
  const heads: SummarizedHead[] = [];
  for (const [n, { id, version, hash, updatedAt, summary, mac, macKey }] of rows.entries()) {
    if (id === null) continue;
    if (n % AT_A_STRETCH === AT_A_STRETCH - 1) await breathe();
    const holds = mac !== null && keyring.sealed(PURPOSE, sealedValue(id, { version, hash }, summary), macKey, mac);
    heads.push({ id, version, hash, updatedAt, ...(holds && { summary }) });
  }
  return heads;
}

export async function keepSummary(db: Db, keyring: Keyring, of: HeadSummary): Promise<void> {
  const { stream, version, hash, summary } = of;
  const { mac, macKey } = keyring.seal(PURPOSE, sealedValue(stream, of, summary));
  await db.query(KEEP, [stream, version, hash, JSON.stringify(summary), mac, macKey]);
}

const PURPOSE = "summary";

function sealedValue(stream: string, { version, hash }: { version: number; hash: string }, summary: unknown) {
  return { stream, version, hash, summary };
}
