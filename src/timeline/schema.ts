import type pg from "pg";

/**
 * The schema as PostgreSQL itself describes it, in one fixed order: the source of `schema.sql`, which is committed so that
 * a reader sees the tables and a reviewer sees what a migration changes.
 */
export async function dumpSchema(client: pg.Client): Promise<string> {
  const parts = [];
  for (const [title, sql] of Object.entries(questions)) {
    const { rows } = await client.query<{ line: string }>(sql);
    parts.push(`-- ${title}\n${rows.map((row) => row.line).join("\n")}\n`);
  }
  return `-- Made from the migrations by test/timeline/schema.test.ts (UPDATE_PAGES=1); not applied by anything.\n\n${parts.join("\n")}`;
}

const relations = "pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'lifeboat'";

const questions = {
  tables: `
    select 'create table lifeboat.' || c.relname || E' (\\n' || string_agg('  ' || a.attname || ' '
        || format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
        || case when a.attidentity <> '' then ' generated always as identity'
                when d.oid is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end,
        E',\\n' order by a.attnum) || E'\\n);' as line
      from ${relations} join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     where c.relkind = 'r' group by c.relname order by c.relname`,
  constraints: `
    select 'alter table lifeboat.' || c.relname || ' add constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid) || ';' as line
      from ${relations} join pg_constraint k on k.conrelid = c.oid where k.contype <> 'n' order by c.relname, k.conname`,
  indexes: `
    select pg_get_indexdef(i.indexrelid) || ';' as line
      from pg_index i join ${relations} on c.oid = i.indexrelid
     where not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
     order by c.relname`,
  sequences: `
    select 'create sequence lifeboat.' || c.relname || ' as ' || format_type(s.seqtypid, null)
        || case when s.seqcycle then ' cycle' else '' end || ';' as line
      from ${relations} join pg_sequence s on s.seqrelid = c.oid
     where not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'i') order by c.relname`,
  functions: `
    select pg_get_functiondef(p.oid) || ';' as line
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'lifeboat' order by p.proname`,
  triggers: `
    select pg_get_triggerdef(t.oid) || ';' as line
      from ${relations} join pg_trigger t on t.tgrelid = c.oid where not t.tgisinternal order by c.relname, t.tgname`,
  grants: `
    select 'grant ' || string_agg(lower(g.privilege_type), ', ' order by g.privilege_type) || ' on lifeboat.' || c.relname
        || ' to lifeboat_app;' as line
      from ${relations}, aclexplode(c.relacl) g
     where g.grantee = 'lifeboat_app'::regrole group by c.relname order by c.relname`,
};
