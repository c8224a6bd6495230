import { describe, expect, test } from "@jest/globals";
import type { ShownCheck } from "../../src/incident/events.ts";
import { adviceOf, failedOf, findingsOf, inFull } from "../../src/incident/findings.ts";

const cause = { id: "silent:10.0.0.5:5432", says: "orders-a does not answer: nothing listens there." };
const check = (says: string, more: Partial<ShownCheck> = {}): ShownCheck => {
  return { step: "look", id: says, ok: false, level: "block", says, ...more };
};

describe("what failed checks found", () => {
  test("is said once for each cause, and stops the run where one of its checks does", () => {
    const found = findingsOf([
      check("The primary does not answer.", { cause, level: "warn", next: "Run it unplanned." }),
      check("The disk is full.", { next: "Free some." }),
      check("orders-a can't be fenced.", { cause, step: "fence" }),
      check("The disk is full.", { step: "fence", level: "warn", next: "Free some." }),
      check("The clock is wrong.", { level: "warn" }),
    ]);
    expect(found).toEqual([
      { level: "block", says: cause.says, next: null },
      { level: "block", says: "The disk is full.", next: "Free some." },
      { level: "warn", says: "The clock is wrong.", next: null },
    ]);
  });

  test("is said in a check's own words, with its advice, where it is the only one of its cause", () => {
    const own = { says: "orders-a can't be fenced.", next: "Run it unplanned to accept that." };
    const both = [check(own.says, { cause, next: own.next }), check(own.says, { ...own, cause, step: "promote" })];
    expect(findingsOf(both)).toEqual([{ level: "block", ...own }]);
    expect(findingsOf(both).map(inFull)).toEqual(["orders-a can't be fenced. Run it unplanned to accept that."]);
  });

  test("begins what to do next with what it advises, each once, or with what is always so", () => {
    const advised = { next: "Grant it." };
    expect(adviceOf([advised, { next: null }, advised, { next: "Free some." }])).toBe("Grant it. Free some. Then");
    expect(adviceOf([{ next: null }, {}])).toBe("Fix it and");
  });

  test("is nothing where all passed", () => {
    expect(findingsOf(failedOf([check("It is well.", { ok: true, cause })]))).toEqual([]);
  });
});
