import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { commandTable } from "../commands/index.ts";
import { configurationTable } from "../src/config.ts";
import { projectRoot } from "../src/lib/root.ts";

/** The README's tables come from the code. `UPDATE_PAGES=1 npm test -- readme` writes them. */
const file = join(projectRoot(), "README.md");
const generated: Record<string, () => string> = { commands: commandTable, configuration: configurationTable };

function around(name: string): RegExp {
  return new RegExp(`(<!-- generated: ${name} -->\n)([^]*?)(<!-- /generated: ${name} -->)`);
}

/** A formatter may pad a table; what it says stays. */
function unpadded(table: string): string {
  return table
    .replaceAll(/[ \t]*\|[ \t]*/g, "|")
    .replaceAll(/-{3,}/g, "---")
    .trim();
}

describe("the README", () => {
  test.each(Object.entries(generated))("says the %s as they are in the code", (name, table) => {
    const readme = readFileSync(file, "utf8");
    if (process.env.UPDATE_PAGES) writeFileSync(file, readme.replace(around(name), `$1${table()}\n$3`));
    const shown = around(name).exec(readFileSync(file, "utf8"))?.[2];
    expect(unpadded(shown ?? "")).toBe(unpadded(table()));
  });

  test("names only npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(projectRoot(), "package.json"), "utf8"));
    const named = [...readFileSync(file, "utf8").matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(
      ([, script]) => script as string,
    );
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});
