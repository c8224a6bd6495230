import type pg from "pg";
import type { Seals } from "./authentic.ts";
import { noSeals } from "./authentic.ts";
import type { Keyring, Signed } from "./keys.ts";

/** What was true of every stream when events began to be authenticated. */
export interface SealStatement {
  readonly statement: "lifeboat/seal/1";
  readonly at: string;
  /** Events below these heads. */
  readonly events: number;
  readonly streams: readonly { readonly stream: string; readonly version: number; readonly hash: string }[];
}

export interface HeadStatement {
  readonly statement: "lifeboat/head/1";
  readonly stream: string;
  readonly version: number;
  readonly hash: string;
  /** When it was signed, by the database's clock. */
  readonly at: string;
}

/** An operator's word that a store which is not what was seen before is the record from now on. */
export interface AcceptanceStatement {
  readonly statement: "lifeboat/acceptance/1";
  readonly at: string;
  readonly by: string;
  readonly reason: string;
  /** Once only: it excuses what happened before it, never the same thing again. */
  readonly nonce: string;
  /** Every stream as it is accepted. */
  readonly streams: readonly { readonly stream: string; readonly version: number; readonly hash: string }[];
  /** Where that is not what was seen on the host it was given on. */
  readonly differs: readonly string[];
}

export type Statement = SealStatement | HeadStatement | AcceptanceStatement;

interface Queryable {
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

export interface StoredStatement extends Signed {
  readonly id: string;
  readonly statement: Statement;
}

/** Signs and keeps a statement. False: there is no key to sign with. */
export async function keepStatement(db: Queryable, keyring: Keyring, statement: Statement): Promise<boolean> {
  const signed = keyring.sign(statement);
  if (signed === null) return false;
  const kind = kindOf(statement);
  const [stream, version] = "version" in statement ? [statement.stream, statement.version] : [null, null];
  await db.query(
    `insert into lifeboat.signed_statement (kind, stream, version, statement, key, signature) values ($1, $2, $3, $4, $5, $6)`,
    [kind, stream, version, signed.text, signed.key, signed.signature],
  );
  return true;
}

function kindOf({ statement }: Statement): "seal" | "head" | "acceptance" {
  return statement.split("/")[1] as "seal" | "head" | "acceptance";
}

/** Statements of a kind, oldest first, with those left out whose signature does not hold or that say another kind. */
export async function statementsOf<K extends "seal" | "head" | "acceptance">(
  db: Queryable,
  keyring: Keyring,
  kind: K,
  stream: string | null = null,
): Promise<{
  good: (StoredStatement & { statement: Extract<Statement, { statement: `lifeboat/${K}/1` }> })[];
  bad: StoredRow[];
}> {
  const { rows } = await db.query<StoredRow>(
    `select id, stream, statement as text, key, signature from lifeboat.signed_statement
      where kind = $1 and ($2::text is null or stream = $2) order by id`,
    [kind, stream],
  );
  const good = [];
  const bad: StoredRow[] = [];
  for (const row of rows) {
    const statement = keyring.signatureHolds(row) ? (JSON.parse(row.text) as Statement) : null;
    if (statement === null || kindOf(statement) !== kind) bad.push(row);
    else good.push({ ...row, statement: statement as Extract<Statement, { statement: `lifeboat/${K}/1` }> });
  }
  return { good, bad };
}

export interface StoredRow extends Signed {
  readonly id: string;
  readonly stream: string | null;
}

/** The seal the migration made. A second one would be no one's: only the first counts. */
export async function readSeals(db: Queryable, keyring: Keyring): Promise<Seals> {
  const { good } = await statementsOf(db, keyring, "seal");
  const seal = good[0]?.statement;
  if (seal === undefined) return noSeals;
  return {
    heads: new Map(seal.streams.map(({ stream, version, hash }) => [stream, { version, hash }])),
    events: seal.events,
  };
}

/** In the migration's own transaction, as the owner: what was written before is what stands here now. */
export async function sealAll(db: Queryable, keyring: Keyring): Promise<void> {
  const heads = await db.query<{ stream: string; version: number; hash: string }>(
    `select id as stream, version, head_hash as hash from lifeboat.stream where version > 0 order by id collate "C"`,
  );
  const { rows } = await db.query<{ at: Date; events: number }>(
    "select clock_timestamp() as at, (select count(*)::int from lifeboat.event) as events",
  );
  const [found] = rows;
  if (found === undefined) throw new Error("PostgreSQL answered a question with nothing");
  const statement: SealStatement = {
    statement: "lifeboat/seal/1",
    at: found.at.toISOString(),
    events: found.events,
    streams: heads.rows,
  };
  await keepStatement(db, keyring, statement);
}
