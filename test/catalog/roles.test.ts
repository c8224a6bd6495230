import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { NOTHING_SAID, type RoleObservation, rolesOf, type Said } from "../../src/catalog/roles.ts";
import type { Target } from "../../src/catalog/types.ts";

const target: Target = {
  ...{ id: "database", title: "Orders database", kind: "postgres", many: false },
  members: [
    { id: "a", site: "east", with: {}, values: {} },
    { id: "b", site: "west", with: {}, values: {} },
  ],
};

type State = RoleObservation["state"];
const states: readonly State[] = ["active", "fenced", "standby", "silent", "unclear"];

function roles(
  a: State,
  b: State,
  said: Partial<Said> = {},
  more: { streaming?: boolean; followers?: number; clusters?: [string, string] } = {},
) {
  const one = (id: string, state: State, cluster: string): [string, RoleObservation] => [
    id,
    {
      ...{ state, says: `${id} is ${state}` },
      cluster: state === "silent" || state === "unclear" ? null : cluster,
      ...(state === "active" && more.followers !== undefined && { followers: more.followers }),
      ...(state === "standby" && more.streaming !== undefined && { streaming: more.streaming }),
    },
  ];
  const [first, second] = more.clusters ?? ["7", "7"];
  const found = rolesOf(target, new Map([one("a", a, first), one("b", b, second)]), { ...NOTHING_SAID, ...said });
  return found.ok ? found.roles : found.problem.code;
}

describe("which side is active", () => {
  test.each([
    ["seen", "active", "standby", { active: "a", standby: ["b"], detached: [], basis: "seen" }],
    ["seen on the other side", "standby", "active", { active: "b", standby: ["a"], detached: [], basis: "seen" }],
    ["after a failover", "fenced", "active", { active: "b", standby: [], detached: ["a"], basis: "seen" }],
    ["the old one is lost", "silent", "active", { active: "b", standby: [], detached: ["a"], basis: "seen" }],
    ["a run stopped behind its fence", "fenced", "standby", { active: "a", standby: ["b"], basis: "seen" }],
    ["the active one is lost", "silent", "standby", { active: "a", standby: ["b"], basis: "inferred" }],
  ] as const)("%s", (_, a, b, expected) => {
    expect(roles(a, b)).toMatchObject(expected);
  });

  test.each([
    ["two take writes", "active", "active", "split-brain"],
    ["both are silent", "silent", "silent", "active-unknown"],
    ["two standbys", "standby", "standby", "active-unknown"],
    ["one is fenced and the other lost", "fenced", "silent", "active-unknown"],
    ["our login is refused", "unclear", "standby", "target-unclear"],
    ["our login is refused by the other", "active", "unclear", "target-unclear"],
  ] as const)("no basis, no plan: %s", (_, a, b, code) => {
    expect(roles(a, b)).toBe(code);
  });

  test("a person says it where it can't be seen, and not against what is seen", () => {
    expect(roles("silent", "silent", { from: "east" })).toMatchObject({ active: "a", basis: "said", standby: [] });
    expect(roles("fenced", "silent", { from: "west" })).toMatchObject({ active: "b", basis: "said" });
    expect(roles("active", "standby", { from: "east" })).toMatchObject({ active: "a", basis: "seen" });
    expect(roles("active", "standby", { from: "west" })).toBe("direction-conflict");
    expect(roles("silent", "standby", { from: "west" })).toBe("direction-conflict");
    expect(roles("active", "active", { from: "west" })).toBe("split-brain");
  });

  test("a standby that receives nothing from a primary that lives is none", () => {
    expect(roles("active", "standby", {}, { streaming: false })).toMatchObject({ standby: [], detached: ["b"] });
    expect(roles("silent", "standby", {}, { streaming: false })).toMatchObject({ standby: ["b"] });
    // It streams, and from another server: after a restore the old replica follows what was put aside.
    expect(roles("active", "standby", {}, { streaming: true, followers: 0 })).toMatchObject({ detached: ["b"] });
    expect(roles("active", "standby", {}, { streaming: true, followers: 1 })).toMatchObject({ standby: ["b"] });
  });

  test("of two that take writes the one promoted last is meant, by what ends that and nothing else", () => {
    const seen = (a: number | undefined, b: number | undefined) =>
      new Map<string, RoleObservation>([
        ["a", { state: "active", says: "a takes writes", ...(a !== undefined && { order: a }) }],
        ["b", { state: "active", says: "b takes writes", ...(b !== undefined && { order: b }) }],
      ]);
    expect(rolesOf(target, seen(1, 2), NOTHING_SAID, true)).toMatchObject({
      ok: true,
      roles: { active: "b", standby: [], detached: ["a"] },
    });
    for (const [a, b] of [
      [2, 2],
      [1, undefined],
      [undefined, undefined],
    ] as const)
      expect(rolesOf(target, seen(a, b), NOTHING_SAID, true)).toMatchObject({ problem: { code: "split-brain" } });
    expect(rolesOf(target, seen(1, 2))).toMatchObject({ problem: { code: "split-brain" } });
  });

  test("of two that take writes the one a person names stays, whatever their histories count", () => {
    for (const [a, b] of [
      [2, 2],
      [3, 2],
    ] as const) {
      const seen = new Map<string, RoleObservation>([
        ["a", { state: "active", says: "a takes writes", order: a }],
        ["b", { state: "active", says: "b takes writes", order: b }],
      ]);
      expect(rolesOf(target, seen, { from: "west", to: null }, true)).toMatchObject({
        roles: { active: "b", detached: ["a"], basis: "said" },
      });
      expect(rolesOf(target, seen, { from: "nowhere", to: null }, true)).toMatchObject({ ok: false });
    }
  });

  test("members of two clusters are no target", () => {
    expect(roles("active", "standby", {}, { clusters: ["7", "8"] })).toBe("target-identity");
  });

  test("whatever is seen and said: never two, never one that is a standby, and never a guess", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...states),
        fc.constantFrom(...states),
        fc.constantFrom<string | null>(null, "east", "west"),
        (a, b, from) => {
          const found = roles(a, b, { from });
          if (typeof found === "string") return;
          const seen = { a, b };
          const active = found.active as "a" | "b";
          const other = active === "a" ? "b" : "a";
          expect(seen[active]).not.toBe("standby");
          expect(seen[other]).not.toBe("active");
          expect([...found.standby, ...found.detached]).toEqual([other]);
          if (found.basis === "seen") expect(["active", "fenced"]).toContain(seen[active]);
          if (found.basis === "said") expect(from).not.toBeNull();
          if (found.basis === "inferred") expect(seen[other]).toBe("standby");
        },
      ),
    );
  });
});
