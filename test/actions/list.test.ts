import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { actions, cards } from "../../src/actions/index.ts";
import { dryRun } from "../../src/actions/wrap/dry-run.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { conduct } from "./conductor.ts";

describe("the list of actions", () => {
  test("a read changes nothing and holds nothing; everything else can be applied", () => {
    for (const action of actions.values()) {
      expect([action.id, action.apply === undefined]).toEqual([action.id, action.risk === "read"]);
      expect(action.budget.typicalSeconds).toBeLessThanOrEqual(action.budget.warnSeconds);
      expect(action.budget.warnSeconds).toBeLessThanOrEqual(action.budget.failSeconds);
      expect(action.summary).not.toMatch(/\.$/);
    }
  });

  /** Their ids are on old timelines, so they stay; without `madeSoBy` such a check refuses the run before its step came. */
  test("a check that asks for what an earlier step has shown says which step can make it so", () => {
    const folder = join(projectRoot(), "src/actions");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const functions = files.flatMap((name) =>
      readFileSync(join(folder, name), "utf8").split(/\n(?=(?:export )?function )/),
    );
    const asking = functions.filter((text) => /["`]evidence\.[a-zA-Z$]/.test(text));
    expect(asking.length).toBeGreaterThan(10);
    expect(asking.filter((text) => !text.includes("madeSoBy"))).toEqual([]);
  });

  test("a card names the place of what is wrong with an input", () => {
    const card = cards.get("postgres.promote");
    const node = { name: "a", host: "127.0.0.1", port: 1, user: "admin", passwordFrom: "X" };
    expect(card?.checkInput({ from: node, to: { ...node, port: "5432" }, fenceStep: "fence" })).toMatchObject({
      ok: false,
      errors: [{ path: ["to", "port"] }],
    });
    expect(card?.checkInput({ from: node, to: node, fenceStep: "fence", force: true })).toMatchObject({ ok: false });
    const good = card?.checkInput({ from: node, to: { ...node, port: 2 }, fenceStep: "fence" });
    expect(good).toMatchObject({ ok: true, input: { allowDataLoss: false, from: { database: "postgres" } } });
    expect(card?.resources(good?.ok ? good.input : null)).toEqual(["postgres:127.0.0.1:1", "postgres:127.0.0.1:2"]);
  });

  test("a dry run of anything has nothing to apply and holds nothing", async () => {
    for (const action of actions.values()) expect(dryRun(action).apply).toBeUndefined();
    const dry = dryRun(conduct({}).action("postgres.fence"));
    const { context } = conduct({ P: "x" });
    const node = { name: "gone", host: "127.0.0.1", port: 1, user: "admin", passwordFrom: "P" };
    const input = dry.input.parse({ node, app: { user: "app", passwordFrom: "P" } });
    const evidence = await dry.verify({ ...context, budget: dry.budget, progress: () => {} }, input, null, null);
    expect(evidence.says).toBe("Dry run: postgres.fence would do it. Nothing was changed.");
    expect(dry.resources(input)).toEqual([]);
  });
});
