import { loadCatalog } from "../catalog/load.ts";
import type { Mode } from "../catalog/types.ts";
import { absent } from "./estate/fleet.ts";
import type { SystemEstateKind } from "./estate/system-estate.ts";
import { systems } from "./estate/systems.ts";
import { folderOf } from "./stage.ts";

/** A system that can be chosen, and whether this machine has what it takes. */
export interface Offered {
  readonly system: string;
  readonly title: string;
  readonly runbooks: readonly { readonly id: string; readonly title: string; readonly modes: readonly Mode[] }[];
  /** Programs it needs and this machine does not have. */
  readonly missing: readonly string[];
  /** The command that brings them, or null when nothing is missing. */
  readonly install: string | null;
}

/** All that can be practised, in the order they are offered; looked at anew each time. */
export function offered(): Promise<readonly Offered[]> {
  return Promise.all(systems.map(offer));
}

async function offer({ system, needs }: SystemEstateKind): Promise<Offered> {
  const { systems: read, runbooks } = loadCatalog(folderOf(system)).catalog;
  const missing = await absent(needs.map(({ program }) => program));
  return {
    system,
    title: read[0]?.title ?? system,
    runbooks: runbooks.map(({ id, title, modes }) => ({ id, title, modes })),
    missing,
    install: installing(needs.filter(({ program }) => missing.includes(program)).map((need) => need.package)),
  };
}

export function installing(packages: readonly string[]): string | null {
  if (packages.length === 0) return null;
  return `apt-get install --no-install-recommends ${[...new Set(packages)].join(" ")}`;
}
