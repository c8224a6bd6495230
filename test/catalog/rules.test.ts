import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { lint } from "../../src/catalog/lint.ts";
import { rules } from "../../src/catalog/rules/index.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { makeFolder, shelf, shopSystem, valuesRunbook } from "../support/catalog-folder.ts";
import { cards } from "./cards.ts";

/**
 * A page is a file with something wrong in it (`x.yml`) and what a person is told about it (`x.out`). A page that begins
 * with `title:` and holds `components:` is a system, any other a runbook of the shop, beside those of the shelf that it names. After a change of words:
 * `LIFEBOAT_UPDATE_PAGES=1` writes the pages again; read the difference before you keep it.
 */
const home = join(projectRoot(), "test/catalog/rules");
const update = process.env.LIFEBOAT_UPDATE_PAGES === "1";
const folders = readdirSync(home).sort();
const pages = folders.flatMap((rule) =>
  readdirSync(join(home, rule))
    .filter((name) => name.endsWith(".yml"))
    .map((name) => ({ rule, name: name.slice(0, -".yml".length) })),
);

describe("what a person is told", () => {
  test.each(pages)("$rule/$name", ({ rule, name }) => {
    const said = linted(readFileSync(join(home, rule, `${name}.yml`), "utf8"));
    const page = join(home, rule, `${name}.out`);
    if (update) writeFileSync(page, said);
    expect(said).toBe(existsSync(page) ? readFileSync(page, "utf8") : "");
  });

  test.each(pages.filter(({ rule }) => isRule(rule)))("$rule/$name is about its rule", ({ rule, name }) => {
    const said = readFileSync(join(home, rule, `${name}.out`), "utf8");
    const tags = [...said.matchAll(/^\S+(?:page|system).yml:\S+ (?:error|warning): .* \[([a-z-]+)\]$/gm)].map(
      (match) => match[1],
    );
    expect(new Set(tags)).toEqual(new Set([rule]));
  });
});

test("every rule has a page", () => {
  expect(folders.filter(isRule)).toEqual([...rules.map(({ id }) => id), "use"].sort());
});

function isRule(folder: string): boolean {
  return !["syntax", "shape"].includes(folder);
}

function includedBy(page: string): Record<string, string> {
  const named = Object.entries(shelf).filter(([id]) => new RegExp(`(use|runbook|verify|restore): ${id}\\b`).test(page));
  return Object.fromEntries(named.map(([id, text]) => [`shop/runbooks/${id}.yml`, text]));
}

/** A page whose scripts are called `restore` is about what they are asked, and not about whether they may be. */
function scriptsOf(page: string): string {
  return page.includes("script: restore\n") ? "scripts:\n  restore: { file: scripts/repoint.sh }\n" : "";
}

function linted(text: string): string {
  const isSystem = /^components:/m.test(text);
  const folder = makeFolder({
    "shop/system.yml": isSystem ? text : `${shopSystem}${scriptsOf(text)}`,
    ...(isSystem ? {} : { "shop/runbooks/page.yml": text }),
    ...(isSystem && !text.includes("standbyHost") ? {} : { "shop/runbooks/values.yml": valuesRunbook }),
    ...includedBy(text),
    "shop/scripts/repoint.sh": "#!/bin/sh\n",
    "outside.sh": "#!/bin/sh\n",
  });
  try {
    return lint(folder.path, cards, folder.path).text;
  } finally {
    folder.remove();
  }
}
