import type { ReadContext } from "../contract.ts";
import { type Database, withNode } from "./client.ts";
import { quoted } from "./database-view.ts";
import type { Node } from "./node.ts";

/** A table to compare, by the columns that tell its rows apart. */
export interface ComparedTable {
  /** `public.orders` */
  readonly table: string;
  readonly key: readonly string[];
  /** When a row was written last; with it only rows since `from` are compared, and newer versions are found too. */
  readonly changed?: string | undefined;
}

/** One row that only the old primary holds, or holds a newer version of. One line of the file. */
export interface DivergentRow {
  readonly table: string;
  readonly kind: "absent" | "newer";
  readonly row: unknown;
  /** What the other server has in its place; null where it has none. */
  readonly there: unknown;
}

const BATCH = 1000;
/** Each statement, on tables of any size. */
const STATEMENT_SECONDS = 3600;

/**
 * Reads rows of `from` in the order of their key and asks `to` for the same keys, a thousand at a time; both sides in
 * read-only transactions. Deleted rows can't be told from rows that were never there, so they are not found.
 *
 * @param since only rows whose `changed` is not before this moment; tables without `changed` are compared whole
 * @param keep called for each divergent row, in order
 */
export async function compare(
  ctx: ReadContext,
  { from, to }: { readonly from: Node; readonly to: Node },
  compared: ComparedTable,
  since: string,
  keep: (row: DivergentRow) => Promise<void>,
): Promise<{ readonly rows: number }> {
  const read = async (old: Database, now: Database) => {
    for (const db of [old, now]) {
      await db.query("set idle_in_transaction_session_timeout = 0");
      await db.query("begin isolation level repeatable read read only");
    }
    const types = await keyTypes(old, compared);
    await old.query(`declare divergence no scroll cursor for ${selectOld(compared)}`, compared.changed ? [since] : []);
    const ask = selectThere(compared, types);
    let rows = 0;
    for (;;) {
      ctx.signal.throwIfAborted();
      const batch = await old.query<OldRow>(`fetch ${BATCH} from divergence`);
      if (batch.length === 0) return { rows };
      rows += batch.length;
      const keys = compared.key.map((_, column) => batch.map(({ key }) => key[column] ?? null));
      const found = await now.query<{ key: (string | null)[]; row: unknown; changed: string | null }>(ask, keys);
      const there = new Map(found.map((one) => [JSON.stringify(one.key), one]));
      for (const one of batch) {
        const other = there.get(JSON.stringify(one.key));
        if (!other) await keep({ table: compared.table, kind: "absent", row: one.row, there: null });
        else if (isNewer(one.changed, other.changed))
          await keep({ table: compared.table, kind: "newer", row: one.row, there: other.row });
      }
    }
  };
  return await withNode(
    ctx,
    from,
    (old) => withNode(ctx, to, (now) => read(old, now), STATEMENT_SECONDS),
    STATEMENT_SECONDS,
  );
}

interface OldRow {
  readonly key: (string | null)[];
  readonly row: unknown;
  readonly changed: string | null;
}

const column = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** The key as text, so that one server's answer can be found in the other's. */
function columnsOf({ key, changed }: ComparedTable, table: string): string {
  const texts = key.map((name) => `${table}.${column(name)}::text`).join(", ");
  // Microseconds since 1970 as a number: text of a timestamp depends on each server's time zone.
  const at =
    changed === undefined ? "null" : `(extract(epoch from ${table}.${column(changed)}) * 1000000)::bigint::text`;
  return `array[${texts}] as key, to_jsonb(${table}) as row, ${at} as changed`;
}

function selectOld(compared: ComparedTable): string {
  const { table, key, changed } = compared;
  const since = changed === undefined ? "" : ` where old.${column(changed)} >= $1`;
  return `select ${columnsOf(compared, "old")} from ${quoted(table)} old${since} order by ${key.map((name) => `old.${column(name)}`).join(", ")}`;
}

function selectThere(compared: ComparedTable, types: readonly string[]): string {
  const { table, key } = compared;
  const given = types.map((type, i) => `$${i + 1}::${type}[]`).join(", ");
  const names = key.map((_, i) => `k${i}`);
  const same = key.map((name, i) => `now.${column(name)} = wanted.k${i}`).join(" and ");
  return `select ${columnsOf(compared, "now")} from unnest(${given}) wanted(${names.join(", ")}) join ${quoted(table)} now on ${same}`;
}

async function keyTypes(db: Database, { table, key }: ComparedTable): Promise<readonly string[]> {
  const rows = await db.query<{ name: string; type: string }>(
    `select attname::text as name, format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname = any($2)`,
    [quoted(table), key],
  );
  return key.map((name) => {
    const found = rows.find((row) => row.name === name);
    if (!found) throw new TypeError(`${table} has no column ${name}`);
    return found.type;
  });
}

function isNewer(old: string | null, now: string | null): boolean {
  return old !== null && now !== null && BigInt(old) > BigInt(now);
}

/** What two servers say of the tables that are to be compared: the first thing that is not as it has to be, or null. */
export async function tableProblem(db: Database, { table, key, changed }: ComparedTable): Promise<string | null> {
  const name = quoted(table);
  const [found] = await db.query<{ there: boolean }>("select to_regclass($1) is not null as there", [name]);
  if (!found?.there) return `there is no table ${table}`;
  const [row] = await db.query<{ may: boolean; has: string[]; times: string[]; unique: boolean }>(
    `select has_table_privilege($1, 'select') as may,
       array(select attname::text from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped) as has,
       array(select attname::text from pg_attribute where attrelid = $1::regclass and attnum > 0
         and atttypid in ('timestamptz'::regtype, 'timestamp'::regtype)) as times,
       exists (select from pg_index where indrelid = $1::regclass and indisunique and indpred is null
         and (select array_agg(attname::text order by attname::text) from pg_attribute
               where attrelid = indrelid and attnum = any(indkey[0:indnkeyatts - 1]))
           = (select array_agg(one order by one) from unnest($2::text[]) one)) as unique`,
    [name, key],
  );
  const lacks = [...key, ...(changed === undefined ? [] : [changed])].find((one) => !row?.has.includes(one));
  if (lacks !== undefined) return `${table} has no column ${lacks}`;
  if (changed !== undefined && !row?.times.includes(changed)) return `${changed} of ${table} is no timestamp`;
  if (!row?.may) return `the login may not read ${table}. Grant select on it`;
  return row.unique ? null : `${key.join(", ")} is not a unique key of ${table}`;
}
