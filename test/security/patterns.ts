import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseSync } from "@swc/core";
import { projectRoot } from "../../src/lib/root.ts";

export interface Pattern {
  readonly source: string;
  readonly flags: string;
  /** The first file it stands in, from the project's root. */
  readonly file: string;
}

/** Every regular expression written in what the bot runs. Practice listens to this machine only. */
export function patternsInUse(): readonly Pattern[] {
  const found = new Map<string, Pattern>();
  for (const file of ["commands", "templates", "src"].flatMap(sourcesIn)) {
    const tree = parseSync(readFileSync(join(projectRoot(), file), "utf8"), { syntax: "typescript" });
    for (const { pattern, flags } of literalsIn(tree)) {
      const key = `/${pattern}/${flags.replace("g", "")}`;
      if (!found.has(key)) found.set(key, { source: pattern, flags, file });
    }
  }
  return [...found.values()];
}

/** What repeats without a bound, or makes something else wait for it: the rest takes a constant time per place. */
export function mayBeSlow({ source }: Pattern): boolean {
  return /[*+]|\{\d+,\}|\{\d*,?\d{3,}\}/.test(source);
}

function sourcesIn(folder: string): string[] {
  const root = projectRoot();
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

interface Literal {
  readonly pattern: string;
  readonly flags: string;
}

function literalsIn(node: unknown): Literal[] {
  if (Array.isArray(node)) return node.flatMap(literalsIn);
  if (node === null || typeof node !== "object") return [];
  if ("type" in node && node.type === "RegExpLiteral") return [node as unknown as Literal];
  return Object.values(node).flatMap(literalsIn);
}
