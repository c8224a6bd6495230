import pg from "pg";
import { LifeboatError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Seals } from "./authentic.ts";
import type { Verification } from "./contract.ts";
import { openEmbedded } from "./embedded.ts";
import { type Difference, differences } from "./guard.ts";
import { type Keyring, keptKeys, openKeyring } from "./keys.ts";
import { openKnownHeads } from "./known-heads.ts";
import { type StoreOptions, stateFolderOf } from "./open.ts";
import { clientClassFor } from "./primary.ts";
import {
  type AcceptanceStatement,
  type HeadStatement,
  keepStatement,
  readSeals,
  type StoredStatement,
  statementsOf,
} from "./statements.ts";
import { seenHere, verifyChains, type Witness, witnessOf } from "./verify.ts";

export type AuditOptions = Pick<StoreOptions, "databaseUrl" | "dataFolder" | "stateFolder" | "keys" | "log">;

/** The store as an auditor reads it: with any login that may read, no right to write, and whatever keys are given. */
export interface Audit {
  readonly keyring: Keyring;
  readonly pool: pg.Pool;
  readonly seals: Seals;
  verify(only: string | undefined, kept: readonly StoredHead[]): Promise<Verification>;
  /** Newest signed head of each stream, to be kept away from the store. */
  heads(): Promise<readonly StoredHead[]>;
  acceptances(): Promise<readonly AcceptanceStatement[]>;
  /** What differs from what this host has seen. */
  differences(): Promise<readonly Difference[]>;
  close(): Promise<void>;
}

/** A signed head as it is exported: the statement's text, the id of the key and the signature. */
export type StoredHead = Pick<StoredStatement, "text" | "key" | "signature">;

export async function openAudit(options: AuditOptions): Promise<Audit> {
  const { dataFolder, log } = options;
  const keys = options.keys ?? (await keptKeys(dataFolder)) ?? { events: [], signing: null, verifying: [] };
  const keyring = openKeyring(keys);
  const known = await openKnownHeads(stateFolderOf(options), log);
  const embedded = options.databaseUrl === undefined ? await openEmbedded(dataFolder, log) : null;
  const name = newId("lifeboat-audit", 6);
  const pool = new pg.Pool({
    connectionString: options.databaseUrl ?? embedded?.url,
    application_name: name,
    connectionTimeoutMillis: 5_000,
    options: "-c default_transaction_read_only=on",
    ...{ pipeline: true },
    Client: clientClassFor(options.databaseUrl ?? ""),
    max: 2,
  });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const close = async () => {
    await pool.end();
    await embedded?.leave(name);
  };
  try {
    await assertMigrated(pool);
    const seals = await readSeals(pool, keyring);
    return {
      keyring,
      pool,
      seals,
      verify: async (only, kept) =>
        verifyChains(
          pool,
          { keyring, seals },
          { only, witnesses: [...seenHere(known.all()), ...keptElsewhere(keyring, kept)] },
        ),
      heads: async () => {
        const newest = new Map<string, StoredHead>();
        for (const { statement, text, key, signature } of (await statementsOf(pool, keyring, "head")).good)
          newest.set(statement.stream, { text, key, signature });
        return [...newest.values()];
      },
      acceptances: async () => (await statementsOf(pool, keyring, "acceptance")).good.map(({ statement }) => statement),
      differences: () => differences(pool, known.all()),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws LifeboatError `head-not-signed` for one whose signature doesn't hold: it would prove nothing */
function keptElsewhere(keyring: Keyring, kept: readonly StoredHead[]): Witness[] {
  return kept.map((head) => {
    if (keyring.signatureHolds(head)) return witnessOf(JSON.parse(head.text) as HeadStatement);
    throw new LifeboatError({
      code: "head-not-signed",
      what: `A head that was kept isn't signed by a key that is given here (its key is ${head.key})`,
      next: "Give the public key in LIFEBOAT_VERIFY_KEYS",
    });
  });
}

async function assertMigrated(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ there: boolean }>(
    "select exists (select from information_schema.columns where table_schema = 'lifeboat' and table_name = 'event' and column_name = 'mac') as there",
  );
  if (rows[0]?.there) return;
  throw new LifeboatError({
    code: "store-not-migrated",
    where: "DATABASE_URL",
    what: "This store has no timeline, or one of a version before events were authenticated; or this login may not read it",
    next: "Start this version's bot on it once, or use a login that may read the schema lifeboat",
  });
}

/**
 * An operator accepts the store as it is now, whatever was seen before: signed, kept in the store, and taken up by every
 * process that holds it in doubt. `pool`: as the application.
 */
export async function acceptStore(
  pool: pg.Pool,
  keyring: Keyring,
  given: { readonly by: string; readonly reason: string; readonly differs: readonly string[] },
): Promise<void> {
  const { rows } = await pool.query<{ stream: string; version: number; hash: string }>(
    `select id as stream, version, head_hash as hash from lifeboat.stream where version > 0 order by id collate "C"`,
  );
  const clock = await pool.query<{ at: Date }>("select lifeboat.clock() as at");
  const statement: AcceptanceStatement = {
    statement: "lifeboat/acceptance/1",
    at: (clock.rows[0]?.at ?? new Date()).toISOString(),
    ...given,
    nonce: newId("acc", 16),
    streams: rows,
  };
  if (await keepStatement(pool, keyring, statement)) return;
  throw new LifeboatError({
    code: "record-key-missing",
    where: "LIFEBOAT_SIGNING_KEY",
    what: "There is no key to sign the acceptance with",
    next: "Run this with the bot's settings",
  });
}
