import { z } from "zod";
import { defineLook } from "../read.ts";
import { ignored, unlistedChecks } from "../unlisted.ts";
import { asNoAnswer, type NoAnswer, withNode } from "./client.ts";
import { nodeInput } from "./node.ts";
import { identityChecks } from "./view.ts";

const input = z.strictObject({
  node: nodeInput,
  /** Names of databases that runbooks name. */
  known: z.array(z.string().min(1)).max(1000),
  ignore: ignored,
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly databases: readonly string[];
  /** Why it can't be looked at. */
  readonly silent?: NoAnswer;
}

const ALL =
  "select datname as name from pg_database where not datistemplate and datallowconn and datname <> 'postgres' order by 1";

/** Which databases of a server no runbook names. Replication takes them along; what is restored or copied does not. */
export const unlisted = defineLook<Input, Seen>({
  id: "postgres.unlisted",
  summary: "See which databases of a PostgreSQL server are in no runbook",
  input,
  budget: { typicalSeconds: 1, warnSeconds: 5, failSeconds: 15 },
  goesWithout: () => "all",
  async observe(ctx, { node }) {
    try {
      const rows = await withNode(ctx, node, (db) => db.query<{ name: string }>(ALL));
      return { databases: rows.map(({ name }) => name) };
    } catch (error) {
      ctx.signal.throwIfAborted();
      return { databases: [], silent: asNoAnswer(error) };
    }
  },
  facts: () => [],
  checks: ({ databases, silent }, { known, node, ignore }) => [
    ...(silent === undefined ? [] : identityChecks(silent)),
    ...unlistedChecks(
      databases.map((name) => `database/${name}`),
      { known: new Set(known.map((name) => `database/${name}`)), ignore, where: node.name },
    ),
  ],
  where: ({ node }) => node.name,
});
