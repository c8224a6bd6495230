import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import { type ApplyContext, type Check, defineAction } from "../contract.ts";
import { until } from "../poll.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import {
  answers,
  factsOf,
  lookAtPool,
  type Pool,
  type PoolView,
  poolInput,
  resourceOf,
  sayPool,
  withAdmin,
} from "./admin.ts";

const input = z.strictObject({
  pool: poolInput,
  /** How long running transactions may take to end; then the pause is taken back and the step fails. */
  waitSeconds: z.number().positive().max(60).default(10),
});
type Input = z.infer<typeof input>;

/** Holds new transactions back without an error to anyone, once the running ones have ended. */
export const pause = defineAction<Input, PoolView>({
  id: "pgbouncer.pause",
  summary: "Let PgBouncer hold clients back, without errors, until pgbouncer.resume",
  input,
  risk: "reversible",
  service: "interrupts",
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 75 },
  resources: ({ pool }) => [resourceOf(pool)],
  observe: (ctx, { pool }) => lookAtPool(ctx, pool),
  facts: factsOf,
  ready: (seen, { pool }) => [answers(seen, pool), patience(seen, pool)],
  done: (seen) => (!seen.answers ? "unknown" : isHeld(seen) ? "yes" : "no"),
  async apply(ctx, { pool, waitSeconds }) {
    try {
      await withAdmin(ctx, pool, (admin) => admin.run(`PAUSE ${pool.database}`), waitSeconds);
      return {};
    } catch (error) {
      await takeBack(ctx, pool);
      throw error;
    }
  },
  async verify(ctx, { pool }) {
    let last: PoolView | null = null;
    await until(
      {
        what: `${pool.name} holding all clients back from ${pool.database}`,
        seconds: 10,
        everyMilliseconds: 50,
        signal: ctx.signal,
        stateNow: () => sayPool(last),
      },
      async () => {
        last = await lookAtPool(ctx, pool);
        return isHeld(last) ? true : null;
      },
    );
    return {
      says: `${pool.name} holds ${pool.database} back: no transaction is open.`,
      facts: [{ id: "paused", label: "Paused", value: true, material: false }],
    };
  },
  undo: undoneBy((before, { pool }) =>
    before.answers && before.paused
      ? nothing(`${pool.name} was paused before.`)
      : inverse("pgbouncer.resume", { pool }, `Resume ${pool.database} on ${pool.name}`),
  ),
});

/** PgBouncer says "paused" as soon as it was asked to; it is so when no transaction is open any more. */
function isHeld(seen: PoolView): boolean {
  return seen.answers && seen.paused && seen.busy === 0;
}

/** A pause that is still waiting holds new transactions back already. */
async function takeBack(ctx: ApplyContext, pool: Pool): Promise<void> {
  const own = { ...ctx, signal: AbortSignal.timeout(5000) };
  try {
    await withAdmin(own, pool, (admin) => admin.run(`RESUME ${pool.database}`));
    ctx.progress(`${pool.name}: the pause was taken back`);
  } catch (error) {
    ctx.log.warn(
      { event: "action.pause_kept", pool: pool.name, error: messageOf(error) },
      "a pause could not be taken back",
    );
  }
}

function patience(seen: PoolView, pool: Pool): Check {
  const most = seen.answers ? seen.waitSecondsMax : 0;
  const ok = most === 0 || most >= 60;
  return {
    id: "pool.patience",
    level: "warn",
    ok,
    says: `Clients of ${pool.name} wait ${most === 0 ? "without limit" : `at most ${most} s (query_wait_timeout)`} while it is paused.${ok ? "" : " 60 s or more is better."}`,
  };
}
