import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { cards } from "../../src/actions/index.ts";
import { conformanceOf } from "../../src/catalog/conformance.ts";
import { stricter } from "../../src/catalog/gates.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { ActionStep, Catalog, Gate, Plan, PlanStep, Runbook, System } from "../../src/catalog/types.ts";
import { planUndo } from "../../src/catalog/undo.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { makeFolder } from "../support/catalog-folder.ts";
import { planOf as planIn } from "../support/runbook-plans.ts";

const { catalog } = loadCatalog(join(projectRoot(), "templates", "systems"), cards);

const planOf = (from: Catalog, book: Runbook, mode: Plan["mode"], back = false) => planIn(book, mode, back, from).plan;

const of = (plan: Plan, from: Catalog = catalog, origin: Parameters<typeof conformanceOf>[2] = null) =>
  conformanceOf(plan, { catalog: from, cards, variables: new Map() }, origin);
const saysOf = (...args: Parameters<typeof of>) => of(...args).differences.map(({ says }) => says);

/** The plan with each step changed, or left out where it comes to null. */
function forged(plan: Plan, change: (step: PlanStep) => PlanStep | null, more: Partial<Plan> = {}): Plan {
  const stages = plan.stages.map((stage) => ({ ...stage, steps: stage.steps.flatMap((step) => change(step) ?? []) }));
  return { ...plan, ...more, stages };
}

describe("what the catalogue makes it also accepts: every shipped runbook, in every mode and direction", () => {
  test.each(
    catalog.runbooks.flatMap((book) =>
      book.modes.flatMap((mode) =>
        (book.direction ? [false, true] : [false]).map(
          (back) => [`${book.system}/${book.id} ${mode}${back ? " back" : ""}`, book, mode, back] as const,
        ),
      ),
    ),
  )("%s", (_name, book, mode, back) => {
    expect(saysOf(planOf(catalog, book, mode, back))).toEqual([]);
  });
});

const book = catalog.runbooks.find(({ system, id }) => system === "practice" && id === "database-failover") as Runbook;
const plan = planOf(catalog, book, "planned");
const gates = plan.stages.flatMap(({ steps }) => steps).filter((step) => step.kind === "gate");

describe("a plan this catalogue would never make", () => {
  const actionsOnly = (change: (step: ActionStep) => PlanStep | null) => (step: PlanStep) =>
    step.kind === "action" ? change(step) : step;
  const promote = (step: PlanStep) => step.kind === "action" && step.action === "postgres.promote";
  test.each<[string, Plan, RegExp]>([
    ["of a system that is gone", { ...plan, system: "gone" }, /has no system gone/],
    ["for production", { ...plan, environment: "production" }, /is for production/],
    ["of a runbook that is gone", { ...plan, runbook: "gone" }, /no runbook gone/],
    ["without its gates", forged(plan, (step) => (step.kind === "gate" ? null : step)), /needs the approval “/],
    ["with its gate after the work", { ...plan, stages: plan.stages.toReversed() }, /needs the approval “/],
    [
      "with a step of its own",
      forged(plan, (step) => (promote(step) ? { ...step, id: "mine" } : step)),
      /isn't a step of/,
    ],
    [
      "with another action in a known place",
      forged(plan, (step) => (promote(step) ? { ...(step as ActionStep), action: "postgres.restore_dump" } : step)),
      /isn't a step of .*: there it is postgres.promote/,
    ],
    [
      "that takes a change for a look",
      forged(
        plan,
        actionsOnly((step) => ({ ...step, risk: "read" })),
      ),
      /is irreversible, and the plan says read/,
    ],
    [
      "with an action nobody has",
      forged(
        plan,
        actionsOnly((step) => ({ ...step, action: "shell.run" })),
      ),
      /an action this version doesn't have \(shell.run\)/,
    ],
    [
      "without the look that the active side is the planned one",
      forged(
        plan,
        actionsOnly((step) => (step.action === "roles.check" ? null : step)),
      ),
      /doesn't look again which member/,
    ],
    [
      "with that look for another member",
      { ...plan, roles: (plan.roles ?? []).map((one) => ({ ...one, active: "orders-b" })) },
      /doesn't look again which member/,
    ],
    ["that doesn't say which side is active", (({ roles: _, ...rest }) => rest)(plan), /doesn't say which is active/],
    [
      "that hands out a secret of the bot",
      forged(
        plan,
        actionsOnly((step) => ({ ...step, input: { node: { passwordFrom: "SLACK_BOT_TOKEN" } } })),
      ),
      /reads the secret SLACK_BOT_TOKEN, which .* doesn't list/,
    ],
  ])("%s", (_given, bytes, says) => {
    const found = of(bytes);
    expect(found.differences.filter(({ says: one }) => says.test(one))).not.toEqual([]);
    expect(found.differences.some(({ firm }) => firm)).toBe(true);
  });

  test("is bound to targets, members and components that are there; that can be accepted", () => {
    const roles = [
      { target: "gone", title: "Gone", active: "a", basis: "seen", says: "" },
      { target: "database", title: "Orders", active: "gone", basis: "seen", says: "" },
    ] as const;
    const soft = of({ ...plan, roles, component: "gone" }).differences.filter(({ firm }) => !firm);
    expect(soft.map(({ says }) => says)).toEqual([
      expect.stringContaining("has no target Gone any more"),
      expect.stringContaining("Orders has no member gone any more"),
      expect.stringContaining("has no component gone any more"),
    ]);
  });

  test("whatever its gates say, the catalogue's words about them come with it", () => {
    const weak = forged(plan, (step) =>
      step.kind === "gate" ? { ...step, gate: { ...step.gate, role: "responder", quorum: 1, escalate: [] } } : step,
    );
    const today = of(weak).gates;
    expect([...today.keys()]).toEqual(gates.map(({ id }) => id));
    expect([...today.values()]).toEqual(gates.map(({ gate }) => gate));
  });
});

describe("an edit of the files that touches none of that", () => {
  const edited = (change: (one: Runbook) => Runbook, system: (one: System) => System = (one) => one): Catalog => ({
    systems: catalog.systems.map(system),
    runbooks: catalog.runbooks.map((one) => (one === book ? change(one) : one)),
  });
  test.each<[string, Catalog]>([
    ["other words", edited((one) => ({ ...one, title: "Other", summary: "Other", changes: "Other" }))],
    [
      "other values in a step",
      edited((one) => ({
        ...one,
        stages: one.stages.map((stage) => ({
          ...stage,
          steps: stage.steps.map((step) =>
            step.does.kind === "action" ? { ...step, does: { ...step.does, retries: 9 } } : step,
          ),
        })),
      })),
    ],
    [
      "one more step at its end",
      edited((one) => ({
        ...one,
        stages: one.stages.map((stage, i) =>
          i < one.stages.length - 1
            ? stage
            : { ...stage, steps: [...stage.steps, { ...(stage.steps[0] as never as object), id: "more" } as never] },
        ),
      })),
    ],
    [
      "somebody new on the roster",
      edited(
        (one) => one,
        (one) => ({ ...one, people: [] }),
      ),
    ],
  ])("changes no run in progress: %s", (_given, now) => {
    expect(saysOf(plan, now)).toEqual([]);
  });
});

describe("scripts", () => {
  const { path, remove } = makeFolder({
    "yard/system.yml": `
title: Yard
environment: production
components: { gate: { title: Gate } }
roles:
  boss: { title: Boss, explains: You decide., standing: true }
people:
  ada: { name: Ada, slack: [UADA], roles: [boss] }
  bea: { name: Bea, slack: [UBEA], roles: [boss] }
severities: { P0: { title: Down, respondWithin: 15m }, P1: { title: Hurting, respondWithin: 1h }, P2: { title: Odd, respondWithin: 4h }, P3: { title: Small, respondWithin: 1d } }
scripts: { open: { file: scripts/open.sh, environment: [GATE_TOKEN] } }
`,
    "yard/scripts/open.sh": "#!/bin/sh\nexit 0\n",
    "yard/runbooks/open.yml": `
title: Open
summary: Opens it.
component: gate
changes: the gate opens
stages:
  - id: all
    title: All
    steps:
      - { id: approve, title: Open?, gate: { role: boss } }
      - { id: open, title: Open, action: script.run, with: { script: open, observe: { url: "http://127.0.0.1:1/", status: 200, changes: openedAt } } }
`,
  });
  chmodSync(join(path, "yard/scripts/open.sh"), 0o755);
  afterAll(remove);
  const loaded = loadCatalog(path, cards);
  const yard = loaded.catalog;
  const opening = () => planOf(yard, yard.runbooks[0] as Runbook, "unplanned");
  const withScript = (change: object) =>
    forged(opening(), (step) => {
      if (step.kind !== "action") return step;
      const input = step.input as { script: object };
      return { ...step, input: { ...input, script: { ...input.script, ...change } } };
    });

  test("as it is, it may run", () => {
    expect(loaded.problems.filter(({ level }) => level === "error")).toEqual([]);
    expect(saysOf(opening(), yard)).toEqual([]);
  });

  test.each<[string, object, RegExp]>([
    ["elsewhere", { path: "/tmp/act.mjs" }, /the script open is .*open.sh, and the plan starts \/tmp\/act.mjs/],
    ["nobody listed", { name: "act" }, /the script act isn't in the catalogue/],
    ["with other bytes", { sha256: "0".repeat(64) }, /the script open has changed since the plan was made/],
    [
      "with a secret of the bot",
      { environment: ["GATE_TOKEN", "LIFEBOAT_SECRET_KEY"] },
      /is given LIFEBOAT_SECRET_KEY/,
    ],
  ])("one %s may not", (_given, change, says) => {
    const { differences } = of(withScript(change), yard);
    expect(differences).toEqual([{ step: "open", firm: true, says: expect.stringMatching(says) }]);
  });

  test("one that was edited since is another one", () => {
    const before = opening();
    writeFileSync(join(path, "yard/scripts/open.sh"), "#!/bin/sh\nexit 1\n");
    expect(saysOf(before, yard)).toEqual([expect.stringContaining("has changed since the plan was made")]);
  });
});

describe("the undo of a step", () => {
  const origin = planOf(catalog, book, "planned");
  const step = origin.stages
    .flatMap(({ steps }) => steps)
    .find((one) => one.kind === "action" && one.fences) as ActionStep;
  const [gate] = gates;
  const before = { readOnly: false };
  const undo = (() => {
    if (gate === undefined) throw new Error("There is no gate.");
    const request = {
      plan: origin,
      run: "run-1",
      step,
      before,
      verified: true,
      gates: [gate],
      byHand: [],
      mode: "planned",
      cards,
    } as const;
    const planned = planUndo(request);
    if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
    return planned.plan;
  })();
  const from = { plan: origin, gates: gate === undefined ? [] : [gate.id], before };

  test("is what its action says, asked of those the catalogue names now", () => {
    const found = of(undo, catalog, from);
    expect(found.differences).toEqual([]);
    expect([...found.gates]).toEqual([["approve", gate?.gate]]);
  });

  test.each<[string, Plan, typeof from | null, RegExp]>([
    ["of a run nobody knows", undo, null, /the run it takes a step back of is not known/],
    ["of something else", undo, { ...from, before: { readOnly: true } }, /was not done as this undo says/],
    [
      "in another way",
      forged(undo, (one) => (one.kind === "action" ? { ...one, action: "postgres.promote" } : one)),
      from,
      /is not taken back like this/,
    ],
    [
      "by one of two people that were asked together",
      undo,
      { ...from, gates: [gate?.id ?? "", gates.at(-1)?.id ?? ""] },
      /no longer has the approval that the step needed/,
    ],
    [
      "by an approval that is gone",
      undo,
      { ...from, gates: ["gone"] },
      /no longer has the approval that the step needed/,
    ],
  ])("not %s", (_given, bytes, whence, says) => {
    const { differences } = of(bytes, catalog, whence);
    expect(differences.filter((one) => one.firm && says.test(one.says))).not.toEqual([]);
  });
});

test("of two gates the stricter of each part counts, and no one decides what not both allow", () => {
  const one: Gate = {
    ...{ role: "ic", quorum: 1, expiresSeconds: 900, stepUp: false },
    escalate: [{ role: "vp", afterSeconds: 300 }],
  };
  const vp: Gate = { role: "vp", quorum: 2, expiresSeconds: 600, stepUp: true, escalate: [] };
  expect(stricter(one, vp)).toEqual({ role: "vp", quorum: 2, expiresSeconds: 600, stepUp: true, escalate: [] });
  expect(stricter(null, vp)).toBe(vp);
  expect(stricter({ ...one, escalate: [] }, vp)).toBeNull();
});
