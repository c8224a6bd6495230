import type { Pool } from "pg";

/** One runbook in one mode. */
export interface RunbookMode {
  readonly system: string;
  readonly runbook: string;
  readonly mode: string;
}

export interface LastLook extends RunbookMode {
  /** Of what it was about; null: it was never proven. */
  readonly digest: string | null;
  readonly provenAt: Date | null;
  /** A proof that is older is due. */
  readonly wantedAt: Date | null;
}

/** When each runbook was last proven, shared by all processes of a store; each proof is one process's at a time. */
export interface ReadinessLooks {
  all(): Promise<readonly LastLook[]>;
  /**
   * This caller's for so many seconds: true, unless another has it or has proven it since `seen` was read. A caller that dies lets go of it
   * when the time is over.
   */
  claim(of: RunbookMode, seen: LastLook | undefined, seconds: number): Promise<boolean>;
  /** It was proven now, about this. */
  proven(of: RunbookMode, digest: string): Promise<void>;
  /** Lets go of it unproven. */
  release(of: RunbookMode): Promise<void>;
  /** Proofs of these that are older than `at` are due; null: as of now. */
  want(of: readonly RunbookMode[], at: Date | null): Promise<void>;
}

export function createReadinessLooks(pool: Pool): ReadinessLooks {
  return {
    async all() {
      const { rows } = await pool.query<LastLook>(
        `select system, runbook, mode, digest, proven_at as "provenAt", wanted_at as "wantedAt" from lifeboat.readiness_look`,
      );
      return rows;
    },
    async claim({ system, runbook, mode }, seen, seconds) {
      const { rowCount } = await pool.query(
        `insert into lifeboat.readiness_look as mine (system, runbook, mode, claimed_until)
         values ($1, $2, $3, clock_timestamp() + $4 * interval '1s')
         on conflict (system, runbook, mode) do update set claimed_until = excluded.claimed_until
         where mine.claimed_until <= clock_timestamp()
           and date_trunc('milliseconds', mine.proven_at) is not distinct from $5::timestamptz`,
        [system, runbook, mode, seconds, seen?.provenAt ?? null],
      );
      return rowCount === 1;
    },
    async proven({ system, runbook, mode }, digest) {
      await pool.query(
        `update lifeboat.readiness_look set digest = $4, proven_at = lifeboat.clock(), claimed_until = '-infinity'
         where system = $1 and runbook = $2 and mode = $3`,
        [system, runbook, mode, digest],
      );
    },
    async release({ system, runbook, mode }) {
      await pool.query(
        `update lifeboat.readiness_look set claimed_until = '-infinity' where system = $1 and runbook = $2 and mode = $3`,
        [system, runbook, mode],
      );
    },
    async want(of, at) {
      await pool.query(
        `insert into lifeboat.readiness_look as mine (system, runbook, mode, wanted_at)
         select system, runbook, mode, coalesce($4::timestamptz, lifeboat.clock())
           from unnest($1::text[], $2::text[], $3::text[]) as asked (system, runbook, mode)
         on conflict (system, runbook, mode) do update set wanted_at = greatest(mine.wanted_at, excluded.wanted_at)`,
        [of.map((one) => one.system), of.map((one) => one.runbook), of.map((one) => one.mode), at],
      );
    },
  };
}
