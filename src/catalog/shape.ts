import type { z } from "zod";
import { errorAt, type Fault, type Path } from "./fault.ts";
import { nearest, offer } from "./suggest.ts";

type Issue = z.core.$ZodIssue;
type Checked<S extends z.ZodType> =
  | { readonly value: z.output<S>; readonly faults: readonly [] }
  | { readonly value: null; readonly faults: readonly Fault[] };

/** Holds a value against a schema and says everything that is wrong with it. `at`: where the value itself stands. */
export function checkShape<S extends z.ZodType>(schema: S, value: unknown, at: Path = []): Checked<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data, faults: [] };
  const faults = parsed.error.issues.flatMap((issue) => explain(issue, { schema, root: value, at }));
  return { value: null, faults: withoutEchoes(faults).map((fault) => ({ ...fault, path: [...at, ...fault.path] })) };
}

type Told = Fault & { readonly misses?: Path; readonly means?: Path };

/** A misspelt key makes the right one missing; said once, it is enough. */
function withoutEchoes(faults: readonly Told[]): Fault[] {
  const meant = new Set(faults.flatMap(({ means }) => (means === undefined ? [] : [JSON.stringify(means)])));
  return faults
    .filter(({ misses }) => misses === undefined || !meant.has(JSON.stringify(misses)))
    .map(({ misses, means, ...fault }) => fault);
}

interface Checking {
  readonly schema: z.ZodType;
  readonly root: unknown;
  readonly at: Path;
}

function explain(issue: Issue, checking: Checking): Told[] {
  const { schema, root, at } = checking;
  const path = issue.path as Path;
  const here = schemaAt(schema, path);
  const found = valueAt(root, path);
  const means = here?.description;
  const name = nameOf([...at, ...path]);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, path, name, here, found));
    case "invalid_key":
      return [
        errorAt(path, `"${String(path.at(-1))}" cannot be used as a name here`, {
          at: "key",
          allowed: issue.issues[0]?.message ?? issue.message,
        }),
      ];
    case "invalid_value": {
      const word = String(found);
      if (found === undefined) return [missing(path, `Allowed: ${issue.values.map(String).join(", ")}`)];
      return [errorAt(path, `${show(found)} is not allowed for ${name}`, offer(word, issue.values.map(String)))];
    }
    case "invalid_union": {
      if (found === undefined) return [missing(path, means)];
      const branch = issue.errors.find((errors) =>
        errors.every((inner) => inner.path.length > 0 || inner.code !== "invalid_type"),
      );
      if (branch === undefined) return [wrongType(path, name, found, means)];
      return branch.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] }, checking));
    }
    case "invalid_type":
      if (found === undefined) return [missing(path, means)];
      return [wrongType(path, name, found, means ?? `A ${plainType(issue.expected)} is expected`)];
    case "custom":
      return [errorAt(path, issue.message, { allowed: (issue.params?.allowed as string | undefined) ?? means ?? "" })];
    default:
      return [errorAt(path, `${show(found)} is not right for ${name}`, { allowed: issue.message })];
  }
}

/** Keys of an earlier version, and what they are called now. */
const RENAMED: ReadonlyMap<string, string> = new Map([["regions", "sites"]]);

function unknownKey(key: string, path: Path, name: string, here: z.ZodType | null, found: unknown): Told {
  const all = here === null ? [] : Object.keys(shapeOf(here));
  const used = new Set(typeof found === "object" && found !== null ? Object.keys(found) : []);
  const free = all.filter((known) => !used.has(known));
  const renamed = RENAMED.get(key);
  const meant = renamed !== undefined && free.includes(renamed) ? renamed : nearest(key, free);
  if (meant === renamed && renamed !== undefined) {
    const fault = errorAt([...path, key], `"${key}" is called "${renamed}" now`, { at: "key" });
    return { ...fault, next: `Write "${renamed}:" instead`, means: [...path, renamed] };
  }
  return {
    ...errorAt([...path, key], `"${key}" is not a key of ${name}`),
    at: "key",
    allowed: `Allowed: ${all.join(", ")}`,
    ...(meant === null ? {} : { next: `Did you mean "${meant}"?`, means: [...path, meant] }),
  };
}

function missing(path: Path, means?: string): Told {
  const fault = errorAt(path.slice(0, -1), `"${String(path.at(-1))}" is missing`);
  return { ...fault, misses: path, ...(means === undefined ? {} : { allowed: means }) };
}

function wrongType(path: Path, name: string, found: unknown, means?: string): Fault {
  return errorAt(path, `${name} ${found === null ? "is empty" : `cannot be ${describe(found)}`}`, {
    ...(means === undefined ? {} : { allowed: means }),
  });
}

/** The nearest word of a path: `"steps"` for the third of its items too. */
function nameOf(path: Path): string {
  const word = path.findLast((part) => typeof part === "string");
  return word === undefined ? "this file" : `"${word}"`;
}

function describe(found: unknown): string {
  if (Array.isArray(found)) return "a list";
  if (typeof found === "object") return "a group of keys";
  return typeof found === "string"
    ? `the text ${show(found)}`
    : `the ${typeof found === "number" ? "number" : "value"} ${show(found)}`;
}

function plainType(expected: string): string {
  if (expected === "record" || expected === "object") return "group of keys";
  if (expected === "array") return "list (lines that begin with a hyphen)";
  if (expected === "string") return "text";
  if (expected === "int") return "whole number";
  return expected === "boolean" ? "yes-or-no value (true, false)" : expected;
}

export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inside, part) =>
      typeof inside === "object" && inside !== null && Object.hasOwn(inside, part)
        ? (inside as Record<string | number, unknown>)[part]
        : undefined,
    root,
  );
}

/** The part of a schema that speaks of a path, or null. Unions are entered where one of their members can be. */
function schemaAt(schema: z.ZodType, path: Path): z.ZodType | null {
  const [part, ...rest] = path;
  if (part === undefined) return schema;
  const def = defOf(unwrap(schema));
  const next =
    def.type === "object"
      ? def.shape?.[part]
      : def.type === "array"
        ? def.element
        : def.type === "record"
          ? def.valueType
          : def.type === "union"
            ? def.options?.find((option) => schemaAt(option, [part]) !== null && schemaAt(option, path) !== null)
            : undefined;
  if (next === undefined) return null;
  return def.type === "union" ? schemaAt(next, path) : schemaAt(next, rest);
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> {
  return defOf(unwrap(schema)).shape ?? {};
}

function unwrap(schema: z.ZodType): z.ZodType {
  const { innerType, in: first } = defOf(schema);
  const inner = innerType ?? first;
  return inner === undefined ? schema : unwrap(inner);
}

interface Def {
  readonly type: string;
  readonly shape?: Record<string | number, z.ZodType>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
}
function defOf(schema: z.ZodType): Def {
  return schema.def as unknown as Def;
}
