import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCatalog } from "../catalog/load.ts";
import { parseYaml } from "../catalog/parse.ts";
import { reportFindings } from "../catalog/report.ts";
import { systemSchema } from "../catalog/schema.ts";
import type { Mode } from "../catalog/types.ts";
import { absent } from "./estate/fleet.ts";
import type { SystemEstateKind } from "./estate/system-estate.ts";
import { systems } from "./estate/systems.ts";
import { folderOf } from "./stage.ts";

/** A system that can be chosen, and whether this machine has what it takes. */
export interface Offered {
  readonly system: string;
  readonly title: string;
  /** Programs it needs and this machine does not have. */
  readonly missing: readonly string[];
  /** The command that brings them, or null when nothing is missing. */
  readonly install: string | null;
}

export interface OfferedRunbook {
  readonly id: string;
  readonly title: string;
  readonly modes: readonly Mode[];
}

/** All that can be practised, in the order they are offered; looked at anew each time. */
export function offered(): Promise<readonly Offered[]> {
  return Promise.all(systems.map(offer));
}

/** Those without a mistake. Reading a system with all its rules takes a good part of a second. */
export function runbooksOf(system: string): readonly OfferedRunbook[] {
  return loadCatalog(folderOf(system)).catalog.runbooks;
}

/** What keeps runbooks of a system from being read, as `lifeboat lint` says it; empty when nothing does. */
export function mistakesOf(system: string): string {
  return reportFindings(loadCatalog(folderOf(system)).problems.filter(({ level }) => level === "error"));
}

async function offer({ system, needs }: SystemEstateKind): Promise<Offered> {
  const missing = await absent(needs.map(({ program }) => program));
  const packages = needs.filter(({ program }) => missing.includes(program)).map((need) => need.package);
  return { system, title: titleOf(system), missing, install: installing(packages) };
}

function installing(packages: readonly string[]): string | null {
  if (packages.length === 0) return null;
  return `apt-get install --no-install-recommends ${[...new Set(packages)].join(" ")}`;
}

function titleOf(system: string): string {
  const file = join(folderOf(system), "system.yml");
  return parseYaml(file, readFileSync(file, "utf8"), systemSchema).value?.title ?? system;
}
