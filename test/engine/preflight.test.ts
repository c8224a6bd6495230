import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { type Action, type Check, defineAction, type MadeSoBy } from "../../src/actions/contract.ts";
import { nothingToUndo } from "../../src/actions/undo.ts";
import type { PlanStep, Risk } from "../../src/catalog/types.ts";
import { lookAhead } from "../../src/engine/preflight.ts";
import type { RunState } from "../../src/incident/state.ts";
import { createLog } from "../../src/lib/log.ts";
import { action, gate } from "../support/incident-scenario.ts";

/** Given a plan and how far it is; when all targets are looked at; then which failed checks people are shown. */
const input = z.strictObject({ server: z.string() });
const madeSoBy: MadeSoBy = { steps: ["fence"], resources: ["server:new"], actions: ["servers.stop"] };

/** An action whose one check is never so. */
function servers(verb: string, risk: Risk, check: Partial<Check> = {}): [string, Action] {
  const id = `servers.${verb}`;
  const one = defineAction<z.infer<typeof input>, null>({
    id,
    summary: verb,
    input,
    risk,
    repeat: "guarded",
    budget: { typicalSeconds: 1, warnSeconds: 2, failSeconds: 3 },
    resources: ({ server }) => [`server:${server}`],
    observe: async () => null,
    facts: () => [],
    ready: () =>
      Object.keys(check).length === 0
        ? []
        : [{ id: "evidence.writes", ok: false, level: "block", says: "It takes no writes.", ...check }],
    done: () => "no",
    verify: async () => ({ says: "", facts: [] }),
    undo: nothingToUndo(() => "Nobody needs it here."),
  });
  return [id, one as unknown as Action];
}

const around = {
  actions: new Map([
    servers("look", "read"),
    servers("fence", "reversible"),
    servers("promote", "irreversible"),
    servers("stop", "disruptive"),
    servers("rejoin", "disruptive", { madeSoBy }),
    servers("careless", "disruptive", { level: "block" }),
  ]),
  log: createLog("error", "test"),
  practice: true,
  secret: () => "",
  drillLimits: () => null,
  observeSeconds: 1,
};

const step = (id: string, verb: string, server: string, risk: Risk = "reversible") =>
  action(id, { action: `servers.${verb}`, input: { server }, risk });
const rejoin = step("rejoin", "rejoin", "old", "disruptive");

async function refusals(steps: readonly PlanStep[], statuses: Readonly<Record<string, string>> = {}) {
  const states = steps.map((one) => [one.id, { step: one, status: statuses[one.id] ?? "pending" }] as const);
  const run = { plan: {}, steps: new Map(states) } as unknown as RunState;
  const { ready, checks } = await lookAhead(run, around);
  expect(ready).toBe(checks.length === 0);
  return checks.map(({ step, id }) => `${step} ${id}`);
}
const REFUSED = ["rejoin evidence.writes"];

describe("a check that an earlier step can still make true is left out of a preflight", () => {
  test.each<[string, PlanStep]>([
    ["by its id", step("fence", "fence", "old")],
    ["because it holds the same resource", step("promote", "promote", "new", "irreversible")],
    ["because of what it does", step("halt", "stop", "elsewhere", "disruptive")],
  ])("%s", async (_why, earlier) => {
    expect(await refusals([earlier, gate("go"), rejoin])).toEqual([]);
    expect(await refusals([gate("go"), rejoin, earlier])).toEqual(REFUSED);
    for (const status of ["done", "skipped", "passedOver"])
      expect(await refusals([earlier, gate("go"), rejoin], { [earlier.id]: status })).toEqual(REFUSED);
  });

  test("and counts at once where no such step is to come: nothing is changed, and approval is never requested", async () => {
    expect(await refusals([gate("go"), step("isolate", "fence", "old"), rejoin])).toEqual(REFUSED);
    expect(await refusals([step("watch", "look", "new", "read"), gate("go"), rejoin])).toEqual(REFUSED);
  });

  test("and counts at once where the check doesn't say what could make it so, whatever it is called", async () => {
    const careless = step("careless", "careless", "old", "disruptive");
    expect(await refusals([step("fence", "fence", "old"), careless])).toEqual(["careless evidence.writes"]);
  });
});
