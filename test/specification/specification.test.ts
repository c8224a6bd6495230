import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { keepPages } from "../support/printed-page.ts";
import { page, SPECIFICATIONS } from "./index.ts";

describe.each(SPECIFICATIONS)("$title", ({ holds, fails }) => {
  test("holds in every state that can be reached", () => {
    const { states, counterexample } = holds();
    expect(counterexample).toBeNull();
    expect(states).toBeGreaterThan(10);
  });

  test("fails without its guard", () => {
    expect(fails().counterexample).not.toBeNull();
  });
});

test("the counterexamples are those of the page", () => {
  keepPages(join(projectRoot(), "test", "specification"))("specifications.txt", page());
});
