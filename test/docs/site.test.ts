import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { navigation } from "../../docs/.vitepress/navigation.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { allPages, prose } from "./pages.ts";

const root = projectRoot();
const pages = allPages();
const inSidebar = navigation.flatMap(({ items }) => items.map(({ link }) => link));

/** `/operations/` → `docs/operations/index.md`. */
function fileOf(link: string): string {
  const file = link === "/decisions/" ? "/decisions/README" : link.endsWith("/") ? `${link}index` : link;
  return `docs${file}.md`;
}

test("the sidebar leads to pages, and to every page that isn't below another", () => {
  const known = new Set(pages.map(({ file }) => file));
  expect(inSidebar.filter((link) => !known.has(fileOf(link)))).toEqual([]);
  const listed = new Set(inSidebar.map(fileOf));
  const lost = [...known].filter(
    (file) => file.startsWith("docs/") && !listed.has(file) && !/^docs\/(decisions\/\d|reference\/\w+\/)/.test(file),
  );
  expect(lost).toEqual([]);
});

test("every link to a file leads to one, and to a heading there", () => {
  const dead = pages.flatMap(({ file, text }) =>
    linksIn(text).flatMap((href) => {
      const [path = "", hash] = href.split("#");
      const target = path === "" ? file : relative(root, resolve(root, dirname(file), decodeURI(path)));
      if (!existsSync(join(root, target))) return [`${file} → ${href}: no such file`];
      if (hash === undefined || !target.endsWith(".md")) return [];
      return headingsIn(readFileSync(join(root, target), "utf8")).has(hash)
        ? []
        : [`${file} → ${href}: no such heading`];
    }),
  );
  expect(dead).toEqual([]);
});

test("the site has its own lockfile, with versions that are pinned, and none of its packages are the bot's", () => {
  const own = JSON.parse(readFileSync(join(root, "docs", "package.json"), "utf8"));
  for (const version of Object.values<string>(own.devDependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  const lock = JSON.parse(readFileSync(join(root, "docs", "package-lock.json"), "utf8"));
  for (const [path, entry] of Object.entries<{ integrity?: string; resolved?: string }>(lock.packages)) {
    if (path !== "") expect([path, entry.integrity?.startsWith("sha512-")]).toEqual([path, true]);
    expect([path, entry.resolved]).toEqual([path, undefined]);
  }
  const ours = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  expect(Object.keys(ours.packages).filter((path) => /(^|\/)vitepress$/.test(path))).toEqual([]);
  expect(readFileSync(join(root, ".ci", "run"), "utf8")).toContain("npm run --prefix docs build");
});

function linksIn(text: string): readonly string[] {
  const found = [
    ...prose(text)
      .replaceAll(/`[^`\n]+`/g, "")
      .matchAll(/\]\(([^()\s]+)\)|<img src="([^"]+)"/g),
  ];
  return found.map(([, link, image]) => link ?? image ?? "").filter((href) => !/^[a-z]+:/.test(href));
}

/** Ids of headings, as the site and as a repository's page make them. */
function headingsIn(text: string): ReadonlySet<string> {
  const headings = [
    ...prose(text)
      .replaceAll(/`[^`\n]+`/g, "")
      .matchAll(/^#{1,6} (.+)$/gm),
  ].map(([, words = ""]) => words);
  return new Set(
    headings.flatMap((words) => {
      const own = /\{#([\w-]+)\}$/.exec(words)?.[1];
      const plain = words
        .replaceAll(/[`*]/g, "")
        .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1")
        .toLowerCase();
      const dashes = plain.replaceAll(/[\s~!@#$%^&()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, "-").replaceAll(/^-|-$/g, "");
      return own ? [own] : [dashes, plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")];
    }),
  );
}
