import { describe, expect, test } from "@jest/globals";
import { clockOf, sayWindow, secondsOf, type Window } from "../../src/actions/loss.ts";

const today = (time: string) => Date.parse(`${new Date().toISOString().slice(0, 10)}T${time}Z`);
const window: Window = {
  keptUntil: today("17:53:12"),
  lostUntil: null,
  origin: "the newest that reached orders-b",
  why: "orders-a does not answer",
};

describe("what is lost is said by moments", () => {
  test("which stay as they are however long people wait: where the end is not known, so is the amount", () => {
    const says =
      "writes after 17:53:12 UTC (the newest that reached orders-b); how many is unknown: orders-a does not answer";
    expect(sayWindow(window)).toBe(says);
    expect(secondsOf(window)).toBeNull();
  });

  test("as an amount only between two moments that are known", () => {
    const known = { ...window, lostUntil: today("17:53:15.240") };
    expect(sayWindow(known)).toBe("about 3.2 s of writes, after 17:53:12 UTC (the newest that reached orders-b)");
    expect(secondsOf({ ...window, lostUntil: today("17:53:00") })).toBe(0);
  });

  test("and is unknown where not even the newest write is", () => {
    expect(sayWindow({ ...window, keptUntil: null })).toBe("unknown: orders-a does not answer");
  });

  test("a moment of another day says its day", () => {
    expect(clockOf(Date.parse("2026-03-01T02:03:04.9Z"))).toBe("2026-03-01 02:03:04 UTC");
  });
});
