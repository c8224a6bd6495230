import pg from "pg";
import { withDeadline } from "../lib/deadline.ts";
import { assertAppendOnly } from "./database.ts";
import { pendingMigrations } from "./migrate.ts";
import { clientClassFor } from "./primary.ts";

/** A store as it is found, by its URL and without changing anything. */
export interface StoreInspection {
  /** `server_version`: `18.1`. */
  readonly server: string;
  readonly roundTripSeconds: number;
  readonly readOnly: boolean;
  /** The database's clock against this machine's, seconds; positive: the database is ahead. */
  readonly clockAheadSeconds: number;
  /** Files of `migrations/` that are not applied. */
  readonly pending: readonly string[];
  /** Null: the login can only add to the record. */
  readonly login: Error | null;
}

const SECONDS = 5;

/** @throws when it does not answer within 5 s, or refuses the login */
export async function inspectStore(url: string): Promise<StoreInspection> {
  const pool = new pg.Pool({
    connectionString: url,
    Client: clientClassFor(url),
    application_name: "lifeboat-doctor",
    connectionTimeoutMillis: SECONDS * 1000,
    max: 1,
  });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  try {
    return await withDeadline("The store", SECONDS, () => inspected(pool));
  } finally {
    // A server that is silent would keep it waiting for ever.
    void pool.end().catch(() => {});
  }
}

async function inspected(pool: pg.Pool): Promise<StoreInspection> {
  await pool.query("select 1");
  const askedAt = Date.now();
  const began = performance.now();
  const { rows } = await pool.query<{ server: string; readOnly: boolean; now: Date }>(
    `select current_setting('server_version') as server, current_setting('transaction_read_only')::bool as "readOnly",
            clock_timestamp() as now`,
  );
  const roundTripSeconds = (performance.now() - began) / 1000;
  const [seen] = rows;
  if (seen === undefined) throw new Error("PostgreSQL answered a question with nothing");
  const pending = await pendingMigrations(pool);
  return {
    server: seen.server,
    roundTripSeconds,
    readOnly: seen.readOnly,
    clockAheadSeconds: (seen.now.getTime() - askedAt) / 1000 - roundTripSeconds / 2,
    pending,
    // Before the schema is there no one has any rights on it.
    login: pending.length > 0 ? null : await assertAppendOnly(pool).then(() => null, asError),
  };
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
