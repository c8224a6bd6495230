import { join } from "node:path";
import { cards } from "../actions/index.ts";
import { lint as lintCatalog } from "../catalog/lint.ts";
import { projectRoot } from "../lib/root.ts";

/** Exit code 0: no errors (warnings are printed). 1: at least one. */
export async function lint(rest: readonly string[]): Promise<number> {
  const folder = rest[0] ?? join(projectRoot(), "templates", "systems");
  const { problems, text } = lintCatalog(folder, cards);
  process.stdout.write(text);
  return problems.some(({ level }) => level === "error") ? 1 : 0;
}
