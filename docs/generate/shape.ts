import { z } from "zod";

/** What of a JSON Schema the pages show. */
export interface Shape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Shape;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly description?: string;
}

/** The input of an action, as somebody who writes a runbook gives it. */
export function shapeOf(schema: z.ZodType): Shape {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape;
}

export function variantsOf(shape: Shape): readonly Shape[] {
  return shape.anyOf ?? shape.oneOf ?? [];
}

/** One line: `text, 1–63 characters`, `{ host, port = 5432, tls? }`, `one of: verify, off`. */
export function typeOf(shape: Shape): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum) return `one of: ${shape.enum.map(String).join(", ")}`;
  const variants = variantsOf(shape);
  if (variants.length > 0) return [...new Set(variants.map(typeOf))].join(" or ");
  switch (shape.type) {
    case "object":
      return objectType(shape);
    case "array":
      return `list of ${shape.items ? typeOf(shape.items) : "values"}${range(shape.minItems, shape.maxItems, "")}`;
    case "string":
      return `${shape.format === "uri" ? "address" : "text"}${shape.pattern && shape.format === undefined ? `, fits ${shape.pattern}` : ""}`;
    case "integer":
      return `whole number${range(shape.minimum, shape.maximum, "")}`;
    case "number":
      return `number${range(shape.minimum, shape.maximum, "")}`;
    case "boolean":
      return "true or false";
    default:
      return "any value";
  }
}

function objectType(shape: Shape): string {
  const own = Object.entries(shape.properties ?? {});
  if (own.length === 0)
    return typeof shape.additionalProperties === "object"
      ? `names, each with ${typeOf(shape.additionalProperties)}`
      : "names and values";
  return `{ ${own.map(([name, inner]) => member(name, inner, shape.required ?? [])).join(", ")} }`;
}

function member(name: string, shape: Shape, required: readonly string[]): string {
  if (shape.default !== undefined) return `${name} = ${JSON.stringify(shape.default)}`;
  const nested = shape.type === "object" || shape.type === "array" ? `: ${typeOf(shape)}` : "";
  return `${name}${required.includes(name) ? "" : "?"}${nested}`;
}

function range(least: number | undefined, most: number | undefined, unit: string): string {
  const top = most === undefined || most >= Number.MAX_SAFE_INTEGER ? undefined : most;
  const bottom = least === undefined || least <= Number.MIN_SAFE_INTEGER ? undefined : least;
  if (bottom === undefined && top === undefined) return "";
  if (top === undefined) return `, at least ${bottom}${unit}`;
  return bottom === undefined ? `, at most ${top}${unit}` : `, ${bottom}–${top}${unit}`;
}

/**
 * Inputs that differ from each other where an action's answer could differ: each choice, each flag, and what may be left out.
 * A text is its own name, so that sentences made of it read as a pattern.
 */
export function samplesOf(shape: Shape): readonly Record<string, unknown>[] {
  const required = objectSample(shape, "", false);
  const all = objectSample(shape, "", true);
  const others = Object.entries(shape.properties ?? {}).flatMap(([name, inner]) => {
    const values = [
      ...(inner.enum ?? []),
      ...(inner.type === "boolean" ? [true, false] : []),
      ...variantsOf(inner).map((one) => sample(one, name, true)),
      sample(inner, name, true),
    ];
    return values.map((value) => ({ ...required, [name]: value }));
  });
  return [required, ...others, all];
}

function objectSample(shape: Shape, path: string, whole: boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shape.properties ?? {}).flatMap(([name, inner]) => {
      const given = whole || (shape.required ?? []).includes(name) || inner.default !== undefined;
      return given ? [[name, sample(inner, name === "name" && path !== "" ? path : name, whole)]] : [];
    }),
  );
}

function sample(shape: Shape, name: string, whole: boolean): unknown {
  if (shape.const !== undefined) return shape.const;
  if (shape.default !== undefined) return shape.default;
  if (shape.enum) return shape.enum[0];
  const [first] = variantsOf(shape);
  if (first) return sample(first, name, whole);
  if (shape.type === "object") return objectSample(shape, name, whole);
  if (shape.type === "array") return [sample(shape.items ?? {}, name, whole)];
  if (shape.type === "integer" || shape.type === "number") return shape.minimum ?? 1;
  if (shape.type === "boolean") return false;
  return shape.format === "uri" ? `https://${name.toLowerCase()}.example` : `<${name}>`;
}
