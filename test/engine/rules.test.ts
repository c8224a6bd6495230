import { describe, expect, test } from "@jest/globals";
import type { Done } from "../../src/actions/contract.ts";
import type { Repeat } from "../../src/catalog/types.ts";
import { createKillPoint } from "../../src/engine/kill-point.ts";
import { changesBetween, factsHashOf } from "../../src/engine/preflight.ts";
import { recovery } from "../../src/engine/recover.ts";

describe("what an unclear outcome comes to", () => {
  const table: Record<Repeat, Record<Done, string>> = {
    safe: { yes: "verify", no: "again", partial: "ask", unknown: "ask" },
    guarded: { yes: "verify", no: "again", partial: "ask", unknown: "ask" },
    toggle: { yes: "verify", no: "again", partial: "ask", unknown: "ask" },
    destructive: { yes: "verify", no: "ask", partial: "ask", unknown: "ask" },
  };
  test.each(Object.entries(table))("%s", (repeat, row) => {
    for (const [done, comes] of Object.entries(row)) expect(recovery(done as Done, repeat as Repeat)).toBe(comes);
  });
});

describe("the kill point", () => {
  const set = { LIFEBOAT_KILL_AT: "promote:after-apply", LIFEBOAT_KILL_ONCE: "/nonexistent/marker" };

  test("is inert when nothing asks for it", () => {
    expect(() => createKillPoint({}, false)("promote", "after-apply")).not.toThrow();
  });

  test("is refused outside practice, without its marker, and at a point that is none", () => {
    expect(() => createKillPoint(set, false)).toThrow(/only in practice/);
    expect(() => createKillPoint({ LIFEBOAT_KILL_AT: "promote:after-apply" }, true)).toThrow(/LIFEBOAT_KILL_ONCE/);
    expect(() => createKillPoint({ ...set, LIFEBOAT_KILL_AT: "promote:sometime" }, true)).toThrow(/before-apply/);
  });

  test("lets every other step and point pass", () => {
    const kill = createKillPoint(set, true);
    kill("fence", "after-apply");
    kill("promote", "intended");
  });
});

describe("what an approval binds to", () => {
  const fact = (id: string, value: string | boolean | null, material = true, step = "promote") => ({
    ...{ step, id, label: id, value, material },
  });

  test("the material facts in any order, and nothing else", () => {
    const shown = [fact("role", "standby"), fact("lag", "3"), fact("note", "x", false)];
    const again = [fact("note", "y", false), fact("lag", "3"), fact("role", "standby")];
    expect(factsHashOf(again)).toBe(factsHashOf(shown));
    expect(factsHashOf([fact("role", "primary"), fact("lag", "3")])).not.toBe(factsHashOf(shown));
    expect(factsHashOf([fact("role", "standby", true, "fence"), fact("lag", "3")])).not.toBe(factsHashOf(shown));
  });

  test("says what changed in words", () => {
    const changes = changesBetween(
      [fact("reachable", true), fact("gone", "a")],
      [fact("reachable", false), fact("new", null)],
    );
    expect(changes).toEqual(["reachable: yes, now no", "gone: a, now not visible", "new: not seen, now unknown"]);
  });
});
