import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { after, awaited } from "../awaited.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { defineRead } from "../read.ts";
import { withNode } from "./client.ts";
import { type Node, nodeInput } from "./node.ts";
import { ask, camel, queryInput } from "./queries.ts";
import { identityChecks, lookAt, type NodeView, silenceOf } from "./view.ts";

const identifier = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/;
const column = z.string().regex(/^[a-z_][a-z0-9_]*$/);

const input = z
  .strictObject({
    node: nodeInput,
    /** How many rows a table has to have, counted exactly. */
    counts: z
      .array(
        z.strictObject({
          table: z.string().regex(identifier),
          min: z.number().int().min(0).optional(),
          max: z.number().int().min(0).optional(),
        }),
      )
      .max(50)
      .default([]),
    /** The newest row of a table: not after the moment that was restored to, and not older than the RPO allows. */
    newest: z
      .array(
        z.strictObject({
          table: z.string().regex(identifier),
          column,
          notAfter: z.iso.datetime({ offset: true }).optional(),
          maxAgeSeconds: z.number().positive().optional(),
        }),
      )
      .max(20)
      .default([]),
    queries: z.array(queryInput).max(20).default([]),
    after,
  })
  .refine(({ counts, newest, queries }) => counts.length + newest.length + queries.length > 0, {
    message: "has to ask for something: counts, newest or queries",
  });
type Input = z.infer<typeof input>;

/** Holds data against what is expected of it: counts, the newest row, questions of one's own. Changes nothing. */
export const verifyData = defineRead<Input, NodeView>({
  id: "postgres.verify_data",
  summary: "Hold the data against what is expected of it: counts, the newest row, queries",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 60, failSeconds: 600 },
  observe: (ctx, { node }) => lookAt(ctx, node),
  facts: (seen) => [{ id: "role", label: `${seen.name} is`, value: seen.answers ? seen.role : null, material: false }],
  ready: (seen, given, evidence) => awaited([...identityChecks(seen), answers(seen)], given.after, evidence),
  async verify(ctx, { node, counts, newest, queries }) {
    const found: Found[] = [];
    for (const one of counts) found.push(await counted(ctx, node, one));
    for (const one of newest) found.push(await newestOf(ctx, node, one));
    for (const query of queries) {
      const value = await ask(ctx, node, query, SECONDS);
      found.push({ label: query.label, value });
    }
    const facts: Fact[] = found.map(({ label, value }) => ({ id: camel(label), label, value, material: false }));
    return { says: `${node.name}: ${found.map(({ label, value }) => `${label} ${value}`).join(", ")}.`, facts };
  },
});

/** Exact counts of large tables take their time. */
const SECONDS = 120;

interface Found {
  readonly label: string;
  readonly value: string | number | boolean;
}

function answers(seen: NodeView): Check {
  const says = seen.answers ? `${seen.name} answers as ${seen.role}.` : `${seen.name} does not answer: ${seen.why}.`;
  return { id: "node.answers", level: "block", ok: seen.answers, says, ...silenceOf(seen) };
}

async function counted(ctx: ReadContext, node: Node, wanted: Input["counts"][number]): Promise<Found> {
  const { table, min, max } = wanted;
  const label = `rows of ${table}`;
  const expected = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  return { label, value: await ask(ctx, node, { sql: `select count(*) from ${table}`, label, ...expected }, SECONDS) };
}

async function newestOf(ctx: ReadContext, node: Node, wanted: Input["newest"][number]): Promise<Found> {
  const { table, column: at, notAfter, maxAgeSeconds } = wanted;
  const label = `newest of ${table}`;
  const row = await withNode(
    ctx,
    node,
    async (db) => {
      await db.query("begin read only");
      const [newest] = await db.query<{ at: Date | null; late: boolean | null; age: number | null }>(
        `select max(${at})::timestamptz as at, max(${at})::timestamptz > $1::timestamptz as late,
                extract(epoch from clock_timestamp() - max(${at})::timestamptz)::float8 as age from ${table}`,
        [notAfter ?? null],
      );
      return newest;
    },
    SECONDS,
  );
  if (!row?.at) throw unexpected(node, `${table} has no row with a ${at}`);
  const value = row.at.toISOString();
  if (row.late === true) throw unexpected(node, `The newest row of ${table} is from ${value}, after ${notAfter}`);
  if (maxAgeSeconds !== undefined && row.age !== null && row.age > maxAgeSeconds) {
    const what = `The newest row of ${table} is ${Math.round(row.age)} s old; at most ${maxAgeSeconds} s are allowed`;
    throw unexpected(node, what);
  }
  return { label, value };
}

function unexpected(node: Node, what: string): LifeboatError {
  return new LifeboatError({
    code: "data-unexpected",
    where: node.name,
    what,
    stateNow: "Nothing was changed by this step",
    next: "Look at the data before going on",
  });
}
