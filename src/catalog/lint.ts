import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./fault.ts";
import { loadCatalog } from "./load.ts";
import { countOf, reportFindings } from "./report.ts";
import type { ActionCard, System } from "./types.ts";
import { loadVariables, missingValues } from "./variables.ts";

export interface Lint {
  /** Errors keep a file out of the catalogue; warnings do not. */
  readonly problems: readonly Finding[];
  readonly ok: boolean;
  /** The page a person reads: every problem with its line, and a last line that counts. */
  readonly text: string;
}

/**
 * Checks a folder of systems, or one system, against every rule, and the values an installation gives (`values.yml` beside
 * the systems, where there is one). `from`: files are named relative to it.
 */
export function lint(
  folder: string,
  cards: ReadonlyMap<string, ActionCard>,
  from?: string,
  values = join(folder, "values.yml"),
): Lint {
  const loaded = loadCatalog(folder, cards);
  const { catalog } = loaded;
  const problems = [...loaded.problems, ...(existsSync(values) ? valueProblems(loaded.readable, values) : [])];
  const ok = problems.every(({ level }) => level !== "error");
  const read = `${number(catalog.systems.length, "system")}, ${number(catalog.runbooks.length, "runbook")}`;
  const text = problems.length === 0 ? `${read}: ${countOf(problems)}\n` : reportFindings(problems, from);
  return { problems, ok, text };
}

function valueProblems(systems: readonly System[], file: string): readonly Finding[] {
  return [...loadVariables({ systems }, file).problems, ...missingValues(systems, file)];
}

function number(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}
