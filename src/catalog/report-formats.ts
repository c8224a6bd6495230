import { relative, sep } from "node:path";
import type { Finding } from "./fault.ts";
import { rules } from "./rules/index.ts";

export const REPORT_FORMATS = ["text", "json", "sarif", "github"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportOptions {
  /** Files are named from here. */
  readonly from?: string;
  /** Of Lifeboat. */
  readonly version: string;
}

/** What lint found, for programs: ours (`json`), code scanning (`sarif`), or the log of a GitHub workflow (`github`). */
export function reportAs(
  format: Exclude<ReportFormat, "text">,
  findings: readonly Finding[],
  options: ReportOptions,
): string {
  const { from = process.cwd(), version } = options;
  const fileOf = (finding: Finding) => (relative(from, finding.file) || finding.file).replaceAll(sep, "/");
  switch (format) {
    case "json":
      return json({
        errors: countOf(findings, "error"),
        warnings: countOf(findings, "warning"),
        problems: findings.map((one) => problemOf(one, fileOf(one))),
      });
    case "sarif":
      return json(sarifOf(findings, fileOf, version));
    case "github":
      return findings.map((one) => `${commandOf(one, fileOf(one))}\n`).join("");
    default:
      return format satisfies never;
  }
}

function problemOf({ level, rule, line, column, length, what, allowed, next }: Finding, file: string) {
  return { level, rule, file, line, column, length, what, ...(allowed && { allowed }), ...(next && { next }) };
}

/** SARIF 2.1.0 (OASIS): every rule once, and each finding where it stands. */
function sarifOf(findings: readonly Finding[], fileOf: (finding: Finding) => string, version: string) {
  const says = new Map(rules.map((rule) => [rule.id, rule.says]));
  const ids = [...new Set(findings.map(({ rule }) => rule))].sort();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "lifeboat",
            version,
            rules: ids.map((id) => ({ id, shortDescription: { text: says.get(id) ?? id } })),
          },
        },
        columnKind: "utf16CodeUnits",
        results: findings.map((one) => ({
          ruleId: one.rule,
          ruleIndex: ids.indexOf(one.rule),
          level: one.level,
          message: { text: sentencesOf(one).join(" ") },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(fileOf(one)) },
                region: { startLine: one.line, startColumn: one.column, endColumn: endOf(one) },
              },
            },
          ],
        })),
      },
    ],
  };
}

/** https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions */
function commandOf(finding: Finding, file: string): string {
  const { level, rule, line, column } = finding;
  const at = Object.entries({ file, line, col: column, endColumn: endOf(finding), title: rule })
    .map(([name, value]) => `${name}=${escaped(String(value)).replaceAll(":", "%3A").replaceAll(",", "%2C")}`)
    .join(",");
  return `::${level} ${at}::${escaped(sentencesOf(finding).join(" "))}`;
}

/** A line break would begin a command of its own. */
function escaped(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function sentencesOf({ what, allowed, next }: Finding): readonly string[] {
  return [what, allowed, next].flatMap((part) => (part ? [/[.!?…]$/.test(part) ? part : `${part}.`] : []));
}

/** The column after the last character that is meant. */
function endOf({ column, length }: Finding): number {
  return column + Math.max(1, length);
}

function countOf(findings: readonly Finding[], level: Finding["level"]): number {
  return findings.filter((one) => one.level === level).length;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
