import { type Mistake, parsed, strictLiquid, type Used, usedIn } from "../lib/liquid.ts";
import { markdown } from "./markup.ts";

export type { Mistake, Used } from "../lib/liquid.ts";

/** Every value is escaped for Markdown. A record of 10,000 events takes 2 s on one core. */
const engine = strictLiquid(markdown, { parseLimit: 1e6, renderLimit: 30_000, memoryLimit: 1e8 });

export function render(source: string, values: object): string {
  return engine.parseAndRenderSync(source, values);
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
  const read = parsed(engine, source);
  if ("mistake" in read) return { used: [], loops: new Map(), own: new Set(), mistakes: [read.mistake] };
  const { variables, locals } = engine.analyzeSync([...read.ok], { partials: false });
  const loops = new Map<string, (readonly string[])[]>();
  for (const [, name = "", list = ""] of source.matchAll(/\{%-?\s*for\s+(\w+)\s+in\s+([\w.]+)/g))
    loops.set(name, [...(loops.get(name) ?? []), list.split(".")]);
  return { used: usedIn(variables), loops, own: new Set(Object.keys(locals)), mistakes: [] };
}
