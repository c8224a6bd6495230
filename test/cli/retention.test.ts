import { describe, expect, test } from "@jest/globals";
import { keptUntil } from "../../src/cli/retention.ts";
import { orders } from "../support/orders-system.ts";

const days = (count: number) => count * 86_400;
const promising = (id: string, evidenceKeptSeconds: number | null) => ({
  ...orders,
  id,
  compliance: { standards: [], evidenceKeptSeconds, backups: null },
});
const systems = [promising("orders", days(30)), promising("billing", days(10)), promising("blog", null)];
const now = new Date("2026-01-31T00:00:00Z");

describe("evidence that names a person is kept", () => {
  test("as long as the system of the timeline promises, from the last time it names them", () => {
    const named = [
      { system: "orders", at: new Date("2026-01-05T00:00:00Z") },
      { system: "orders", at: new Date("2026-01-02T00:00:00Z") },
    ];
    expect(keptUntil(named, { systems }, now)).toEqual([
      { system: "orders", until: new Date("2026-02-04T00:00:00Z"), days: 30 },
    ]);
  });

  test("no longer than that, and not at all where no one promised it", () => {
    const named = [
      { system: "orders", at: new Date("2025-12-31T23:59:59Z") },
      { system: "billing", at: new Date("2026-01-20T00:00:00Z") },
      { system: "blog", at: now },
      { system: "gone", at: now },
    ];
    expect(keptUntil(named, { systems }, now)).toEqual([]);
  });

  test("for the longest promise where the timeline belongs to no one system", () => {
    const found = keptUntil([{ system: null, at: new Date("2026-01-30T00:00:00Z") }], { systems }, now);
    expect(found.map(({ system }) => system)).toEqual(["orders", "billing"]);
  });
});
