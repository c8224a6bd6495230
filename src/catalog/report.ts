import { relative } from "node:path";
import type { Finding } from "./fault.ts";

/**
 * Findings as a page: where, what, the line itself with what is meant underlined, what is allowed, and what was probably
 * meant. Files are named from `from` (the current folder), so that an editor's terminal can open them.
 */
export function reportFindings(findings: readonly Finding[], from = process.cwd()): string {
  if (findings.length === 0) return "";
  const pages = findings.map((finding) => `${reportFinding(finding, from)}\n`);
  return `${pages.join("\n")}\n${countOf(findings)}\n`;
}

function reportFinding(finding: Finding, from: string): string {
  const { level, rule, line, column, what, allowed, next } = finding;
  const file = relative(from, finding.file) || finding.file;
  const gutter = " ".repeat(String(line).length);
  const excerpt =
    finding.source === ""
      ? []
      : [`${gutter} |`, `${line} | ${finding.source}`, `${gutter} | ${indentOf(finding)}${"^".repeat(finding.length)}`];
  const hints = [allowed, next]
    .filter((hint) => hint !== undefined && hint !== "")
    .map((hint) => `${gutter} = ${hint}`);
  return [`${file}:${line}:${column}: ${level}: ${what} [${rule}]`, ...excerpt, ...hints].join("\n");
}

/** As wide as what stands before the place, tabs kept, so that the caret meets it. */
function indentOf({ source, column }: Finding): string {
  return source.slice(0, column - 1).replaceAll(/[^\t]/gu, " ");
}

export function countOf(findings: readonly Finding[]): string {
  const errors = findings.filter(({ level }) => level === "error").length;
  const warnings = findings.length - errors;
  const parts = [count(errors, "error"), count(warnings, "warning")].filter((part) => part !== null);
  return parts.length === 0 ? "no problems" : parts.join(", ");
}

function count(n: number, word: string): string | null {
  return n === 0 ? null : `${n} ${word}${n === 1 ? "" : "s"}`;
}
