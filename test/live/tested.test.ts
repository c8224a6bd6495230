import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { dealsOf } from "./hold.ts";
import { NO_PEER } from "./peers.ts";
import { targetNamed, targets } from "./targets.ts";
import { programOf, readTested } from "./tested.ts";
import { PAGE, testedPage } from "./tested-page.ts";

/** The page claims nothing that isn't so: what the suites hold now, and the versions that are pinned now. */
test("docs/tested-against.md is what the suites noted and the contracts say", async () => {
  const page = await testedPage();
  if (process.env.PAGES === "write" || process.env.LIFEBOAT_UPDATE_PAGES === "1") await writeFile(PAGE, page);
  expect(await readFile(PAGE, "utf8")).toBe(page);
});

test("every target has a program it was held against, or a reason why not", async () => {
  const bySuite = new Set((await readTested()).filter(({ by }) => by === "suite").map(({ target }) => target));
  const without = targets.filter(({ id }) => !bySuite.has(id)).map(({ id }) => id);
  expect(without.sort()).toEqual(Object.keys(NO_PEER).sort());
  for (const target of targets) if (programOf(target) !== null) expect(bySuite).toContain(target.id);
});

test("what the suites noted as held is what each contract is now", async () => {
  for (const { target, held, by } of await readTested()) {
    if (by !== "suite") continue;
    const now = dealsOf(targetNamed(target)).map(({ says }) => says);
    expect([target, held.filter((one) => !now.includes(one)), held.length]).toEqual([target, [], now.length]);
  }
});

test("moto is named in the version CI installs", async () => {
  const pinned = /^moto==(.*)$/m.exec(await readFile(join(projectRoot(), ".ci/peers.txt"), "utf8"))?.[1];
  const named = (await readTested()).filter(({ program, by }) => program === "moto" && by === "suite");
  expect(named.map(({ version }) => version)).toEqual([pinned, pinned]);
});
