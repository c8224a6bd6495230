import { z } from "zod";
import { type Check, defineAction } from "../contract.ts";
import { until } from "../poll.ts";
import { hashNow, runScript, scriptArguments, scriptInput, unchanged } from "../scripts.ts";
import { byHand, inverse, undoneBy } from "../undo.ts";
import { answers, factsOf, lookAtPool, type PoolView, poolInput, resourceOf, sayPool, withAdmin } from "./admin.ts";

const input = z.strictObject({
  pool: poolInput,
  /** Where the database is to lead, as PgBouncer reaches it. */
  to: z.strictObject({ host: z.string().min(1), port: z.number().int().min(1).max(65535).default(5432) }),
  /**
   * Writes the target into PgBouncer's configuration on its host: the admin console can't. It is given database, host and
   * port after `arguments`, and has to write the same again without harm.
   */
  script: scriptInput,
  arguments: scriptArguments.default([]),
  timeoutSeconds: z.number().positive().max(60).default(20),
});
type Input = z.infer<typeof input>;
interface Seen {
  readonly pool: PoolView;
  readonly hash: string | null;
}

/** Leads a PgBouncer database to another server: an allowed script writes the file, `RELOAD` makes it count. */
export const repoint = defineAction<Input, Seen>({
  id: "pgbouncer.repoint",
  summary: "Lead a PgBouncer database to another server",
  input,
  risk: "reversible",
  service: "restores",
  leads: true,
  endsFence: true,
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 60 },
  resources: ({ pool }) => [resourceOf(pool)],
  async observe(ctx, { pool, script }) {
    const [seen, hash] = await Promise.all([lookAtPool(ctx, pool), hashNow(script)]);
    return { pool: seen, hash };
  },
  facts: ({ pool, hash }, { script }) => [
    ...factsOf(pool),
    {
      id: "scriptUnchanged",
      label: `Script ${script.name} is as planned`,
      value: hash === script.sha256,
      material: true,
    },
  ],
  ready: ({ pool, hash }, given) => [answers(pool, given.pool), unchanged(given.script, hash), held(pool)],
  done: ({ pool }, { to }) => (!pool.answers ? "unknown" : leadsTo(pool, to) ? "yes" : "no"),
  async apply(ctx, { pool, to, script, arguments: given, timeoutSeconds }) {
    const end = await runScript(ctx, script, [...given, pool.database, to.host, String(to.port)], timeoutSeconds);
    await withAdmin(ctx, pool, (admin) => admin.run("RELOAD"));
    return { output: end.output.slice(0, 500) };
  },
  async verify(ctx, { pool, to }) {
    let last: PoolView | null = null;
    await until(
      {
        what: `${pool.name} leading ${pool.database} to ${to.host}:${to.port}`,
        seconds: ctx.budget.failSeconds / 3,
        everyMilliseconds: 50,
        signal: ctx.signal,
        stateNow: () => sayPool(last),
      },
      async () => {
        last = await lookAtPool(ctx, pool);
        return last.answers && leadsTo(last, to) ? true : null;
      },
    );
    return {
      says: `${pool.name} leads ${pool.database} to ${to.host}:${to.port}.`,
      facts: [{ id: "target", label: "Leads to", value: `${to.host}:${to.port}`, material: false }],
    };
  },
  undo: undoneBy((before, given) => {
    const target = before.pool.answers ? before.pool.target : null;
    const former = /^(.+):(\d+)$/.exec(target ?? "");
    if (former === null) return byHand("Where it led before was not seen: find out, and lead it there.");
    const to = { host: former[1], port: Number(former[2]) };
    const says = `Lead ${given.pool.database} of ${given.pool.name} back to ${target}`;
    return inverse("pgbouncer.repoint", { ...given, to }, says);
  }),
});

function leadsTo(pool: PoolView, { host, port }: Input["to"]): boolean {
  return pool.answers && pool.target === `${host}:${port}`;
}

/** In a preflight it is not paused yet, so this only warns. */
function held(pool: PoolView): Check {
  const ok = pool.answers && pool.paused;
  return {
    id: "pool.paused",
    level: "warn",
    ok,
    says: ok ? "Clients are held back." : "Clients are not held back (pgbouncer.pause): some will see errors.",
  };
}
