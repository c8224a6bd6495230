import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";

/** `npm run bench` runs under Node alone: whatever it loads may not need the test runner. */
test("nothing a benchmark loads imports from the test runner", () => {
  const seen = new Map<string, string>();
  const next: [file: string, from: string][] = [[join(projectRoot(), "test/bench/index.ts"), ""]];
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    const [file, from] = at;
    if (seen.has(file)) continue;
    const source = readFileSync(file, "utf8");
    seen.set(file, from);
    const named = source.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from "([^"]+)"|^import "([^"]+)"/gm);
    for (const [, one, other] of named) {
      const name = one ?? other ?? "";
      if (name.startsWith(".")) next.push([resolve(dirname(file), name), file]);
      else if (/jest/.test(name)) throw new Error(`${file} imports ${name}, and is loaded by ${from}`);
    }
  }
  expect(seen.size).toBeGreaterThan(50);
});
