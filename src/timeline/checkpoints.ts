import type pg from "pg";
import type { Head } from "./authentic.ts";
import type { Keyring } from "./keys.ts";
import { type HeadStatement, statementsOf } from "./statements.ts";

/** Heads of all timelines at one moment, and the checkpoint before: what is placed outside the store, as its hash. */
export interface CheckpointStatement {
  readonly statement: "lifeboat/checkpoint/1";
  readonly checkpoint: number;
  /** SHA-256 of the checkpoint before. Null: this is the first. */
  readonly previous: string | null;
  readonly at: string;
  readonly heads: readonly ({ readonly stream: string } & Head)[];
}

/** The newest head of each stream whose signature holds: only a timeline that was verified is signed. In the order of their names. */
export async function signedHeads(pool: pg.Pool, keyring: Keyring): Promise<readonly HeadStatement[]> {
  const newest = new Map<string, HeadStatement>();
  for (const { statement } of (await statementsOf(pool, keyring, "head")).good) {
    const known = newest.get(statement.stream);
    if (known === undefined || known.version < statement.version) newest.set(statement.stream, statement);
  }
  return [...newest.values()].sort((one, other) => (one.stream < other.stream ? -1 : 1));
}
