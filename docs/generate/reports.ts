import { factNames } from "../../src/report/names.ts";
import { RULES } from "../../src/report/suggest.ts";
import { code, inline, page, table } from "./markdown.ts";

/** What a report's template may name, and what follows from which fact. */
export function reportPage(): string {
  return page(
    "Reports",
    "src/report/",
    "What is in a post-mortem, and where does it come from? [How to get one](../post-mortem.md).",
    "## What is proposed",
    "Each of these facts of the record becomes an action item that people give an owner, or strike out.",
    table(
      ["Fact", "Id"],
      RULES.map(({ id, fact }) => [inline(fact), code(id)]),
    ),
    "## What a template may name",
    "A list is gone through with `{% for one in runs %}`; its entries are named after the list here: `runs[].title`.",
    table(["Name", "What it is"], named(factNames, "")),
  );
}

function named(shape: unknown, path: string): readonly (readonly string[])[] {
  if (typeof shape === "string") return [[code(path), inline(shape)]];
  if (Array.isArray(shape)) return named(shape[0], `${path}[]`);
  return Object.entries(shape as object).flatMap(([key, value]) => named(value, path === "" ? key : `${path}.${key}`));
}
