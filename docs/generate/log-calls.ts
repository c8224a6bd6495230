import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseSync } from "@swc/core";
import { projectRoot } from "../../src/lib/root.ts";

/** One call of a logger in our sources, read from their syntax. */
export interface LogCall {
  readonly file: string;
  readonly line: number;
  readonly level: string;
  /** Its codes: several where a condition chooses, or where its fields are made elsewhere in the file. Empty: it has none. */
  readonly events: readonly string[];
  /** Its messages, with `…` for what is filled in. Empty: it is computed elsewhere. */
  readonly messages: readonly string[];
}

/** What it is about, and what happened: `run.lease_lost`. */
export const CODE = /^[a-z]+(\.[a-z]+(_[a-z]+)*)+$/;
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];

interface Node {
  readonly type: string;
  readonly span: { readonly start: number };
  readonly [key: string]: unknown;
}

/** Where the bot's own log calls stand. */
export const LOGGING = ["commands", "src", "templates"] as const;

export function logCallsIn(folders: readonly string[]): readonly LogCall[] {
  const files = folders.flatMap((folder) =>
    readdirSync(join(projectRoot(), folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(projectRoot(), folder, name)),
  );
  return files.sort().flatMap((file) => callsOf(readFileSync(file, "utf8"), relative(projectRoot(), file)));
}

export function callsOf(source: string, file: string): readonly LogCall[] {
  // Positions go on from one parse to the next, and count bytes.
  const ast = parseSync(source, { syntax: "typescript", target: "es2022" }) as unknown as Node;
  const bytes = Buffer.from(source);
  const first = bytes.indexOf(bytes.toString().trimStart().slice(0, 1));
  const origin = startOf(ast) - (first < 0 ? 0 : commentsBefore(source));
  const found: LogCall[] = [];
  const named = codesNamedIn(ast);
  visit(ast, (node) => {
    if (node.type !== "CallExpression") return;
    const level = levelOf(node.callee as Node);
    if (level === null) return;
    const [fields, message] = (node.arguments as { expression: Node }[]).map(({ expression }) => expression);
    const line = bytes
      .subarray(0, Math.max(0, node.span.start - origin))
      .toString()
      .split("\n").length;
    found.push({ file, line, level, events: eventsOf(fields, named), messages: textsOf(message) });
  });
  return found;
}

function startOf(ast: Node): number {
  return ast.span.start;
}

/** Bytes before the first token: where the span of a module begins. */
function commentsBefore(source: string): number {
  const code = /^(?:#![^\n]*\n|\s+|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*/.exec(source)?.[0] ?? "";
  return Buffer.byteLength(code);
}

/** `log.warn(…)`, `x.log?.warn(…)`, `log[…](…)`. */
function levelOf(callee: Node): string | null {
  const member = callee.type === "OptionalChainingExpression" ? (callee.base as Node) : callee;
  if (member.type !== "MemberExpression") return null;
  const object = member.object as Node;
  const named =
    object.type === "Identifier"
      ? object.value
      : object.type === "MemberExpression"
        ? (object.property as Node).value
        : null;
  if (named !== "log" && named !== "logger") return null;
  const property = member.property as Node;
  if (property.type === "Computed") return "computed";
  return LEVELS.includes(String(property.value)) ? String(property.value) : null;
}

function eventsOf(fields: Node | undefined, named: readonly string[]): readonly string[] {
  if (fields?.type === "Identifier") return named;
  if (fields?.type !== "ObjectExpression") return [];
  for (const property of fields.properties as Node[]) {
    if (property.type === "Identifier" && property.value === "event") return named;
    if (property.type !== "KeyValueProperty" || (property.key as Node).value !== "event") continue;
    const codes = textsOf(property.value as Node);
    return codes.length > 0 ? codes : named;
  }
  return [];
}

/** What stands as a code anywhere in a file: where a call takes it from a variable, it is one of these. */
function codesNamedIn(ast: Node): readonly string[] {
  const codes = new Set<string>();
  visit(ast, (node) => {
    if (node.type !== "KeyValueProperty" || (node.key as Node).value !== "event") return;
    for (const code of textsOf(node.value as Node)) if (CODE.test(code)) codes.add(code);
  });
  return [...codes];
}

function textsOf(node: Node | undefined): readonly string[] {
  if (node === undefined) return [];
  if (node.type === "StringLiteral") return [String(node.value)];
  if (node.type === "TemplateLiteral")
    return [(node.quasis as { cooked: string }[]).map(({ cooked }) => cooked).join("…")];
  if (node.type === "ConditionalExpression")
    return [...textsOf(node.consequent as Node), ...textsOf(node.alternate as Node)];
  if (node.type === "ParenthesisExpression") return textsOf(node.expression as Node);
  return [];
}

function visit(node: unknown, see: (node: Node) => void): void {
  if (Array.isArray(node)) {
    for (const one of node) visit(one, see);
    return;
  }
  if (typeof node !== "object" || node === null) return;
  if (typeof (node as Node).type === "string") see(node as Node);
  for (const value of Object.values(node)) if (typeof value === "object") visit(value, see);
}
