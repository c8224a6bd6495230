import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";

export interface Page {
  /** Path below the root: `docs/install.md`. */
  readonly file: string;
  readonly text: string;
}

const atRoot = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "deploy/README.md"];

/** Everything people read: the pages at the root and those of the site. */
export function allPages(): readonly Page[] {
  const below = readdirSync(join(projectRoot(), "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md") && !/(^|\/)(node_modules|\.vitepress)\//.test(file))
    .map((file) => `docs/${file}`);
  return [...atRoot, ...below].map((file) => ({ file, text: readFileSync(join(projectRoot(), file), "utf8") }));
}

/** A page without its code blocks. */
export function prose(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
}

/** What stands in code spans and code blocks of a page. */
export function codeIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^ *```\w*\n([\s\S]*?)^ *```$/gm)].flatMap(([, block = ""]) => block.split("\n"));
  const spans = [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return [...blocks, ...spans].map((line) => line.trim());
}
