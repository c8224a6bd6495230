import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Action } from "../../src/actions/contract.ts";
import { cardOf } from "../../src/actions/index.ts";
import { inverse, undoneBy } from "../../src/actions/undo.ts";
import { conformanceOf } from "../../src/catalog/conformance.ts";
import type { Catalog, Gate, GateStep, Plan, PlanStep, Runbook, RunbookStep, System } from "../../src/catalog/types.ts";
import { planUndo } from "../../src/catalog/undo.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Store } from "../../src/timeline/index.ts";
import { away, EngineScenario, engineOn, folder, go, ledgerStep, planOf } from "../support/engine-harness.ts";
import { codeOf, GATE, rosterWith, SYSTEM } from "../support/incident-scenario.ts";
import { actions, ledger } from "../support/ledger-actions.ts";
import { storeOn, type TestServer, testServer } from "../support/postgres.ts";

/**
 * Attacks on approvals, against a live engine on a real store: by someone who can put a plan of their own into the store, who requested a
 * run, or who was on the roster until just now. Each is refused or asked again, and the ledger of effects stays empty until enough of the
 * right people have approved by the rules of today.
 */
const promote = actions.get("folder.promote") as Action;
const userActions = new Map([
  ...actions,
  [
    promote.id,
    {
      ...promote,
      undo: undoneBy<{ dir: string; name: string }, unknown>((_, input) =>
        inverse("folder.put", { ...input, name: "back" }, "Put it back"),
      ),
    },
  ],
] as [string, Action][]);
const cards = new Map([...userActions].map(([id, action]) => [id, cardOf(action)]));

let server: TestServer;
let store: Store;
let scenario: EngineScenario;
let dir: string;
let live: Engine[] = [];
/** What the bot's own files say now. */
let catalog: Catalog;

beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  store = await storeOn(await server.database());
  scenario = new EngineScenario(store);
  dir = await folder();
  catalog = catalogOf(plan());
});
afterEach(async () => {
  await stop();
  await store.close();
  await away(dir);
});

/** A backup is made, then it is wiped. */
function plan(more: Partial<Gate> = {}): Plan {
  return planOf([
    [ledgerStep(dir, "look", "check")],
    [go(more)],
    [ledgerStep(dir, "put", "backup"), ledgerStep(dir, "promote", "wipe")],
  ]);
}

function catalogOf({ runbook: id, title, summary, stages }: Plan, system: System = SYSTEM): Catalog {
  const does = (step: PlanStep): RunbookStep["does"] =>
    step.kind === "action" ? { kind: "action", action: step.action, with: step.input, retries: 0 } : (step as never);
  const book: Runbook = {
    ...{ id, title, summary, system: system.id, starts: null, component: null, modes: ["planned", "unplanned"] },
    ...{ rtoSeconds: null, rpoSeconds: null, changes: "it", beforehand: [], afterwards: [] },
    stages: stages.map((stage) => ({
      ...stage,
      path: [],
      steps: stage.steps.map((step) => ({
        ...{ path: [], id: step.id, title: step.title, mode: null, when: step.when, does: does(step) },
      })),
    })),
  };
  return { systems: [system], runbooks: [book] };
}

function start(): void {
  const engine = engineOn(store, {
    actions: userActions,
    systems: { get: (id) => catalog.systems.find((system) => system.id === id) },
    conformance: (of, origin) => conformanceOf(of, { catalog, cards, variables: new Map() }, origin),
  });
  live.push(engine);
  engine.start();
}

async function stop(): Promise<void> {
  await Promise.all(live.map((engine) => engine.stop()));
  live = [];
}

const withSteps = (of: Plan, change: (step: PlanStep) => PlanStep[]): Plan => ({
  ...of,
  stages: of.stages.map((stage) => ({ ...stage, steps: stage.steps.flatMap(change) })),
});
const approving = async (who: string) => {
  const { ask } = await scenario.gate();
  return codeOf(await scenario.asks(who, { type: "approve", run: "run-1", ask }));
};
/** Asked again, after this question. */
const untilAskedAfter = (ask: string) =>
  scenario.until((run) => {
    const state = run.steps.get("go");
    return state?.status === "gate" && state.gate.outcome === "open" && state.gate.ask !== ask;
  });
const refusal = async () => (await scenario.until(({ stuck }) => stuck !== null)).stuck;
const voidedWhy = async () =>
  (await store.timeline.read("inc-1")).flatMap(({ type, data }) =>
    type === "gate.voided" ? [(data as { why: string }).why] : [],
  );

describe("plan bytes of an attacker's own, under their own hash", () => {
  test("with a weaker gate: asked by the catalogue's rules, and the attacker's people approve nothing", async () => {
    catalog = catalogOf(plan({ role: "vp-engineering", escalate: [], quorum: 2, stepUp: true }));
    await scenario.requested(plan({ role: "on-call", escalate: [] }));
    start();
    await scenario.untilApprovalRequested();
    const gate = await scenario.gate();
    expect(gate).toMatchObject({
      role: "vp-engineering",
      quorum: 2,
      today: { roles: ["vp-engineering"], stepUp: true },
    });
    expect(await approving("oli")).toBe("gate-role");
    expect(await approving("vera")).toBe("step-up-needed");
    expect(ledger(dir)).toEqual([]);
  });

  test.each<[string, (of: Plan) => Plan, RegExp]>([
    ["without its gate", (of) => withSteps(of, (one) => (one.kind === "gate" ? [] : [one])), /needs the approval “go”/],
    [
      "with a step of its own",
      (of) => withSteps(of, (one) => (one.id === "wipe" ? [one, ledgerStep(dir, "put", "mine")] : [one])),
      /“mine” \(folder.put\) isn't a step of/,
    ],
    [
      "that takes what can't be undone for a look",
      (of) => withSteps(of, (one) => (one.kind === "action" ? [{ ...one, risk: "read" }] : [one])),
      /is irreversible, and the plan says read/,
    ],
    [
      "that reads a secret of the bot",
      (of) =>
        withSteps(of, (one) => (one.kind === "action" ? [{ ...one, input: { tokenFrom: "SLACK_BOT_TOKEN" } }] : [one])),
      /reads the secret SLACK_BOT_TOKEN/,
    ],
    ["of a runbook that isn't in the catalogue", (of) => ({ ...of, runbook: "mine" }), /has no runbook mine/],
  ])("%s: nothing is looked at, no one is asked, nothing is changed", async (_given, forge, says) => {
    const forged = forge(plan());
    const hasGate = forged.stages.some(({ steps }) => steps.some(({ kind }) => kind === "gate"));
    // Commands refuse a plan without a gate before any engine sees it, unless nothing of it seems to change anything.
    const bytes = hasGate
      ? forged
      : withSteps(forged, (one) => (one.kind === "action" ? [{ ...one, risk: "read" }] : [one]));
    await scenario.requested(bytes);
    start();
    expect(await refusal()).toMatchObject({
      code: "catalogue-differs",
      what: expect.stringMatching(hasGate ? says : /plan says read/),
    });
    expect(await scenario.types()).toEqual(["run.requested", "run.stuck"]);
    expect(ledger(dir)).toEqual([]);
  });

  test("of a system that is gone from the catalogue: it waits for it, and goes on when it is back", async () => {
    const whole = catalog;
    catalog = { systems: [], runbooks: [] };
    await scenario.requested(plan());
    start();
    expect(await refusal()).toMatchObject({
      code: "catalogue-differs",
      what: expect.stringContaining("has no system shop"),
    });
    catalog = whole;
    await scenario.asks("ana", { type: "resume", run: "run-1" });
    await scenario.untilApprovalRequested();
    expect(await approving("bo")).toBe("accepted");
    await scenario.until(({ status }) => status === "verified");
  });
});

describe("an undo", () => {
  test("is held against the run it goes back to: a call of an attacker's own is not made", async () => {
    await scenario.requested(plan());
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve("bo");
    await scenario.until(({ status }) => status === "verified");
    const { step, origin } = await scenario.step("wipe");
    if (step.kind !== "action" || origin === undefined) throw new Error("It was not done.");
    const gate = (await scenario.step("go")).step as GateStep;
    const whole = { plan: (await scenario.run()).plan, run: "run-1", step, before: origin.before, verified: true };
    const own = planUndo({ ...whole, gates: [gate], byHand: [], mode: "planned", cards });
    if (!own.ok) throw new Error(JSON.stringify(own.problems));
    const undoes = {
      run: "run-1",
      step: "wipe",
      action: step.action,
      input: step.input,
      before: origin.before,
      verified: true,
    };
    await scenario.requested(
      planOf([[go()], [{ ...ledgerStep(dir, "put", "mine"), id: "undo" }]], { undoes, runbook: "undo:wipe" }),
      "run-2",
    );
    const run = await scenario.until(({ stuck }) => stuck !== null, "run-2");
    expect(run.stuck?.what).toBe(
      "The catalogue doesn't allow this plan as it stands: “wipe” is not taken back like this",
    );
    expect(ledger(dir)).toEqual(["put backup", "promote wipe"]);
    // What its action says is made, once the same people have approved it.
    await scenario.asks("ana", { type: "abort", run: "run-2", reason: "It was an attack" });
    await scenario.requested(own.plan, "run-3");
    await scenario.untilApprovalRequested("approve", "run-3");
    await scenario.approve("bo", "approve", "run-3");
    await scenario.until(({ status }) => status === "verified", "run-3");
    expect(ledger(dir)).toEqual(["put backup", "promote wipe", "put back"]);
  });
});

describe("the requester changes what others approve", () => {
  test("a skip before the approval makes the question void: what was on the screen can't be approved", async () => {
    await scenario.requested(plan());
    start();
    await scenario.untilApprovalRequested();
    const { ask } = await scenario.gate();
    const skip = { type: "skipStep", run: "run-1", step: "backup", reason: "hurry" } as const;
    expect(codeOf(await scenario.asks("ana", skip))).toBe("accepted");
    expect(codeOf(await scenario.asks("bo", { type: "approve", run: "run-1", ask }))).toMatch(
      /^ask-(void|superseded)$/,
    );
    await untilAskedAfter(ask);
    expect((await scenario.gate()).because).toBe("Ana skipped “backup” (hurry)");
    expect(ledger(dir)).toEqual([]);
    expect(await approving("bo")).toBe("accepted");
    await scenario.until(({ status }) => status === "verified");
    expect(ledger(dir)).toEqual(["promote wipe"]);
  });

  test("a skip after the approval is refused, and what was approved is what runs", async () => {
    await scenario.requested(plan());
    start();
    await scenario.untilApprovalRequested();
    await scenario.asks("oli", { type: "pause", run: "run-1", reason: null });
    expect(await approving("bo")).toBe("accepted");
    const skip = { type: "skipStep", run: "run-1", step: "backup", reason: "hurry" } as const;
    expect(codeOf(await scenario.asks("ana", skip))).toBe("skip-approved");
    expect(ledger(dir)).toEqual([]);
    await scenario.asks("ana", { type: "resume", run: "run-1" });
    await scenario.until(({ status }) => status === "verified");
    expect(ledger(dir)).toEqual(["put backup", "promote wipe"]);
  });

  test("break-glass before the chain was silent, and alone after it", async () => {
    await scenario.requested(plan());
    start();
    await scenario.untilApprovalRequested();
    const { ask } = await scenario.gate();
    const breaks = async () =>
      codeOf(await scenario.asks("ana", { type: "breakGlass", run: "run-1", ask, reason: "hurry" }));
    expect(await breaks()).toBe("chain-not-silent");
    await scenario.asks("ana", { type: "escalate", run: "run-1", ask, why: null });
    expect(await breaks()).toBe("accepted");
    expect(await breaks()).toBe("second-awaited");
    expect((await scenario.gate()).broken).toBeNull();
    expect(ledger(dir)).toEqual([]);
  });
});

describe("the rules change under a live bot", () => {
  test("who is taken off the roster no longer counts, also for what they approved and nothing has used", async () => {
    await scenario.requested(plan({ quorum: 2 }));
    catalog = catalogOf(plan({ quorum: 2 }));
    start();
    await scenario.untilApprovalRequested();
    const { ask } = await scenario.gate();
    expect(await approving("bo")).toBe("accepted");
    const [book] = catalog.runbooks;
    catalog = { systems: [rosterWith("bo", null)], runbooks: book ? [book] : [] };
    expect(await approving("cy")).toBe("accepted");
    await untilAskedAfter(ask);
    expect(await voidedWhy()).toEqual(["bo is no longer on the roster"]);
    expect(ledger(dir)).toEqual([]);
  });

  test("a quorum raised while the question is open, and a restart: one approval starts nothing", async () => {
    await scenario.requested(plan());
    start();
    await scenario.untilApprovalRequested();
    const { ask } = await scenario.gate();
    await stop();
    catalog = catalogOf(plan({ quorum: 2 }));
    expect(await approving("bo")).toBe("accepted");
    start();
    await untilAskedAfter(ask);
    expect(await voidedWhy()).toEqual([expect.stringContaining("2 people must approve, not 1")]);
    expect(await approving("bo")).toBe("accepted");
    expect(ledger(dir)).toEqual([]);
    expect(await approving("cy")).toBe("accepted");
    await scenario.until(({ status }) => status === "verified");
    expect(ledger(dir)).toEqual(["put backup", "promote wipe"]);
  });

  test("stricter rules in the middle of a run: it is asked again and goes on from where it was", async () => {
    const between = planOf([
      [go()],
      [ledgerStep(dir, "put", "fence")],
      [{ id: "say", title: "say", when: null, kind: "manual", instructions: "Say when", role: null }],
      [ledgerStep(dir, "promote", "promote")],
    ]);
    catalog = catalogOf(between);
    await scenario.requested(between);
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve("bo");
    await scenario.untilStep("say", "open");
    const { ask } = await scenario.gate();
    catalog = catalogOf(
      withSteps(between, (one) => (one.kind === "gate" ? [{ ...one, gate: { ...GATE, quorum: 2 } }] : [one])),
    );
    await scenario.asks("bo", { type: "confirmStep", run: "run-1", step: "say", note: null });
    await untilAskedAfter(ask);
    expect(ledger(dir)).toEqual(["put fence"]);
    for (const who of ["bo", "vera"]) expect(await approving(who)).toBe("accepted");
    await scenario.until(({ status }) => status === "verified");
    expect(ledger(dir)).toEqual(["put fence", "promote promote"]);
  });

  test("an edit of other things in the files changes no run in progress", async () => {
    await scenario.requested(plan());
    start();
    await scenario.untilApprovalRequested();
    const [book] = catalog.runbooks;
    if (book === undefined) throw new Error("There is no runbook.");
    const { stages } = book;
    const more = { ...(stages[0] as Runbook["stages"][number]), id: "more", steps: [] };
    catalog = {
      systems: [{ ...SYSTEM, title: "Another shop" }],
      runbooks: [{ ...book, title: "Another title", summary: "Other words", stages: [...stages, more] }],
    };
    expect(await approving("bo")).toBe("accepted");
    await scenario.until(({ status }) => status === "verified");
    expect(await voidedWhy()).toEqual([]);
  });
});
