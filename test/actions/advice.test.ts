import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { parseSync } from "@swc/core";
import { projectRoot } from "../../src/lib/root.ts";

/**
 * What to do about a failed check is its `next`, not the end of what it says: people read the cause on one line of a card and the way on
 * on another, and what a check advises wins over what the runbook asks for beforehand.
 */

/** How a sentence of advice begins. */
const ADVICE =
  /[.:;] (Allow|Ask|Cancel|Change|Choose|Cordon|Correct|Create|Decide|Delete|Drop|Dump|Fence|Find|Give|Grant|Install|Lead|Leave|Make|Move|Name|Rebuild|Request|Resume|Restore|Retry|Run|Scale|See|Set|Stop|Switch|Use|Wait)\b/i;

test("no check that stops a run hides its advice in what it says", () => {
  const root = join(projectRoot(), "src/actions");
  const found = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => advisingIn(readFileSync(join(root, file), "utf8")).map((says) => `${file}: ${says}`));
  expect(found).toEqual([]);
});

test("advice at the end of a sentence would be found, and in its own place not", () => {
  const check = (body: string) => `function up(): Check { ${body} }`;
  expect(advisingIn(check('return { level: "block", says: "It is down. Run it there." };'))).toEqual([
    "It is down. Run it there.",
  ]);
  expect(advisingIn(check('const next = "It is down. Run it."; return { says: "It is down.", next };'))).toEqual([]);
  expect(advisingIn(check('return { level: "warn", says: "It is old. Run it there." };'))).toEqual([]);
  expect(advisingIn('function undo(): Undo { return byHand("It is up. Stop it."); }')).toEqual([]);
});

type Node = Record<string, unknown> & { readonly type?: string };

/** Texts of functions that return a check that blocks, without those that are its `next`. */
function advisingIn(source: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: unknown, inCheck: boolean): void => {
    if (Array.isArray(node)) {
      for (const one of node) visit(one, inCheck);
      return;
    }
    if (typeof node !== "object" || node === null) return;
    const one = node as Node;
    if (isNext(one)) return;
    const inside = inCheck || (isFunction(one) && returnsCheck(one));
    const says = inside ? textOf(one) : null;
    if (says !== null && ADVICE.test(says)) found.push(says);
    for (const value of Object.values(one)) visit(value, inside);
  };
  visit(parseSync(source, { syntax: "typescript", target: "es2022" }), false);
  return found;
}

function isFunction({ type }: Node): boolean {
  return type === "FunctionDeclaration" || type === "ArrowFunctionExpression";
}

/** One that can only warn isn't why a run doesn't start. */
function returnsCheck(node: Node): boolean {
  return /"value":"Checks?"/.test(JSON.stringify(node.returnType ?? null)) && JSON.stringify(node).includes('"block"');
}

/** `next: "…"` or `const next = …`. */
function isNext(node: Node): boolean {
  const name = node.type === "KeyValueProperty" ? node.key : node.type === "VariableDeclarator" ? node.id : null;
  return (name as Node | null)?.value === "next";
}

function textOf(node: Node): string | null {
  if (node.type === "StringLiteral") return String(node.value);
  if (node.type !== "TemplateLiteral") return null;
  return (node.quasis as readonly { cooked?: string; raw: string }[]).map(({ cooked, raw }) => cooked ?? raw).join("…");
}
