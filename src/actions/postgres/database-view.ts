import type { ReadContext } from "../contract.ts";
import { asNoAnswer, type NoAnswer, OUR_SESSIONS, withNode } from "./client.ts";
import type { Node } from "./node.ts";

/** One database of a server as it looks now, for what replaces or copies its content. Plain JSON. */
export type DatabaseView =
  | ({ readonly answers: false; readonly name: string } & NoAnswer)
  | {
      readonly answers: true;
      readonly name: string;
      readonly recovering: boolean;
      readonly readOnly: boolean;
      /** 15 of 15.18. */
      readonly major: number;
      readonly bytes: number;
      /** Ordinary and partitioned tables of its own, by schema and name, with their object ids. */
      readonly tables: Readonly<Record<string, number>>;
      /** Client sessions in this database that are neither ours nor PostgreSQL's programs'. */
      readonly sessions: number;
      /** A pg_restore is at work in it. */
      readonly restoring: boolean;
      readonly owned: boolean;
    };

const LOOK = `
select pg_is_in_recovery() as recovering,
  current_setting('default_transaction_read_only') = 'on' as read_only,
  current_setting('server_version_num')::int / 10000 as major,
  pg_database_size(current_database())::float8 as bytes,
  (select coalesce(jsonb_object_agg(n.nspname || '.' || c.relname, c.oid::bigint), '{}') from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema') as tables,
  (select count(*)::int from pg_stat_activity where datname = current_database() and backend_type = 'client backend'
    and pid <> pg_backend_pid() and application_name not in ('${OUR_SESSIONS}', 'pg_restore', 'pg_dump')) as sessions,
  exists (select from pg_stat_activity where datname = current_database() and application_name = 'pg_restore') as restoring,
  (select pg_has_role(datdba, 'usage') from pg_database where datname = current_database()) as owned`;

interface Row {
  recovering: boolean;
  read_only: boolean;
  major: number;
  bytes: number;
  tables: Record<string, number>;
  sessions: number;
  restoring: boolean;
  owned: boolean;
}

/** That it does not answer is an observation. */
export async function lookAtDatabase(ctx: ReadContext, node: Node): Promise<DatabaseView> {
  const name = `${node.name}/${node.database}`;
  try {
    const [row] = await withNode(ctx, node, (db) => db.query<Row>(LOOK));
    if (!row) return { answers: false, name, kind: "refused", why: "it described nothing" };
    const { recovering, read_only: readOnly, ...rest } = row;
    return { answers: true, name, recovering, readOnly, ...rest };
  } catch (error) {
    return { answers: false, name, ...asNoAnswer(error) };
  }
}

/** Exact, of the tables named. */
export async function countRows(
  ctx: ReadContext,
  node: Node,
  tables: readonly string[],
): Promise<Record<string, number | null>> {
  return await withNode(
    ctx,
    node,
    async (db) => {
      const counts: Record<string, number | null> = {};
      for (const table of tables) {
        const [found] = await db.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
          quoted(table),
        ]);
        const [row] = found?.there
          ? await db.query<{ n: number }>(`select count(*)::float8 as n from ${quoted(table)}`)
          : [];
        counts[table] = row?.n ?? null;
      }
      return counts;
    },
    300,
  );
}

/** `public.orders` as SQL may name it, whatever is in it. */
export function quoted(table: string): string {
  const [schema = "", ...rest] = table.split(".");
  return [schema, rest.join(".")].map((part) => `"${part.replaceAll('"', '""')}"`).join(".");
}
