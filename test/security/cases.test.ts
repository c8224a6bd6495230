import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";

/** Rows of the tables in a page: `| what is tried | what happens | held by |`. */
interface Row {
  readonly tried: string;
  readonly file: string;
  /** `*`: the file as a whole. */
  readonly title: string;
}

const page = readFileSync(join(projectRoot(), "docs/security-cases.md"), "utf8");
const rows: Row[] = page.split("\n").flatMap((line) => {
  const [tried, happens, held] = line.split(/(?<!\\)\|/).slice(1, -1);
  if (held === undefined || tried?.trim() === "what is tried" || /^-+$/.test(tried ?? "")) return [];
  const found = /^ `(test\/[\w./-]+\.ts)`: (.+) $/.exec(held);
  if (!found?.[1] || !found[2] || !happens?.trim()) throw new Error(`No test is named: ${line}`);
  return [{ tried: tried?.trim() ?? "", file: found[1], title: found[2] }];
});

test("every case names a test, and each once", () => {
  expect(rows.length).toBeGreaterThan(50);
  expect(rows.map(({ tried }) => tried)).toEqual([...new Set(rows.map(({ tried }) => tried))]);
});

test.each(rows)("$tried: $file", ({ file, title }) => {
  const source = readFileSync(join(projectRoot(), file), "utf8");
  if (title === "*") return expect(source).toMatch(/\n *test(?:\.each)?\(/);
  const at = source.indexOf(JSON.stringify(title));
  expect([title, at > 0]).toEqual([title, true]);
  expect(source.slice(Math.max(0, at - 40), at)).not.toMatch(/\.(?:skip|todo)(?:\.each)?\(/);
});
