import type { ReadContext } from "../contract.ts";
import { type Cluster, getIfThere } from "./cluster.ts";

/** The indices `search.restore` made under a name: `packages-lifeboat-1`, … */
export async function numbered(ctx: ReadContext, cluster: Cluster, as: string): Promise<readonly string[]> {
  const found = await getIfThere<Record<string, unknown>>(ctx, cluster, `/${as}-lifeboat-*?expand_wildcards=all`);
  return Object.keys(found ?? {}).filter((name) => numberOf(name) > 0);
}

export function newestNumber(names: readonly string[]): number {
  return Math.max(0, ...names.map(numberOf));
}

export function newestOf(names: readonly string[]): string | null {
  return names.find((name) => numberOf(name) === newestNumber(names)) ?? null;
}

function numberOf(name: string): number {
  return Number(/-lifeboat-(\d+)$/.exec(name)?.[1] ?? 0);
}
