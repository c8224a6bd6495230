import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type Finding, isClean } from "../catalog/fault.ts";
import { projectRoot } from "../lib/root.ts";
import { readTemplate } from "./read.ts";
import type { Template } from "./template.ts";

/** Everything that can be said, by system. */
export interface Templates {
  /** The shipped ones, each in the place of which a system may have put its own, and a system's own. */
  for(system: string): readonly Template[];
}

export interface LoadedTemplates {
  /** What has no error. A system's own template with a mistake does not take the place of the shipped one. */
  readonly templates: Templates;
  readonly problems: readonly Finding[];
  readonly count: number;
}

export function shippedTemplates(): string {
  return join(projectRoot(), "templates", "comms");
}

/** Reads the shipped templates and those in `<systems>/<system>/comms/`. A folder that is not there has none. */
export function loadTemplates(systemsFolder: string, shipped = shippedTemplates()): LoadedTemplates {
  const problems: Finding[] = [];
  const general = readFolder(shipped, problems);
  const own = new Map<string, readonly Template[]>();
  for (const home of homesIn(systemsFolder)) own.set(home.id, readFolder(join(home.path, "comms"), problems));
  return {
    templates: {
      for(system) {
        const theirs = own.get(system) ?? [];
        const replaced = new Set(theirs.map(({ id }) => id));
        return [...general.filter(({ id }) => !replaced.has(id)), ...theirs];
      },
    },
    problems,
    count: general.length + [...own.values()].flat().length,
  };
}

function homesIn(folder: string): { id: string; path: string }[] {
  if (existsSync(join(folder, "system.yml"))) return [{ id: basename(resolve(folder)), path: folder }];
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => !name.startsWith(".") && statSync(join(folder, name)).isDirectory())
    .sort()
    .map((name) => ({ id: name, path: join(folder, name) }));
}

function readFolder(folder: string, problems: Finding[]): readonly Template[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".md") && name !== "README.md")
    .sort();
  return names.flatMap((name) => {
    const file = join(folder, name);
    const { template, findings } = readTemplate(file, name.slice(0, -".md".length), readFileSync(file, "utf8"));
    problems.push(...findings);
    return template !== null && isClean(findings) ? [template] : [];
  });
}
