import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readLine } from "../../../commands/index.ts";
import { cards } from "../../../src/actions/index.ts";
import { answersTo } from "../../../src/catalog/cycles.ts";
import { loadCatalog } from "../../../src/catalog/load.ts";
import type { Runbook } from "../../../src/catalog/types.ts";
import { lineFor } from "../../../src/command/reply/line.ts";
import { projectRoot } from "../../../src/lib/root.ts";

const { catalog } = loadCatalog(join(projectRoot(), "templates", "systems"), cards);

/** The runbooks that what is typed means. */
function meantBy(line: string): readonly Runbook[] {
  const { verb, words, options } = readLine(line.replace(/^\/dr /, ""));
  const [word = ""] = words;
  return catalog.runbooks.filter(
    (one) =>
      (options.system === undefined || options.system === one.system) &&
      (verb === "runbook" ? one.id === word : answersTo(catalog, one, verb, word)),
  );
}

describe("with all shipped systems in one catalogue, the line that is printed for a runbook starts that runbook and no other", () => {
  const printed = catalog.runbooks.map((runbook) => [lineFor(catalog, runbook, null), runbook] as const);

  test("there are some of each kind", () => {
    expect(printed.filter(([line]) => line.startsWith("/dr runbook")).length).toBeGreaterThan(5);
    expect(printed.filter(([line]) => line.startsWith("/dr failover")).length).toBeGreaterThan(5);
  });

  test.each(printed)("%s", (line, runbook) => {
    expect(meantBy(line).map(({ system, id }) => `${system}/${id}`)).toEqual([`${runbook.system}/${runbook.id}`]);
  });
});
