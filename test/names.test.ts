import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { configurationTable } from "../src/config.ts";
import { projectRoot } from "../src/lib/root.ts";
import { RETIRED_IN_NAMES } from "./support/retired-words.ts";

const root = projectRoot();

/** What keeps a retired word in its name, and why. A path ends with `/` where it means a folder. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "commands/vouch.ts": "named after the verb people type",
  vouch: "the command people type",
  "src/timeline/migrations/": "migrations that have run keep their names",
};

const files = ["src", "commands", "templates/messages", "practice", "test", "docs"].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    // Pages of tests are named by what they show.
    .filter((file) => !/\/(pages|rules|mistakes)\/|\/\.vitepress\/(cache|dist)\//.test(file)),
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

function exportsOf(source: string): readonly string[] {
  const declared = source.matchAll(
    /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|class|interface|type|const|let|enum) (\w+)/gm,
  );
  const listed = [...source.matchAll(/^export \{([^}]+)\}/gm)].flatMap(([, list = ""]) =>
    list.split(",").map((one) => one.replace(/^.*\bas\b|\btype\b/, "").trim()),
  );
  return [...[...declared].map(([, name = ""]) => name), ...listed];
}

describe("no retired word comes back", () => {
  test("in the name of a file or folder", () => {
    const excepted = (file: string) =>
      Object.keys(EXCEPTIONS).some(
        (one) => one.includes("/") && (one.endsWith("/") ? file.startsWith(one) : file === one),
      );
    expect(files.filter((file) => !excepted(file)).flatMap(retiredIn)).toEqual([]);
  });

  test("in the name of an export", () => {
    const found = files
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) =>
        exportsOf(readFileSync(join(root, file), "utf8"))
          .filter((name) => !Object.hasOwn(EXCEPTIONS, name))
          .flatMap(retiredIn)
          .map((says) => `${file} exports ${says}`),
      );
    expect(found).toEqual([]);
  });

  test("in the name of a setting", () => {
    const settings = [...configurationTable().matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name = ""]) => name);
    expect(settings.length).toBeGreaterThan(20);
    expect(settings.flatMap(retiredIn)).toEqual([]);
  });

  test("a name with a retired word would be found", () => {
    expect(
      exportsOf("export async function openFrontDoor() {}\nexport { a as sight, type b };\n").flatMap(retiredIn),
    ).toEqual(["openFrontDoor: door (transport, or server)", "sight: sight (snapshot)"]);
    expect(["break-glass.ts", "lifeboat_door", "stands-in.ts"].map((name) => retiredIn(name).length)).toEqual([
      0, 1, 0,
    ]);
  });

  test("every exception is still there", () => {
    const names = new Set(
      files.filter((file) => file.endsWith(".ts")).flatMap((file) => exportsOf(readFileSync(join(root, file), "utf8"))),
    );
    const stale = Object.keys(EXCEPTIONS).filter((one) =>
      one.includes("/")
        ? !files.some((file) => (one.endsWith("/") ? file.startsWith(one) : file === one))
        : !names.has(one),
    );
    expect(stale).toEqual([]);
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

  test("uses no retired word as a term", () => {
    expect(entries.map((line) => line.slice(4, line.indexOf("**:"))).flatMap(retiredIn)).toEqual([]);
  });
});
