import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCatalog } from "../../src/catalog/load.ts";
import { parseYaml } from "../../src/catalog/parse.ts";
import { reportFindings } from "../../src/catalog/report.ts";
import { systemSchema } from "../../src/catalog/schema.ts";
import type { Cycle, Mode } from "../../src/catalog/types.ts";
import { folderOf } from "./session.ts";

/** What is written of the systems that can be practised. Loaded only when it is requested: practice is up sooner without. */
export interface WrittenRunbook {
  readonly id: string;
  readonly title: string;
  readonly modes: readonly Mode[];
}

/** Those without a mistake. Reading a system with all its rules takes a good part of a second. */
export function runbooksOf(system: string): readonly WrittenRunbook[] {
  return loadCatalog(folderOf(system)).catalog.runbooks;
}

/** The ways there and back that a system declares. */
export function cyclesOf(system: string): readonly Cycle[] {
  return loadCatalog(folderOf(system)).catalog.systems[0]?.cycles ?? [];
}

/** What keeps runbooks of a system from being read, as `lifeboat lint` says it; empty when nothing does. */
export function mistakesOf(system: string): string {
  return reportFindings(loadCatalog(folderOf(system)).problems.filter(({ level }) => level === "error"));
}

export function titleOf(system: string): string {
  const file = join(folderOf(system), "system.yml");
  return parseYaml(file, readFileSync(file, "utf8"), systemSchema).value?.title ?? system;
}

/** The alerts of a system, by the name its monitoring gives them. */
export function alertsOf(system: string): readonly { readonly id: string; readonly title: string }[] {
  const file = join(folderOf(system), "system.yml");
  const alerts = parseYaml(file, readFileSync(file, "utf8"), systemSchema).value?.alerts ?? {};
  return Object.entries(alerts).map(([id, { title }]) => ({ id, title }));
}
