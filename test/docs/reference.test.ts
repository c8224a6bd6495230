import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { generatedFolders, referencePages } from "../../docs/generate/index.ts";
import { actions } from "../../src/actions/index.ts";
import { projectRoot } from "../../src/lib/root.ts";

/** `docs/reference/` is written from the code. `npm run docs:reference` writes it again. */
const docs = join(projectRoot(), "docs");
const pages = referencePages();

test.each([...pages.keys()])("docs/%s says what the code says (npm run docs:reference)", (file) => {
  expect(readFileSync(join(docs, file), "utf8")).toBe(pages.get(file));
});

test("nothing else is in the folders of generated pages", () => {
  const there = generatedFolders.flatMap((folder) =>
    readdirSync(join(docs, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => `${folder}/${file}`),
  );
  expect(there.filter((file) => !pages.has(file))).toEqual([]);
});

test("every action that changes something says what it changes, its undo, its repeat class and its failure modes", () => {
  const text = [...pages].flatMap(([file, page]) => (file.startsWith("reference/actions/") ? [page] : [])).join("\n");
  const entries = new Map(text.split(/^## /m).map((entry) => [entry.split(" ")[0], entry]));
  for (const { id, risk } of actions.values()) {
    const entry = entries.get(id) ?? "";
    expect([id, entry.includes(`**Risk**: ${risk}`)]).toEqual([id, true]);
    if (risk === "read") continue;
    for (const part of ["**Effect**: ", "**Undo**: ", "**Repeat class**: ", "**Failure modes**"])
      expect([id, part, entry.includes(part)]).toEqual([id, part, true]);
    expect(entry).not.toMatch(/undefined|\[object/);
  }
});
