import { absent } from "../environment/fleet.ts";
import type { SystemEnvironmentKind } from "../environment/system-environment.ts";
import { systems } from "../systems/index.ts";

/** A system that can be chosen, and whether this machine has what it takes. What it is called is read by `written.ts`. */
export interface Offered {
  readonly system: string;
  /** Programs it needs and this machine does not have. */
  readonly missing: readonly string[];
  /** The command that brings them, or null when nothing is missing. */
  readonly install: string | null;
}

/** All that can be practised, in the order they are offered; looked at again each time. */
export function offered(): Promise<readonly Offered[]> {
  return Promise.all(systems.map(offer));
}

async function offer({ system, needs }: SystemEnvironmentKind): Promise<Offered> {
  const missing = await absent(needs.map(({ program }) => program));
  const packages = needs.filter(({ program }) => missing.includes(program)).map((need) => need.package);
  return { system, missing, install: installing(packages) };
}

function installing(packages: readonly string[]): string | null {
  if (packages.length === 0) return null;
  return `apt-get install --no-install-recommends ${[...new Set(packages)].join(" ")}`;
}
