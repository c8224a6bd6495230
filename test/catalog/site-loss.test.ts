import { describe, expect, test } from "@jest/globals";
import { cards } from "../../src/actions/index.ts";
import { needsOfSite } from "../../src/catalog/site-loss.ts";
import type { ActionStep, Plan, System } from "../../src/catalog/types.ts";
import { everyRunbook, planOf } from "../support/runbook-plans.ts";

/** Given the plan of a runbook people start when a site is lost; when it's asked what it needs of that site; then each step is named with what. */
function needs(system: System, plan: Plan, site = plan.direction?.from.id ?? "") {
  const given = new Map(system.variables.map(({ name, type }, i) => [name, type === "number" ? i + 1 : name] as const));
  return needsOfSite(plan, site, { system, given, cards });
}

const leaving = everyRunbook.filter(([, book]) => book.leavesSite === true);

/** The plan with a step's action and input replaced. */
function withStep(plan: Plan, id: string, change: (step: ActionStep) => Partial<ActionStep>): Plan {
  const stages = plan.stages.map((stage) => ({
    ...stage,
    steps: stage.steps.map((step) => (step.id === id && step.kind === "action" ? { ...step, ...change(step) } : step)),
  }));
  return { ...plan, stages };
}

function region(back = false) {
  const [, book, mode] = leaving.find(([, one, its]) => one.system === "mimir" && its === "unplanned") ?? [];
  if (book === undefined || mode === undefined) throw new Error("Mimir leaves no region");
  return planOf(book, mode, back);
}

describe("the shipped runbooks that leave a site", () => {
  test.each(leaving.filter(([, , mode]) => mode === "unplanned"))("%s needs nothing of it", (_, book, mode, back) => {
    const { system, plan } = planOf(book, mode, back);
    expect(plan.direction).toBeDefined();
    expect(needs(system, plan)).toEqual([]);
  });

  test.each(leaving.filter(([, , mode]) => mode === "planned"))("%s needs it to be there", (_, book, mode, back) => {
    const { system, plan } = planOf(book, mode, back);
    expect(needs(system, plan).length).toBeGreaterThan(0);
  });
});

describe("a step that can't do without the site", () => {
  const shift = { account: "123456789012", region: "us-west-2", zone: "Z1", records: [] };

  test("because a control plane is there, whatever region it serves", () => {
    const { system, plan } = region();
    const changed = withStep(plan, "routing", () => ({ action: "route53.shift", input: shift }));
    expect(needs(system, changed)).toEqual([
      { step: "routing", title: expect.any(String), what: "Route 53's control plane in us-east-1" },
    ]);
    expect(needs(system, changed, "us-west-2").map(({ step }) => step)).toContain("routing");
  });

  test("isn't named when the site is another one than the control plane's", () => {
    const { system, plan } = region(true);
    expect(plan.direction?.from.id).toBe("us-west-2");
    const elsewhere = { ...shift, region: "us-east-1" };
    const changed = withStep(plan, "routing", () => ({ action: "route53.shift", input: elsewhere }));
    expect(needs(system, changed)).toEqual([]);
  });

  test("because all it may ask for is there", () => {
    const { system, plan } = region();
    const endpoints = [{ region: "us-east-1", url: "https://arc.us-east-1.example" }];
    const changed = withStep(plan, "routing", ({ input }) => ({ input: { ...(input as object), endpoints } }));
    expect(needs(system, changed)).toMatchObject([{ step: "routing", what: "AWS in us-east-1" }]);
  });

  test("because its server is there, and nothing says that it goes on without", () => {
    const { system, plan } = region();
    const fence = plan.stages
      .flatMap(({ steps }) => steps)
      .find((step) => step.kind === "action" && step.action === "postgres.fence");
    const changed = withStep(plan, fence?.id ?? "", ({ input }) => ({
      input: { ...(input as object), acceptUnreachable: false },
    }));
    expect(needs(system, changed)).toMatchObject([{ step: fence?.id, what: expect.stringMatching(/\(.+:\d+\)$/) }]);
  });

  test("isn't named where it has a condition: it may never run", () => {
    const { system, plan } = region();
    const changed = withStep(plan, "routing", () => ({
      ...{ action: "route53.shift", input: shift },
      when: { step: "room", fact: "clusterAnswers", is: true },
    }));
    expect(needs(system, changed)).toEqual([]);
  });
});
