import { setImmediate as breathe } from "node:timers/promises";
import type pg from "pg";
import type { HeadSummary, Heads, SummarizedHead } from "./contract.ts";
import type { Keyring } from "./keys.ts";

/**
 * Heads of streams with what was derived of them. A summary is believed while it is of the stream's head, and while its HMAC
 * says that a process with a key made it; anyone who may write the table can only make it be read again from the events.
 */
const SUMMARY = "left join lifeboat.summary m on m.stream = s.id and m.version = s.version and m.hash = s.head_hash";
const HEAD = `pg_snapshot_xmin(pg_current_snapshot())::text as mark, s.id, s.version, s.head_hash as hash, s.updated_at as "updatedAt"`;
const SUMMARIZED = `${HEAD}, m.summary, m.mac, m.mac_key as "macKey"`;
const STREAMS = "lifeboat.stream s on s.version > 0 and starts_with(s.id, $1)";
/**
 * Few streams change between two looks. The limit, on that condition alone and without a join, tells PostgreSQL so: otherwise its plan for
 * any mark seems dear, and it makes a new plan for each look, which takes longer than the look.
 */
const FEW = 50;
const NEWEST = `select * from lifeboat.stream where changed >= $1::xid8 order by changed desc limit ${FEW}`;

// A transaction that was not yet visible at a look has an id at or above that look's mark, however long it takes.
const QUERIES = {
  all: `select ${SUMMARIZED} from (select 1) one left join ${STREAMS} ${SUMMARY}`,
  changed: `select ${SUMMARIZED} from (select 1) one left join ${STREAMS} and s.changed >= $2::xid8 ${SUMMARY}`,
  /** Those of every prefix, so that it is seen whether there are more. */
  few: `select ${HEAD} from (select 1) one left join (${NEWEST}) s on true`,
  summaries: `select stream, version, hash, summary, mac, mac_key as "macKey" from lifeboat.summary where stream = any($1)`,
};

/** Written over by the one who saw more; two that saw the same write the same. */
const KEEP = `
  insert into lifeboat.summary (stream, version, hash, summary, mac, mac_key) values ($1, $2, $3, $4, $5, $6)
  on conflict (stream) do update set version = excluded.version, hash = excluded.hash, summary = excluded.summary,
         mac = excluded.mac, mac_key = excluded.mac_key`;

/** HMACs checked at a stretch; then others have their turn. */
const AT_A_STRETCH = 500;

type Db = Pick<pg.Pool, "query">;

interface Row extends Kept {
  readonly mark: string;
  readonly id: string | null;
  readonly version: number;
  readonly hash: string;
  readonly updatedAt: Date;
}

/** What is kept beside a head. */
interface Kept {
  readonly summary: unknown;
  readonly mac: string | null;
  readonly macKey: string | null;
}

const NOTHING: Kept = { summary: null, mac: null, macKey: null };

export async function readHeads(db: Db, keyring: Keyring, prefix: string, after: string | null): Promise<Heads> {
  const changed = after === null ? null : await changedSince(db, prefix, after);
  // A mark below ours means another database (restored, replaced): then everything is new.
  if (changed !== null && after !== null && BigInt(changed.mark) >= BigInt(after))
    return { mark: changed.mark, all: false, heads: await believed(changed.rows, keyring) };
  const { mark, rows } = await rowsOf(db, "all", [prefix]);
  return { mark, all: true, heads: await believed(rows, keyring) };
}

async function changedSince(db: Db, prefix: string, after: string) {
  const few = await rowsOf(db, "few", [after]);
  if (few.rows.length === FEW) return rowsOf(db, "changed", [prefix, after]);
  const rows = few.rows.filter(({ id, version }) => id?.startsWith(prefix) && version > 0);
  return { mark: few.mark, rows: rows.length === 0 ? [] : await withSummaries(db, rows) };
}

/** A summary of another head, kept by a process that saw more or less, is none. */
async function withSummaries(db: Db, heads: readonly Row[]): Promise<readonly Row[]> {
  const { rows } = await asked<Row & { readonly stream: string }>(db, "summaries", [heads.map(({ id }) => id)]);
  return heads.map((head) => {
    const of = rows.find(
      ({ stream, version, hash }) => stream === head.id && version === head.version && hash === head.hash,
    );
    return { ...head, ...(of === undefined ? NOTHING : { summary: of.summary, mac: of.mac, macKey: of.macKey }) };
  });
}

async function rowsOf(db: Db, query: keyof typeof QUERIES, values: unknown[]) {
  const { rows } = await asked<Row>(db, query, values);
  const [first] = rows;
  if (first === undefined) throw new Error("PostgreSQL answered a question with nothing");
  return { mark: first.mark, rows };
}

const asked = <R extends pg.QueryResultRow>(db: Db, query: keyof typeof QUERIES, values: unknown[]) =>
  db.query<R>({ name: `lifeboat-heads-${query}`, text: QUERIES[query], values });

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
