import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";
import { type Database, withNode } from "./client.ts";
import type { Node } from "./node.ts";

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** A question to the data and what is expected; it is run read-only, and the first column of its first row is compared. */
export const queryInput = z.strictObject({
  sql: z.string().min(1),
  /** What the answer means: `orders`. */
  label: z.string().min(1),
  equals: scalar.optional(),
  min: z.number().optional(),
  max: z.number().optional(),
});
export type Query = z.infer<typeof queryInput>;

/** @throws LifeboatError `data-unexpected` */
export async function ask(
  ctx: ReadContext,
  node: Node,
  query: Query,
  seconds?: number,
): Promise<string | number | boolean> {
  const look = async (db: Database) => {
    await db.query("begin read only");
    const [row] = await db.query<Record<string, unknown>>(query.sql);
    return row === undefined ? null : Object.values(row)[0];
  };
  const value = await withNode(ctx, node, look, seconds);
  const plain = plainOf(value);
  const problem = unmet(plain, query);
  if (problem === null) return plain;
  throw new LifeboatError({
    code: "data-unexpected",
    where: node.name,
    what: `${query.label} is ${plain}, but ${problem}`,
    stateNow: "Nothing was changed by this step",
    next: "Look at the data before going on",
  });
}

/** `bigint` counts come as text; they are numbers to the one who wrote the expectation. */
function plainOf(value: unknown): string | number | boolean {
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (value instanceof Date) return value.toISOString();
  const text = value === null || value === undefined ? "null" : String(value);
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function unmet(value: string | number | boolean, { equals, min, max }: Query): string | null {
  if (equals !== undefined && value !== equals) return `${equals} was expected`;
  if (min !== undefined && !(Number(value) >= min)) return `at least ${min} was expected`;
  if (max !== undefined && !(Number(value) <= max)) return `at most ${max} was expected`;
  return null;
}

/** A label as the id of a fact: `Orders today` becomes `ordersToday`. */
export function camel(label: string): string {
  const words = label.split(/[^A-Za-z0-9]+/).filter(Boolean);
  return words.map((word, i) => (i === 0 ? word.toLowerCase() : word[0]?.toUpperCase() + word.slice(1))).join("");
}
