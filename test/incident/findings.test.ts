import { describe, expect, test } from "@jest/globals";
import type { ShownCheck } from "../../src/incident/events.ts";
import { failedOf, findingsOf } from "../../src/incident/findings.ts";

const cause = { id: "silent:10.0.0.5:5432", says: "orders-a does not answer: nothing listens there." };
const check = (says: string, more: Partial<ShownCheck> = {}): ShownCheck => {
  return { step: "look", id: says, ok: false, level: "block", says, ...more };
};

describe("what failed checks found", () => {
  test("is said once for each cause, and stops the run where one of its checks does", () => {
    const found = findingsOf([
      check("The primary does not answer. Run it unplanned.", { cause, level: "warn" }),
      check("The disk is full."),
      check("orders-a can't be fenced.", { cause, step: "fence" }),
      check("The disk is full.", { step: "fence", level: "warn" }),
      check("The clock is wrong.", { level: "warn" }),
    ]);
    expect(found).toEqual([
      { level: "block", says: cause.says },
      { level: "block", says: "The disk is full." },
      { level: "warn", says: "The clock is wrong." },
    ]);
  });

  test("is said in a check's own words, with its advice, where it is the only one of its cause", () => {
    const own = "orders-a can't be fenced. Run it unplanned to accept that.";
    expect(findingsOf([check(own, { cause }), check(own, { cause, step: "promote" })])).toEqual([
      { level: "block", says: own },
    ]);
  });

  test("is nothing where all passed", () => {
    expect(findingsOf(failedOf([check("It is well.", { ok: true, cause })]))).toEqual([]);
  });
});
