import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@jest/globals";

export * from "./print-blocks.ts";

/**
 * Compares text with the page kept in `pages/` of a folder. `PAGES=write` writes pages again, to be read before they are
 * committed.
 */
export function keepPages(folder: string): (name: string, text: string) => void {
  return (name, text) => {
    const file = join(folder, "pages", name);
    if (process.env.PAGES === "write") writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, "utf8"));
  };
}
