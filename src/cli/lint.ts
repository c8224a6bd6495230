import { join } from "node:path";
import { cards } from "../actions/index.ts";
import { lint as lintCatalog } from "../catalog/lint.ts";
import { reportFindings } from "../catalog/report.ts";
import { loadTemplates } from "../comms/load.ts";
import { projectRoot } from "../lib/root.ts";

/** Systems, runbooks and what is said. Exit code 0: no errors (warnings are printed). 1: at least one. */
export async function lint(rest: readonly string[]): Promise<number> {
  const folder = rest[0] ?? join(projectRoot(), "templates", "systems");
  const catalog = lintCatalog(folder, cards);
  const comms = loadTemplates(folder);
  process.stdout.write(catalog.text);
  process.stdout.write(
    comms.problems.length === 0 ? `${comms.count} comms templates: no problems\n` : reportFindings(comms.problems),
  );
  return [...catalog.problems, ...comms.problems].some(({ level }) => level === "error") ? 1 : 0;
}
