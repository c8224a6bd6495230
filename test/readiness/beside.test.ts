import { describe, expect, test } from "@jest/globals";
import { cards } from "../../src/actions/index.ts";
import type { ActionStep, Plan, System } from "../../src/catalog/types.ts";
import { withLooksBeside } from "../../src/readiness/beside.ts";
import { everyRunbook, planOf } from "../support/runbook-plans.ts";

/** Given the plan of a runbook that moves to another site; when it's proven; then what it needs there and no step asks is looked at, too. */
const lenient = new Map(
  [...cards].map(([id, card]) => [id, { ...card, checkInput: (input: unknown) => ({ ok: true as const, input }) }]),
);

function planned(name: string): { system: System; plan: Plan; given: ReadonlyMap<string, string | number> } {
  const [, book, mode, back] = everyRunbook.find(([one]) => one === name) ?? [];
  if (book === undefined || mode === undefined) throw new Error(`No ${name}`);
  const { system, plan } = planOf(book, mode, back ?? false);
  const values = system.variables.map(({ name, type }, i) => [name, type === "number" ? i + 1 : name] as const);
  return { system, plan, given: new Map(values) };
}

function looks(name: string, rules: System["readiness"] = undefined, values: Readonly<Record<string, string>> = {}) {
  const { system, plan, given } = planned(name);
  const of = rules === undefined ? system : { ...system, readiness: rules };
  const all = withLooksBeside(plan, {
    system: of,
    runbooks: everyRunbook.map(([, book]) => book).filter((book) => book.system === system.id),
    given: new Map([...given, ...Object.entries(values)]),
    cards: lenient,
  });
  return all.stages.slice(plan.stages.length).flatMap(({ steps }) => steps as readonly ActionStep[]);
}

describe("beside a move to another site", () => {
  test("its clusters are compared for what it starts there", () => {
    const all = looks("marimo-erp/dc-failover unplanned", { certificateDays: 21 });
    const compare = all.find(({ action }) => action === "kubernetes.compare");
    expect(compare).toMatchObject({ action: "kubernetes.compare", risk: "read", when: null });
    const input = compare?.input as { workloads: readonly string[]; certificateDays: number };
    expect(input.workloads).toEqual(
      expect.arrayContaining(["deployment/api-gateway", "deployment/billing-service", "deployment/auth-service"]),
    );
    expect(new Set(input.workloads).size).toBe(input.workloads.length);
    expect(input.certificateDays).toBe(21);
  });

  test("certificates of the site it goes to are looked at, and of no other", () => {
    const urls = { eastUrl: "https://east.example/shop", westUrl: "https://west.example/shop" };
    const tls = looks("llm-marketplace/cr-f-001 planned", undefined, urls).find(({ action }) => action === "tls.check");
    expect(tls?.input).toEqual({ urls: ["https://west.example"] });
  });

  test("what exists where it runs now is held against what all runbooks name", () => {
    const all = looks("marimo-erp/dc-failover planned", { ignore: ["deployment/debug-*"] });
    const [cluster, server] = ["kubernetes.unlisted", "postgres.unlisted"].map(
      (action) => all.find((one) => one.action === action)?.input as Record<string, unknown>,
    );
    expect(cluster?.known).toEqual(expect.arrayContaining(["deployment/api-gateway", "deployment/billing-service"]));
    expect(cluster?.selectors).toEqual(["dependencies"]);
    expect(cluster?.ignore).toEqual(["deployment/debug-*"]);
    const node = server?.node as { database: string } | undefined;
    expect(server?.known).toEqual(expect.arrayContaining([node?.database]));
  });

  test("what belongs to the system in an AWS account is held against what all runbooks name", () => {
    const accounts = [{ account: "111122223333", region: `\${var.place}`, prefix: "mkt-", tags: { System: "market" } }];
    const all = looks("llm-marketplace/cr-f-001 planned", { accounts }, { place: "us-east-1" });
    const inputs = ["rds.unlisted", "s3.unlisted"].map((one) => all.find(({ action }) => action === one)?.input);
    for (const input of inputs)
      expect(input).toMatchObject({ account: "111122223333", prefix: "mkt-", tags: { System: "market" } });
    const { known } = inputs[1] as { known: readonly string[] };
    expect(known).toEqual(expect.arrayContaining(["backupBucketEast", "backupBucketWest"]));
  });

  test("of a system of which nothing moves between sites drift is looked for, too, at its first site", () => {
    const { system, plan, given } = planned("mimir/redis-failover unplanned");
    const own = everyRunbook.map(([, book]) => book).filter((book) => book.id === "redis-failover");
    const about = { system, runbooks: own.filter((book) => book.system === system.id), given, cards: lenient };
    const steps = (withLooksBeside(plan, about).stages.at(-1)?.steps ?? []) as readonly ActionStep[];
    expect(steps.map(({ action }) => action)).toEqual(expect.arrayContaining(["postgres.unlisted"]));
  });

  test("the quota is asked for as many RDS instances as the plan makes there", () => {
    const { system, plan, given } = planned("mimir/redis-failover unplanned");
    const made = (region: string) => ({
      ...(plan.stages[0]?.steps.find(({ kind }) => kind === "action") as ActionStep),
      ...{ action: "rds.restore_snapshot", input: { account: "1", region } },
    });
    const stages = [{ ...(plan.stages[0] as Plan["stages"][number]), steps: ["a", "b", "a"].map(made) }];
    const runbooks = everyRunbook.map(([, book]) => book).filter((book) => book.system === system.id);
    const { stages: all } = withLooksBeside({ ...plan, stages }, { system, runbooks, given, cards: lenient });
    const steps = (all.at(-1)?.steps ?? []) as readonly ActionStep[];
    expect(steps.map(({ action, input }) => [action, input])).toEqual([
      ["rds.quotas", { account: "1", region: "a", instances: 2 }],
      ["rds.quotas", { account: "1", region: "b", instances: 1 }],
    ]);
  });

  test("where nothing moves between sites nothing more is looked at", () => {
    expect(looks("mimir/redis-failover unplanned")).toEqual([]);
  });

  test("every look only reads", () => {
    const all = everyRunbook.flatMap(([name]) => looks(name));
    expect(all.length).toBeGreaterThan(0);
    expect(new Set(all.map(({ risk }) => risk))).toEqual(new Set(["read"]));
  });
});
