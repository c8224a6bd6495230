import { Liquid, type LiquidError, type Template } from "liquidjs";

export type { Template } from "liquidjs";

export interface Limits {
  /** Characters of a source. */
  readonly parseLimit: number;
  /** Milliseconds of one rendering. */
  readonly renderLimit: number;
  /** What liquidjs counts as memory: about characters and entries. */
  readonly memoryLimit: number;
}

/**
 * The language of templates people write: a name that is not known and a filter that does not exist are errors, prototypes are out of
 * reach, nothing is read from disk, and `raw` does not exist, so that every value passes `outputEscape`.
 */
export function strictLiquid(outputEscape: (value: unknown) => string, limits: Limits): Liquid {
  const engine = new Liquid({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    outputEscape,
    dynamicPartials: false,
    relativeReference: false,
    root: [],
    ...limits,
  });
  delete (engine.filters as Record<string, unknown>).raw;
  for (const tag of ["include", "render", "layout", "block"]) delete (engine.tags as Record<string, unknown>)[tag];
  return engine;
}

/** A name a template uses, with where it stands (from 1). */
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

/** Of `analyzeSync`: its `globals` or `variables`. */
type Found = Readonly<Record<string, readonly { readonly segments: unknown[]; readonly location: Located }[]>>;

interface Located {
  readonly row: number;
  readonly col: number;
}

export function usedIn(found: Found): readonly Used[] {
  return Object.values(found)
    .flat()
    .map(({ segments, location }) => ({
      path: segments.map((segment) => (typeof segment === "string" ? segment : "[…]")),
      line: location.row,
      column: location.col,
    }));
}

/** What the source is, or what keeps it from being read. */
export function parsed(
  engine: Liquid,
  source: string,
): { readonly ok: readonly Template[] } | { readonly mistake: Mistake } {
  try {
    return { ok: engine.parse(source) };
  } catch (error) {
    const { token, message } = error as LiquidError;
    const [line = 1, column = 1] = token?.getPosition() ?? [];
    return { mistake: { what: message.replace(/, line:\d+, col:\d+$/, ""), line, column } };
  }
}
