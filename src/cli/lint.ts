import { join } from "node:path";
import { parseArgs } from "node:util";
import { cards } from "../actions/index.ts";
import { lint as lintCatalog } from "../catalog/lint.ts";
import { reportFindings } from "../catalog/report.ts";
import { REPORT_FORMATS, type ReportFormat, reportAs } from "../catalog/report-formats.ts";
import { loadTemplates } from "../comms/load.ts";
import { LifeboatError } from "../lib/errors.ts";
import { projectRoot } from "../lib/root.ts";
import { checkTemplates } from "../report/templates.ts";
import { versionNumber } from "./version.ts";

/** Systems, runbooks and what is said. Exit code 0: no errors (warnings are printed). 1: at least one. */
export async function lint(rest: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...rest],
    options: { format: { type: "string", default: "text" } },
    allowPositionals: true,
    strict: true,
  });
  const format = formatOf(values.format);
  const folder = positionals[0] ?? join(projectRoot(), "templates", "systems");
  const catalog = lintCatalog(folder, cards);
  const comms = loadTemplates(folder);
  const reports = checkTemplates(folder);
  const problems = [...catalog.problems, ...comms.problems, ...reports.problems];
  if (format !== "text") process.stdout.write(reportAs(format, problems, { version: versionNumber() }));
  else {
    process.stdout.write(catalog.text);
    process.stdout.write(
      comms.problems.length === 0 ? `${comms.count} comms templates: no problems\n` : reportFindings(comms.problems),
    );
    if (reports.problems.length > 0) process.stdout.write(reportFindings(reports.problems));
    else if (reports.count > 0)
      process.stdout.write(`Post-mortem templates of systems: ${reports.count}, no problems\n`);
  }
  return problems.some(({ level }) => level === "error") ? 1 : 0;
}

function formatOf(given: string): ReportFormat {
  const found = REPORT_FORMATS.find((one) => one === given);
  if (found !== undefined) return found;
  throw new LifeboatError({
    code: "unknown-format",
    where: "--format",
    what: `There is no format "${given}"`,
    allowed: `Allowed: ${REPORT_FORMATS.join(", ")}`,
  });
}
