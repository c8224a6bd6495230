import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { messageOf } from "../lib/errors.ts";
import type { Draft } from "./draft.ts";
import { errorAt, type Finding, isClean } from "./fault.ts";
import { parseYaml } from "./parse.ts";
import { parsePartially } from "./partial-parse.ts";
import { type Source, toFinding } from "./positions.ts";
import { checkRunbook, checkSystem, checkWhole, type RuleFault } from "./rules/index.ts";
import { toDraft } from "./runbook.ts";
import { runbookSchema, systemSchema } from "./schema.ts";
import { type Chain, toChains, toSystem } from "./system.ts";
import type { ActionCard, Catalog, Runbook, System } from "./types.ts";
import { flatten } from "./use.ts";

export interface Loaded {
  /** What has no error: a runbook with one is not in it, and nothing of a system with one is. */
  readonly catalog: Catalog;
  /** Every system whose file could be read, those with mistakes too. */
  readonly readable: readonly System[];
  /** Errors and warnings, by file and line. */
  readonly problems: readonly Finding[];
}

const idPattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/**
 * Reads `<folder>/<system>/system.yml` and `<folder>/<system>/runbooks/*.yml`, or one system when `folder` is one.
 * Without `cards` nothing is known of actions, and what depends on them is left unchecked: the planner checks it again.
 * Never throws: a folder that can't be read is a problem.
 */
export function loadCatalog(folder: string, cards?: ReadonlyMap<string, ActionCard>): Loaded {
  const problems: Finding[] = [];
  const systems: System[] = [];
  const readable: System[] = [];
  const runbooks: Runbook[] = [];
  for (const home of homesIn(folder, problems)) {
    const read = readSystem(home, problems);
    if (read === null) {
      checkShapes(home, problems);
      continue;
    }
    const found = readRunbooks(read, problems, cards ?? null);
    readable.push(read.system);
    if (read.whole) {
      systems.push(read.system);
      runbooks.push(...found);
    }
  }
  return { catalog: { systems, runbooks }, readable, problems: inOrder(problems) };
}

interface ReadSystem {
  readonly home: string;
  readonly source: Source;
  readonly system: System;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly whole: boolean;
}

/** The folders of the systems in a folder, or the folder itself where it is one. */
export function homesIn(folder: string, problems: Finding[]): string[] {
  if (existsSync(join(folder, "system.yml"))) return [folder];
  try {
    const homes = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith(".") && statSync(join(folder, entry.name)).isDirectory())
      .map((entry) => join(folder, entry.name))
      .sort();
    if (homes.length === 0) problems.push(wholeFile(folder, "There is no system in this folder"));
    return homes;
  } catch (error) {
    problems.push(wholeFile(folder, `This folder can't be read: ${messageOf(error)}`));
    return [];
  }
}

function readSystem(home: string, problems: Finding[]): ReadSystem | null {
  const file = join(home, "system.yml");
  const text = readText(file, problems);
  const id = idOf(basename(resolve(home)), file, problems);
  if (text === null || id === null) return null;
  const { source, value, findings } = parseYaml(file, text, systemSchema);
  problems.push(...findings);
  if (value === null) return null;
  const system = toSystem(id, value, home);
  const chains = toChains(value);
  const found = checkSystem({ system, chains, home }).map(({ rule, ...fault }) => toFinding(source, rule, fault));
  problems.push(...found);
  return { home, source, system, chains, whole: isClean(found) };
}

function readRunbooks(
  system: ReadSystem,
  problems: Finding[],
  cards: ReadonlyMap<string, ActionCard> | null,
): readonly Runbook[] {
  const read = runbookFiles(system.home, problems).flatMap((file) => {
    const runbook = readRunbook(file, system, problems);
    return runbook === null ? [] : [runbook];
  });
  const shelf = { system: system.system, drafts: new Map(read.map(({ draft }) => [draft.id, draft])) };
  const flat = read.map(({ draft, whole, source }) => {
    const { runbook, faults } = flatten(draft, shelf);
    problems.push(...faults.map((fault) => toFinding(source, "use", fault)));
    return { runbook, source, whole: whole && isClean(faults) };
  });
  const siblings = flat.map(({ runbook }) => runbook).filter(({ part }) => !part);
  const judged = flat.map(({ runbook, source, whole }) => {
    const faults = checkRunbook({ system: system.system, runbook, siblings, cards }, whole);
    return { runbook, source, faults, sound: whole && isClean(faults) };
  });
  for (const one of judged) {
    const found = [...withoutEchoes(one, judged), ...brokenUses(one, judged)].filter((fault) => !fault.elsewhere);
    problems.push(...found.map(({ rule, ...fault }) => toFinding(one.source, rule, fault)));
  }
  const runbooks = judged
    .filter((one) => one.sound && brokenUses(one, judged).length === 0)
    .map(({ runbook }) => runbook)
    .filter(({ part }) => !part);
  // What triage, calendar and alerts propose is looked up again when they do: a mistake there takes no runbook away.
  const faults = checkWhole({ system: system.system, runbooks: siblings, cards });
  problems.push(...faults.map(({ rule, ...fault }) => toFinding(system.source, rule, fault)));
  return runbooks;
}

interface Judged {
  readonly runbook: Runbook;
  readonly faults: readonly RuleFault[];
  readonly sound: boolean;
}

/** What is said about an included runbook where it stands itself is not said again where it is included. */
function withoutEchoes({ runbook, faults }: Judged, all: readonly Judged[]): RuleFault[] {
  return faults.filter(({ rule, path }) => {
    const used = runbook.uses?.find((one) => [...one.path, "use"].every((part, i) => path[i] === part));
    const home = used && all.find((one) => one.runbook.id === used.runbook);
    return home === undefined || home.faults.every((fault) => fault.rule !== rule);
  });
}

function brokenUses({ runbook }: Judged, all: readonly Judged[]): RuleFault[] {
  return (runbook.uses ?? []).flatMap((used) => {
    const home = all.find((one) => one.runbook.id === used.runbook);
    if (home?.sound !== false) return [];
    const fault = errorAt([...used.path, "use"], `"${used.runbook}" has mistakes of its own`, {
      next: "Correct it first",
    });
    return [{ ...fault, rule: "use" }];
  });
}

/** Where the system itself can't be read, its runbooks are at least held against their shape. */
function checkShapes(home: string, problems: Finding[]): void {
  for (const file of runbookFiles(home, problems)) {
    const text = readText(file, problems);
    if (text !== null) problems.push(...parseYaml(file, text, runbookSchema).findings);
  }
}

function runbookFiles(home: string, problems: Finding[]): string[] {
  const folder = join(home, "runbooks");
  if (!existsSync(folder)) return [];
  try {
    const names = readdirSync(folder)
      .filter((name) => !name.startsWith("."))
      .sort();
    for (const name of names.filter((name) => /\.ya?ml$/i.test(name) && !name.endsWith(".yml"))) {
      problems.push(wholeFile(join(folder, name), "This file is not read: the name of a runbook ends in .yml"));
    }
    return names.filter((name) => name.endsWith(".yml")).map((name) => join(folder, name));
  } catch (error) {
    problems.push(wholeFile(folder, `This folder can't be read: ${messageOf(error)}`));
    return [];
  }
}

interface ReadRunbook {
  readonly draft: Draft;
  readonly source: Source;
  /** False: parts of it could not be read. It is looked at for more mistakes and then left out. */
  readonly whole: boolean;
}

function readRunbook(file: string, { system, chains }: ReadSystem, problems: Finding[]): ReadRunbook | null {
  const text = readText(file, problems);
  const id = idOf(basename(file, ".yml"), file, problems);
  if (text === null || id === null) return null;
  const { source, value, findings, raw, faults: shape } = parseYaml(file, text, runbookSchema);
  problems.push(...findings);
  const written = value ?? parsePartially(raw, shape ?? []);
  if (written === null) return null;
  const { draft, faults } = toDraft(id, written, system, chains);
  problems.push(...faults.map((fault) => toFinding(source, "shape", fault)));
  return { draft, source, whole: value !== null && faults.length === 0 };
}

/** The name of a folder or file is the id people type. */
function idOf(name: string, file: string, problems: Finding[]): string | null {
  if (idPattern.test(name)) return name;
  const allowed = "A name is lower-case words joined by hyphens: database-failover";
  problems.push({ ...wholeFile(file, `"${name}" cannot be the name of a system or runbook`), allowed });
  return null;
}

function readText(file: string, problems: Finding[]): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    problems.push(wholeFile(file, `This file can't be read: ${messageOf(error)}`));
    return null;
  }
}

/** Something that is true of a file as a whole, or of one that is not there. */
export function wholeFile(file: string, what: string): Finding {
  return { level: "error", rule: "file", file, line: 1, column: 1, source: "", length: 1, what };
}

function inOrder(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}
