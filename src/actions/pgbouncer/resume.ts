import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import { defineAction } from "../contract.ts";
import { until } from "../poll.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import { answers, factsOf, lookAtPool, type PoolView, poolInput, resourceOf, sayPool, withAdmin } from "./admin.ts";

const input = z.strictObject({ pool: poolInput });
type Input = z.infer<typeof input>;

/** Lets everyone go on. */
export const resume = defineAction<Input, PoolView>({
  id: "pgbouncer.resume",
  summary: "Let PgBouncer's clients go on",
  input,
  risk: "reversible",
  service: "restores",
  repeat: "guarded",
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 30 },
  resources: ({ pool }) => [resourceOf(pool)],
  observe: (ctx, { pool }) => lookAtPool(ctx, pool),
  facts: factsOf,
  ready: (seen, { pool }) => [answers(seen, pool)],
  done: (seen) => (!seen.answers || !seen.known ? "unknown" : seen.paused ? "no" : "yes"),
  async apply(ctx, { pool }) {
    try {
      await withAdmin(ctx, pool, (admin) => admin.run(`RESUME ${pool.database}`));
      return { resumed: true };
    } catch (error) {
      // "database … is not paused": someone was faster. Not evidence: verify looks.
      if (/not paused/i.test(messageOf(error))) return { resumed: false };
      throw error;
    }
  },
  async verify(ctx, { pool }) {
    let last: PoolView | null = null;
    const seen = await until(
      {
        what: `${pool.name} letting the clients of ${pool.database} go on`,
        seconds: ctx.budget.failSeconds / 2,
        everyMilliseconds: 50,
        signal: ctx.signal,
        stateNow: () => sayPool(last),
      },
      async () => {
        last = await lookAtPool(ctx, pool);
        return last.answers && !last.paused && last.waiting === 0 ? last : null;
      },
    );
    return {
      says: `${pool.name} serves ${pool.database} from ${seen.target}, and no client waits.`,
      facts: [
        { id: "paused", label: "Paused", value: false, material: false },
        { id: "target", label: "Leads to", value: seen.target, material: false },
      ],
    };
  },
  undo: undoneBy((before, { pool }) =>
    before.answers && !before.paused
      ? nothing(`${pool.name} was not paused before.`)
      : inverse("pgbouncer.pause", { pool }, `Pause ${pool.database} on ${pool.name}`),
  ),
});
