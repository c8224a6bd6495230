import { Liquid, type LiquidError, type Template as Parsed } from "liquidjs";
import { markdown } from "./markup.ts";

/**
 * The language of report templates: a name that is not known and a filter that does not exist are errors, prototypes are out of
 * reach, nothing is read from disk, and `raw` does not exist, so that every value is escaped for Markdown.
 */
const engine = new Liquid({
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  outputEscape: markdown,
  dynamicPartials: false,
  relativeReference: false,
  root: [],
  parseLimit: 1e6,
  // Milliseconds. A record of 10,000 events takes 2 s on one core.
  renderLimit: 30_000,
  memoryLimit: 1e8,
});
delete (engine.filters as Record<string, unknown>).raw;
for (const tag of ["include", "render", "layout", "block"]) delete (engine.tags as Record<string, unknown>)[tag];

export function render(source: string, values: object): string {
  return engine.parseAndRenderSync(source, values);
}

/** A name a template uses, with where it stands (from 1), and what `for` made of it. */
export interface Used {
  readonly path: readonly string[];
  readonly line: number;
  readonly column: number;
}

export interface Mistake {
  readonly what: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Every name a source uses, or what keeps it from being read. `loops`: what stands for an entry of which list
 * (`{% for run in runs %}`); a name two loops use stands for either.
 */
export function namesIn(source: string): {
  readonly used: readonly Used[];
  readonly loops: ReadonlyMap<string, readonly (readonly string[])[]>;
  readonly own: ReadonlySet<string>;
  readonly mistakes: readonly Mistake[];
} {
  let parsed: Parsed[];
  try {
    parsed = engine.parse(source);
  } catch (error) {
    return { used: [], loops: new Map(), own: new Set(), mistakes: [mistakeOf(error)] };
  }
  const { variables, locals } = engine.analyzeSync(parsed, { partials: false });
  const used = Object.values(variables)
    .flat()
    .map(({ segments, location }) => ({
      path: segments.map((segment) => (typeof segment === "string" ? segment : "[…]")),
      line: location.row,
      column: location.col,
    }));
  const loops = new Map<string, (readonly string[])[]>();
  for (const [, name = "", list = ""] of source.matchAll(/\{%-?\s*for\s+(\w+)\s+in\s+([\w.]+)/g))
    loops.set(name, [...(loops.get(name) ?? []), list.split(".")]);
  return { used, loops, own: new Set(Object.keys(locals)), mistakes: [] };
}

function mistakeOf(error: unknown): Mistake {
  const { token, message } = error as LiquidError;
  const [line = 1, column = 1] = token?.getPosition() ?? [];
  return { what: message.replace(/, line:\d+, col:\d+$/, ""), line, column };
}
