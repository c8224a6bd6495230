import type { Pool } from "pg";

/** What is kept for one holder. The two secrets are ciphertext here; nobody in this room can read them. */
export interface ProofRow {
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

export interface Proofs {
  /** Those of them who have something confirmed. */
  confirmed(holders: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Locks the rows of these holders (blank ones where there are none), hands them over with the database's clock, and keeps
   * what comes back: two tries at once are two tries, one after the other.
   */
  change<T>(
    holders: readonly string[],
    decide: (rows: ReadonlyMap<string, ProofRow>, now: Date) => Changed<T>,
  ): Promise<T>;
  /** Takes away everything a holder proves with. */
  forget(holder: string): Promise<boolean>;
}

export interface Changed<T> {
  readonly rows: ReadonlyMap<string, ProofRow>;
  readonly value: T;
}

export function createProofs(pool: Pool): Proofs {
  return {
    async confirmed(holders) {
      const sql = "select holder from lifeboat.proof where holder = any($1) and secret is not null";
      const { rows } = await pool.query<{ holder: string }>(sql, [holders]);
      return new Set(rows.map(({ holder }) => holder));
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
        await client.query(
          "insert into lifeboat.proof (holder) select unnest($1::text[]) on conflict (holder) do nothing",
          [[...holders].sort()],
        );
        const { rows } = await client.query<ProofRow & { holder: string; lastStep: string }>(LOCK, [holders]);
        const clock = await client.query<{ now: Date }>("select clock_timestamp() as now");
        const known = new Map(rows.map(({ holder, ...row }) => [holder, { ...row, lastStep: Number(row.lastStep) }]));
        const { rows: changed, value } = decide(known, clock.rows[0]?.now ?? new Date(0));
        for (const [holder, row] of changed) await client.query(KEEP, [holder, ...valuesOf(row)]);
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

    async forget(holder) {
      const { rowCount } = await pool.query("delete from lifeboat.proof where holder = $1", [holder]);
      return (rowCount ?? 0) > 0;
    },
  };
}

function valuesOf(row: ProofRow): unknown[] {
  const { secret, pending, pendingAt, lastStep, lastKey, failures, lockedUntil, enrolledAt, vouchedBy } = row;
  return [secret, pending, pendingAt, lastStep, lastKey, failures, lockedUntil, enrolledAt, vouchedBy];
}

/** In one order, so that two who lock several never wait for each other. */
const LOCK = `
  select holder, secret, pending, pending_at as "pendingAt", last_step as "lastStep", last_key as "lastKey", failures,
    locked_until as "lockedUntil", enrolled_at as "enrolledAt", vouched_by as "vouchedBy"
  from lifeboat.proof where holder = any($1) order by holder for update`;

const KEEP = `
  update lifeboat.proof set secret = $2, pending = $3, pending_at = $4, last_step = $5, last_key = $6, failures = $7,
    locked_until = $8, enrolled_at = $9, vouched_by = $10
  where holder = $1`;
