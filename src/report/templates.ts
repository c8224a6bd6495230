import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { Finding } from "../catalog/fault.ts";
import { nearest } from "../catalog/suggest.ts";
import { projectRoot } from "../lib/root.ts";
import { namesIn, type Used } from "./liquid.ts";
import { factNames } from "./names.ts";

/** What a template is called, shipped and in a system's own folder. */
export const TEMPLATE = "postmortem.md.liquid";

export interface ReportTemplate {
  readonly source: string;
  /** Why the system's own template isn't used, in one line; null: nothing is wrong. */
  readonly problem: string | null;
}

export function shippedTemplate(): string {
  return readFileSync(join(projectRoot(), "templates", "postmortem", TEMPLATE), "utf8");
}

/**
 * The template for a system: its own (`<systems>/<system>/postmortem.md.liquid`), else the shipped one. Read for every report, so a change counts at
 * once. With a mistake in its own one the shipped one is used, and that is said.
 */
export function templateFor(systemsFolder: string, system: string): ReportTemplate {
  const home = homesIn(systemsFolder).find((one) => basename(resolve(one)) === system);
  const file = home === undefined ? null : join(home, TEMPLATE);
  if (file === null || !existsSync(file)) return { source: shippedTemplate(), problem: null };
  const source = readFileSync(file, "utf8");
  const [first] = checkTemplate(file, source);
  if (first === undefined) return { source, problem: null };
  return {
    source: shippedTemplate(),
    problem: `${system}/${TEMPLATE}, line ${first.line}: ${first.what}. The shipped template was used`,
  };
}

/** Everything that is wrong with the systems' own templates. `count`: how many there are. */
export function checkTemplates(systemsFolder: string): {
  readonly problems: readonly Finding[];
  readonly count: number;
} {
  const files = homesIn(systemsFolder)
    .map((home) => join(home, TEMPLATE))
    .filter((file) => existsSync(file));
  return { problems: files.flatMap((file) => checkTemplate(file, readFileSync(file, "utf8"))), count: files.length };
}

function homesIn(folder: string): readonly string[] {
  if (existsSync(join(folder, "system.yml"))) return [folder];
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => !name.startsWith(".") && statSync(join(folder, name)).isDirectory())
    .sort()
    .map((name) => join(folder, name));
}

/** A name that isn't a fact, a tag or filter that doesn't exist, with line and column. */
export function checkTemplate(file: string, source: string): readonly Finding[] {
  const { used, loops, own, mistakes } = namesIn(source);
  const at = (
    place: { line: number; column: number },
    rule: string,
    what: string,
    more: Partial<Finding> = {},
  ): Finding => ({
    ...{ level: "error", rule, file, line: place.line, column: place.column, length: 1, what, ...more },
    source: source.split("\n")[place.line - 1] ?? "",
  });
  if (source.trim() === "") return [at({ line: 1, column: 1 }, "report-body", "There are no words in it")];
  return [
    ...mistakes.map((one) => at(one, "report-liquid", one.what)),
    ...used.flatMap((one) => {
      const wrong = strangeIn(one, loops, own);
      return wrong === null ? [] : [at(one, "report-name", wrong.what, wrong)];
    }),
  ];
}

type Shape = string | readonly unknown[] | { readonly [key: string]: unknown };

/** Liquid's own. */
const BUILT_IN = new Set(["forloop", "tablerowloop", "empty", "blank", "nil"]);

function strangeIn(
  { path }: Used,
  loops: ReadonlyMap<string, readonly (readonly string[])[]>,
  own: ReadonlySet<string>,
): { what: string; allowed?: string; next?: string } | null {
  const [root = "", ...rest] = path;
  if (BUILT_IN.has(root)) return null;
  const lists = loops.get(root);
  if (lists === undefined) return own.has(root) ? null : strange([root, ...rest], factNames as Shape, path);
  const entries = lists.map((list) => shapeOf(list, loops)).filter((one) => one !== null);
  const faults = entries.map((entry) => (rest.length === 0 ? null : strange(rest, entry, path)));
  return faults.length > 0 && faults.every((fault) => fault !== null) ? (faults[0] ?? null) : null;
}

/** What an entry of a list looks like; null: the list itself is wrong, which is told where it is named. */
function shapeOf(list: readonly string[], loops: ReadonlyMap<string, readonly (readonly string[])[]>): Shape | null {
  const [root = "", ...rest] = list;
  const outer = loops.get(root)?.[0];
  let at: Shape | null = outer === undefined ? (factNames as Shape) : shapeOf(outer, loops);
  for (const key of outer === undefined ? list : rest) at = at === null ? null : within(at, key);
  return Array.isArray(at) ? (at[0] as Shape) : null;
}

function within(shape: Shape, key: string): Shape | null {
  if (typeof shape === "string" || Array.isArray(shape)) return null;
  return Object.hasOwn(shape, key) ? ((shape as Record<string, Shape>)[key] ?? null) : null;
}

const OF_LISTS = new Set(["size", "first", "last"]);

function strange(
  keys: readonly string[],
  shape: Shape,
  path: readonly string[],
): { what: string; allowed?: string; next?: string } | null {
  const [key, ...rest] = keys;
  if (key === undefined) {
    if (typeof shape === "string" || Array.isArray(shape)) return null;
    return { what: `"${path.join(".")}" has parts`, allowed: `One of ${Object.keys(shape).join(", ")}` };
  }
  const what = `There is no "${path.join(".")}"`;
  if (typeof shape === "string") return key === "size" ? null : { what };
  if (Array.isArray(shape)) {
    if (!OF_LISTS.has(key) && key !== "[…]")
      return { what, allowed: "A list: {% for one in … %}, .size, .first or .last" };
    return key === "size" ? null : strange(rest, shape[0] as Shape, path);
  }
  const next = within(shape, key);
  if (next !== null) return strange(rest, next, path);
  const names = Object.keys(shape);
  const meant = nearest(key, names);
  return { what, allowed: `There is ${names.join(", ")}`, ...(meant && { next: `Did you mean ${meant}?` }) };
}
