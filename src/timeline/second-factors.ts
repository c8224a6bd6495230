import type pg from "pg";
import { LifeboatError, type Problem } from "../lib/errors.ts";
import type { Keyring } from "./keys.ts";

/** What is kept for one holder. The two secrets are ciphertext here; no one in this room can read them. */
export interface SecondFactorRow {
  readonly secret: Buffer | null;
  readonly pending: Buffer | null;
  readonly pendingAt: Date | null;
  readonly lastStep: number;
  readonly lastKey: string | null;
  readonly failures: number;
  readonly lockedUntil: Date | null;
  /** Since when it has something to prove with; replacing it with a code of the one before changes nothing. */
  readonly enrolledAt: Date | null;
  /** The holder who said that it is really them, or null. */
  readonly vouchedBy: string | null;
}

export interface SecondFactors {
  /** Those of them who have something confirmed. */
  confirmed(holders: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Locks these holders, hands over the newest entry of each (blank where there is none) with the store's clock and real time, and
   * appends what comes back changed: two tries at once are two tries, one after the other.
   */
  change<T>(
    holders: readonly string[],
    decide: (rows: ReadonlyMap<string, SecondFactorRow>, now: Date, realNow: Date) => Changed<T>,
  ): Promise<T>;
  /** Takes away everything a holder proves with: an entry that says so. */
  forget(holder: string): Promise<boolean>;
}

export interface Changed<T> {
  readonly rows: ReadonlyMap<string, SecondFactorRow>;
  readonly value: T;
}

type Db = Pick<pg.Pool, "query">;

const blank: SecondFactorRow = {
  secret: null,
  pending: null,
  pendingAt: null,
  lastStep: -1,
  lastKey: null,
  failures: 0,
  lockedUntil: null,
  enrolledAt: null,
  vouchedBy: null,
};

/** Entries no one with a key wrote are looked past, so far; where more of them lie on top, nothing is proved. */
const LOOKED_AT = 50;

const COLUMNS = `e.holder, e.version, e.secret, e.pending, e.pending_at as "pendingAt", e.last_step as "lastStep",
         e.last_key as "lastKey", e.failures, e.locked_until as "lockedUntil", e.enrolled_at as "enrolledAt",
         e.vouched_by as "vouchedBy", e.mac, e.mac_key as "macKey"`;

const NEWEST = `
  select ${COLUMNS}
    from unnest($1::text[]) h(holder)
    cross join lateral (select * from lifeboat.proof_entry p where p.holder = h.holder order by version desc limit ${LOOKED_AT}) e
   order by e.holder, e.version desc`;

const APPEND = `
  insert into lifeboat.proof_entry (holder, version, secret, pending, pending_at, last_step, last_key, failures, locked_until,
    enrolled_at, vouched_by, mac, mac_key) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`;

interface Entry extends SecondFactorRow {
  readonly holder: string;
  readonly version: number;
  readonly mac: string;
  readonly macKey: string;
}

/** The newest of a holder's entries that a process with a key wrote, and the number the next one gets. */
interface Newest {
  readonly row: SecondFactorRow;
  readonly next: number;
}

/** `practice`: the store's clock may be moved there. Elsewhere what is new has aged by real time, whatever its owner has made of that clock. */
export function createSecondFactors(pool: pg.Pool, keyring: Keyring, practice = true): SecondFactors {
  const proofs: SecondFactors = {
    async confirmed(holders) {
      const newest = await newestOf(pool, keyring, holders);
      return new Set([...newest].flatMap(([holder, { row }]) => (row.secret === null ? [] : [holder])));
    },

    async change(holders, decide) {
      const client = await pool.connect();
      let broken: Error | undefined;
      const note = (error: Error) => {
        broken = error;
      };
      client.on("error", note);
      try {
        await client.query("begin");
        // In one order, so that two who lock several never wait for each other.
        for (const holder of [...new Set(holders)].sort())
          await client.query("select pg_advisory_xact_lock(hashtextextended('lifeboat.proof/' || $1, 0))", [holder]);
        const newest = await newestOf(client, keyring, holders);
        const clock = await client.query<{ now: Date; real: Date }>(
          `select ${practice ? "lifeboat.clock()" : "pg_catalog.clock_timestamp()"} as now, pg_catalog.clock_timestamp() as real`,
        );
        const known = new Map([...newest].map(([holder, { row }]) => [holder, row]));
        const { rows: changed, value } = decide(
          known,
          clock.rows[0]?.now ?? new Date(0),
          clock.rows[0]?.real ?? new Date(0),
        );
        for (const [holder, row] of changed) {
          const { row: before, next } = newest.get(holder) ?? { row: blank, next: 1 };
          if (!isSame(before, row)) await append(client, keyring, holder, next, row);
        }
        await client.query("commit");
        return value;
      } catch (error) {
        await client.query("rollback").catch(note);
        throw error;
      } finally {
        client.off("error", note);
        client.release(broken);
      }
    },

    forget: (holder) =>
      proofs.change([holder], (rows) => {
        const row = rows.get(holder) ?? blank;
        return { rows: new Map([[holder, blank]]), value: row.secret !== null || row.pending !== null };
      }),
  };
  return proofs;
}

async function newestOf(db: Db, keyring: Keyring, holders: readonly string[]): Promise<Map<string, Newest>> {
  const { rows } = await db.query<Entry & { lastStep: string }>(NEWEST, [[...new Set(holders)]]);
  const found = new Map<string, Newest>(holders.map((holder) => [holder, { row: blank, next: 1 }]));
  for (const holder of found.keys()) {
    const own = rows.filter((row) => row.holder === holder).map((row) => ({ ...row, lastStep: Number(row.lastStep) }));
    const newest = own.find((entry) => keyring.sealed("proof", saidBy(entry), entry.macKey, entry.mac));
    if (own.length > 0 && newest === undefined) throw new LifeboatError(notOurs(holder));
    found.set(holder, { row: newest ? rowOf(newest) : blank, next: (own[0]?.version ?? 0) + 1 });
  }
  return found;
}

/** Entries that no process with a key wrote, oldest first. */
export async function strangeEntries(db: Db, keyring: Keyring): Promise<readonly Pick<Entry, "holder" | "version">[]> {
  const { rows } = await db.query<Entry & { lastStep: string }>(
    `select ${COLUMNS} from lifeboat.proof_entry e order by e.holder, e.version`,
  );
  return rows
    .map((row) => ({ ...row, lastStep: Number(row.lastStep) }))
    .filter((entry) => !keyring.sealed("proof", saidBy(entry), entry.macKey, entry.mac));
}

async function append(db: Db, keyring: Keyring, holder: string, version: number, row: SecondFactorRow): Promise<void> {
  const { mac, macKey } = keyring.seal("proof", saidBy({ ...row, holder, version }));
  const { secret, pending, pendingAt, lastStep, lastKey, failures, lockedUntil, enrolledAt, vouchedBy } = row;
  const values = [secret, pending, pendingAt, lastStep, lastKey, failures, lockedUntil, enrolledAt, vouchedBy];
  await db.query(APPEND, [holder, version, ...values, mac, macKey]);
}

/** Fails closed: the one who has no readable entry would else be free to enroll again. */
function notOurs(holder: string): Problem {
  return {
    code: "proof-not-authentic",
    where: holder,
    what: "What this person proves with was not written by Lifeboat, or with a key that isn't given here",
    stateNow: "Nothing is proved with it",
    next: "Check LIFEBOAT_EVENT_KEYS on the bot: a key in use before has to stay in the list",
  };
}

/** In the migration's own transaction, as the owner: what stands in the table of before is each holder's first entry. */
export async function sealSecondFactors(db: Db, keyring: Keyring): Promise<void> {
  const { rows } = await db.query<SecondFactorRow & { holder: string; lastStep: string }>(
    `select holder, secret, pending, pending_at as "pendingAt", last_step as "lastStep", last_key as "lastKey", failures,
            locked_until as "lockedUntil", enrolled_at as "enrolledAt", vouched_by as "vouchedBy" from lifeboat.proof`,
  );
  for (const { holder, ...row } of rows)
    await append(db, keyring, holder, 1, { ...row, lastStep: Number(row.lastStep) });
}

function rowOf({ holder: _, version: __, mac: ___, macKey: ____, ...row }: Entry): SecondFactorRow {
  return row;
}

/** What the HMAC is over. */
function saidBy({ holder, version, ...row }: SecondFactorRow & { holder: string; version: number }) {
  return { holder, version, ...plain(row) };
}

function plain(row: SecondFactorRow) {
  return {
    secret: row.secret?.toString("base64") ?? null,
    pending: row.pending?.toString("base64") ?? null,
    pendingAt: row.pendingAt?.toISOString() ?? null,
    lastStep: row.lastStep,
    lastKey: row.lastKey,
    failures: row.failures,
    lockedUntil: row.lockedUntil?.toISOString() ?? null,
    enrolledAt: row.enrolledAt?.toISOString() ?? null,
    vouchedBy: row.vouchedBy,
  };
}

function isSame(one: SecondFactorRow, other: SecondFactorRow): boolean {
  return JSON.stringify(plain(one)) === JSON.stringify(plain(other));
}
