import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parseSync } from "@swc/core";
import { configurationTable } from "../src/config.ts";
import { projectRoot } from "../src/lib/root.ts";
import { renamedSettings } from "../src/renamed-settings.ts";
import { RETIRED_IN_NAMES } from "./support/retired-words.ts";

const root = projectRoot();

/**
 * What keeps a retired word in its name, and why: a file, a folder (ending with `/`; both with what they export), or an export.
 * One that is no longer needed fails below.
 */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "commands/vouch.ts": "named after the verb people type",
  "src/timeline/migrations/": "migrations that have run keep their names",
  "test/simulation/": "the world a simulation runs in: targets, store, Slack and clock together",
  LANES: "swim lanes of the picture in a post-mortem",
};

/** Identifiers of other shapes that keep a retired word, and why. */
const IDENTIFIERS_KEPT: Readonly<Record<string, string>> = {
  door: "a field of events that are stored: the transport a person used",
  LIFEBOAT_DOOR_PEOPLE: "a former name of a setting, still read for one release",
  trial: "an option of Playwright",
  vouch: "the verb people type",
};

/** Files whose identifiers are given from outside. */
const GIVEN = new Set(["practice/slack/page/emoji.js", "test/support/retired-words.ts"]);

/** Retired as names of things; ordinary words inside a function, where they name a value for a few lines. */
const ORDINARY = new Set(["carries", "lane", "night", "passing", "proof", "standing", "told", "wanted", "world"]);

const files = ["src", "commands", "templates/messages", "practice", "test", "docs"].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    // Mistakes are named by what is wrong with them, in the words of who made it.
    .filter((file) => !/^test\/catalog\/rules\/\w[\w-]*\/|\/mistakes\/|\/\.vitepress\/(cache|dist)\//.test(file)),
);

/** The words of `openFrontDoor`, `glass-page` or `LIFEBOAT_DOOR_PEOPLE`, in lower case. What is one term together is left out. */
function wordsOf(name: string): readonly string[] {
  const words = name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? [];
  return words
    .join("-")
    .toLowerCase()
    .replace(/break-glass|split-brain|stand-in/g, "")
    .split("-");
}

function retiredIn(name: string): readonly string[] {
  return wordsOf(name).flatMap((word) => {
    const found = [word, word.replace(/s$/, "")].find((one) => Object.hasOwn(RETIRED_IN_NAMES, one));
    return found === undefined ? [] : [`${name}: ${found} (${RETIRED_IN_NAMES[found]})`];
  });
}

function strictlyRetiredIn(name: string): readonly string[] {
  return wordsOf(name).some((word) => ORDINARY.has(word) || ORDINARY.has(word.replace(/s$/, "")))
    ? []
    : retiredIn(name);
}

function exportsOf(source: string): readonly string[] {
  const declared = source.matchAll(
    /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|class|interface|type|const|let|enum) (\w+)/gm,
  );
  const listed = [...source.matchAll(/^export \{([^}]+)\}/gm)].flatMap(([, list = ""]) =>
    list.split(",").map((one) => one.replace(/^.*\bas\b|\btype\b/, "").trim()),
  );
  return [...[...declared].map(([, name = ""]) => name), ...listed];
}

const exported = files
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) => exportsOf(readFileSync(join(root, file), "utf8")).map((name) => ({ file, name })));

/** What is declared or used in a source: variables, functions, parameters, properties. Texts and comments are not in it. */
function identifiersOf(source: string): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if ((node as { type?: string }).type === "Identifier") found.add((node as { value: string }).value);
    for (const value of Object.values(node)) visit(value);
  };
  visit(parseSync(source, { syntax: "typescript", target: "es2022" }));
  return found;
}

/** The exception that covers a file, if any. */
function exceptionOf(file: string): string | undefined {
  return Object.keys(EXCEPTIONS).find((one) => (one.endsWith("/") ? file.startsWith(one) : file === one));
}

describe("no retired word comes back", () => {
  test("in the name of a file or folder", () => {
    expect(files.filter((file) => exceptionOf(file) === undefined).flatMap(retiredIn)).toEqual([]);
  });

  test("in the name of an export", () => {
    const found = exported
      .filter(({ file, name }) => exceptionOf(file) === undefined && !Object.hasOwn(EXCEPTIONS, name))
      .flatMap(({ file, name }) => retiredIn(name).map((says) => `${file} exports ${says}`));
    expect(found).toEqual([]);
  });

  test("in any other identifier, ordinary words aside", () => {
    const found = files
      .filter((file) => /\.m?[jt]s$/.test(file) && exceptionOf(file) === undefined && !GIVEN.has(file))
      .flatMap((file) =>
        [...identifiersOf(readFileSync(join(root, file), "utf8"))]
          .filter((name) => !Object.hasOwn(IDENTIFIERS_KEPT, name) && !Object.hasOwn(EXCEPTIONS, name))
          .flatMap((name) => strictlyRetiredIn(name).map((says) => `${file}: ${says}`)),
      );
    expect(found).toEqual([]);
  });

  test("in the name of a setting", () => {
    const settings = [...configurationTable().matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name = ""]) => name);
    expect(settings.length).toBeGreaterThan(20);
    expect(settings.filter((name) => !Object.hasOwn(renamedSettings, name)).flatMap(retiredIn)).toEqual([]);
  });

  test("a name with a retired word would be found", () => {
    expect(
      exportsOf("export async function openFrontDoor() {}\nexport { a as sight, type b };\n").flatMap(retiredIn),
    ).toEqual(["openFrontDoor: door (transport, or server)", "sight: sight (snapshot)"]);
    expect(
      [...identifiersOf("const house = { furnish: (deed: Told) => deed.sight };")].flatMap(strictlyRetiredIn),
    ).toEqual([
      "house: house (command context, or app)",
      "furnish: furnish (channel setup)",
      "deed: deed (user action, or the step it is)",
      "sight: sight (snapshot)",
    ]);
    expect(files.filter((file) => file.includes("/pages/")).length).toBeGreaterThan(100);
    expect(retiredIn("test/commands/pages/told-view.out")).toHaveLength(1);
    expect(["break-glass.ts", "lifeboat_door", "stands-in.ts"].map((name) => retiredIn(name).length)).toEqual([
      0, 1, 0,
    ]);
  });

  test("every exception is still needed", () => {
    const needed = new Set([
      ...files.filter((file) => retiredIn(file).length > 0).map(exceptionOf),
      ...exported
        .filter(({ name }) => retiredIn(name).length > 0)
        .flatMap(({ file, name }) => [exceptionOf(file), name]),
    ]);
    expect(Object.keys(EXCEPTIONS).filter((one) => !needed.has(one))).toEqual([]);
  });
});

describe("the glossary", () => {
  const entries = readFileSync(join(root, "docs", "glossary.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("- "));

  test("gives every term one sentence", () => {
    expect(entries.length).toBeGreaterThan(50);
    expect(entries.filter((line) => !/^- \*\*[A-Z][\w() -]+\*\*: [^.]+\.$/.test(line))).toEqual([]);
  });

  test("is in alphabetical order", () => {
    const terms = entries.map((line) => line.slice(4, line.indexOf("**:")).toLowerCase());
    expect(terms).toEqual([...terms].sort((a, b) => a.localeCompare(b, "en")));
  });

  test("has a file for every term, which is there", () => {
    const rows = [
      ...readFileSync(join(root, "docs", "concepts.md"), "utf8").matchAll(/^\| ([A-Z][^|`]*) \| `([^`]+)` \|$/gm),
    ];
    expect(rows.map(([, term]) => term)).toEqual(entries.map((line) => line.slice(4, line.indexOf("**:"))));
    expect(rows.flatMap(([, , path = ""]) => (existsSync(join(root, path)) ? [] : [path]))).toEqual([]);
  });

  test("uses no retired word as a term", () => {
    expect(entries.map((line) => line.slice(4, line.indexOf("**:"))).flatMap(retiredIn)).toEqual([]);
  });
});
