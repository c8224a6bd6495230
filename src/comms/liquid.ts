import { Liquid, type LiquidError, type Template as Parsed } from "liquidjs";
import { filled } from "./rich-text.ts";

/**
 * The template language: a name that is not known and a filter that does not exist are errors, prototypes are out of
 * reach, nothing is read from disk, and `raw` does not exist, so that every value passes `filled`.
 */
const engine = new Liquid({
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  outputEscape: filled,
  dynamicPartials: false,
  relativeReference: false,
  root: [],
  parseLimit: 1e5,
  renderLimit: 1000,
  memoryLimit: 1e6,
});
delete (engine.filters as Record<string, unknown>).raw;
for (const tag of ["include", "render", "layout", "block"]) delete (engine.tags as Record<string, unknown>)[tag];

export function render(source: string, values: object): string {
  return engine.parseAndRenderSync(source, values);
}

/** A name a template uses and does not make itself, with where it stands (from 1). */
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

/** Every name a source uses, or what keeps it from being read. */
export function namesIn(source: string): { readonly used: readonly Used[]; readonly mistakes: readonly Mistake[] } {
  let parsed: Parsed[];
  try {
    parsed = engine.parse(source);
  } catch (error) {
    return { used: [], mistakes: [mistakeOf(error)] };
  }
  const { globals } = engine.analyzeSync(parsed, { partials: false });
  const used = Object.values(globals)
    .flat()
    .map(({ segments, location }) => ({
      path: segments.map((segment) => (typeof segment === "string" ? segment : "[…]")),
      line: location.row,
      column: location.col,
    }));
  return { used, mistakes: [] };
}

function mistakeOf(error: unknown): Mistake {
  const { token, message } = error as LiquidError;
  const [line = 1, column = 1] = token?.getPosition() ?? [];
  return { what: message.replace(/, line:\d+, col:\d+$/, ""), line, column };
}
