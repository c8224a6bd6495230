import { type Mistake, parsed, strictLiquid, type Used, usedIn } from "../lib/liquid.ts";
import { filled } from "./rich-text.ts";

export type { Mistake, Used } from "../lib/liquid.ts";

/** Every value passes `filled`. */
const engine = strictLiquid(filled, { parseLimit: 1e5, renderLimit: 1000, memoryLimit: 1e6 });

export function render(source: string, values: object): string {
  return engine.parseAndRenderSync(source, values);
}

/** Every name a source uses and does not make itself, or what keeps it from being read. */
export function namesIn(source: string): { readonly used: readonly Used[]; readonly mistakes: readonly Mistake[] } {
  const read = parsed(engine, source);
  if ("mistake" in read) return { used: [], mistakes: [read.mistake] };
  const { globals } = engine.analyzeSync([...read.ok], { partials: false });
  return { used: usedIn(globals), mistakes: [] };
}
