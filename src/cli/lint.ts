import { join } from "node:path";
import { cards } from "../actions/index.ts";
import { lint as lintCatalog } from "../catalog/lint.ts";
import { reportFindings } from "../catalog/report.ts";
import { loadTemplates } from "../comms/load.ts";
import { projectRoot } from "../lib/root.ts";
import { checkTemplates } from "../report/templates.ts";

/** Systems, runbooks and what is said. Exit code 0: no errors (warnings are printed). 1: at least one. */
export async function lint(rest: readonly string[]): Promise<number> {
  const folder = rest[0] ?? join(projectRoot(), "templates", "systems");
  const catalog = lintCatalog(folder, cards);
  const comms = loadTemplates(folder);
  process.stdout.write(catalog.text);
  process.stdout.write(
    comms.problems.length === 0 ? `${comms.count} comms templates: no problems\n` : reportFindings(comms.problems),
  );
  const reports = checkTemplates(folder);
  if (reports.problems.length > 0) process.stdout.write(reportFindings(reports.problems));
  else if (reports.count > 0) process.stdout.write(`Post-mortem templates of systems: ${reports.count}, no problems\n`);
  return [...catalog.problems, ...comms.problems, ...reports.problems].some(({ level }) => level === "error") ? 1 : 0;
}
