import { writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Conformance } from "../../src/catalog/types.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import type { Timeline } from "../../src/timeline/contract.ts";
import type { Store } from "../../src/timeline/index.ts";
import { away, EngineScenario, engineOn, folder, go, ledgerStep, planOf, wait } from "../support/engine-harness.ts";
import { action as anyAction, gate, manual } from "../support/incident-scenario.ts";
import { behave, ledger } from "../support/ledger-actions.ts";
import { asSuperuser, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";

let server: TestServer;
let store: Store;
let url: string;
let scenario: EngineScenario;
let dir: string;
let engines: Engine[] = [];

beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  url = await server.database();
  store = await storeOn(url);
  scenario = new EngineScenario(store);
  dir = await folder();
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.stop()));
  engines = [];
  await store.close();
  await away(dir);
});

function start(more: Partial<EnginePorts> = {}, on = store): Engine {
  const engine = engineOn(on, more);
  engines.push(engine);
  engine.start();
  return engine;
}

/** The store's timeline, and what was written by it in each commit: `step.started b`. */
function watchCommits() {
  const commits: string[][] = [];
  const timeline: Timeline = {
    ...store.timeline,
    async decide(stream, decide, options) {
      const decided = await store.timeline.decide(stream, decide, options);
      if (decided.kind === "written")
        commits.push(
          decided.events.map(({ type, data }) => `${type} ${(data as { step?: string }).step ?? ""}`.trim()),
        );
      return decided;
    },
  };
  return { timeline, with: (event: string) => commits.find((one) => one.includes(event)) ?? [] };
}

describe("a run from the request to the end", () => {
  test("looks, asks, starts in order, and is verified", async () => {
    const plan = planOf([
      [ledgerStep(dir, "look", "check")],
      [go()],
      [ledgerStep(dir, "put", "fence"), ledgerStep(dir, "promote", "promote", { needs: "fence" })],
    ]);
    await scenario.requested(plan);
    start();
    const asked = await scenario.untilApprovalRequested();
    expect(asked.preflight?.loss).toBe("about 3 files");
    expect(asked.preflight?.ready).toBe(true);
    await scenario.approve();
    await scenario.until((run) => run.status === "verified");
    expect((await scenario.types()).filter((type) => !type.startsWith("step.progressed"))).toEqual([
      "run.requested",
      "run.preflighted",
      "step.started check",
      "step.verified check",
      "run.preflighted",
      "gate.opened go",
      "gate.approved go",
      "gate.passed go",
      "step.started fence",
      "step.intended fence",
      "step.applied fence",
      "step.verified fence",
      "step.started promote",
      "step.intended promote",
      "step.applied promote",
      "step.verified promote",
      "run.verified",
    ]);
    expect(ledger(dir)).toEqual(["put fence", "promote promote"]);
    const promoted = await scenario.step("promote");
    expect(promoted.status === "done" && promoted.rpo).toEqual({
      subject: "files",
      seconds: 3,
      rows: null,
      method: "counted files",
    });
  });

  test("what would be lost: what the runbook gives up, what steps say of themselves, and never nothing where no one says", async () => {
    const approving = async (id: string, plan: ReturnType<typeof planOf>) => {
      await scenario.requested(plan, id);
      return (await scenario.until((run) => run.preflight !== null, id)).preflight?.loss;
    };
    start();
    const [put, script] = [ledgerStep(dir, "put", "one"), ledgerStep(dir, "put", "two", { repeat: "destructive" })];
    expect(await approving("run-1", planOf([[go()], [put]]))).toBe("nothing");
    expect(await approving("run-2", planOf([[go()], [script]]))).toBe('unknown: "two" does not say');
    const givesUp = ["everything since the backup"];
    expect(await approving("run-3", planOf([[go()], [script]], { givesUp }))).toBe(givesUp[0]);
    const promotes = [script, ledgerStep(dir, "promote", "three", { needs: "two" })];
    expect(await approving("run-4", planOf([[go()], promotes], { givesUp }))).toBe(
      "everything since the backup; about 3 files",
    );
  });

  test("frees its resources when it ends", async () => {
    const plan = planOf([[go()], [ledgerStep(dir, "put", "fence")]]);
    await scenario.requested(plan);
    await expect(scenario.requested(plan, "run-2")).rejects.toThrow("held");
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.until((run) => run.status === "verified");
    await scenario.requested(plan, "run-2");
  });

  test("a stage that takes too long is recorded as late, once, by whichever replica looks first; people go on", async () => {
    const clocks = [{ id: "decide", title: "Decide", withinSeconds: 1, stages: ["stage-1"] }];
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "fence")]], { clocks }));
    start();
    start();
    const { clocks: running } = await scenario.until((run) => run.clocks?.get("decide")?.lateAt != null);
    const { startedAt, lateAt } = running?.get("decide") ?? {};
    expect((lateAt?.getTime() ?? 0) - (startedAt?.getTime() ?? 0)).toBeGreaterThanOrEqual(1000);
    await scenario.approve();
    await scenario.until((run) => run.status === "verified");
    expect((await scenario.types()).filter((type) => type.startsWith("stage."))).toEqual(["stage.late"]);
  });

  test("a dry run looks at everything and changes nothing", async () => {
    await scenario.requested(planOf([[ledgerStep(dir, "put", "fence")]]), "run-1", { dryRun: true });
    start();
    const run = await scenario.until((one) => one.status === "verified");
    expect(run.preflight?.facts.map((fact) => fact.id)).toEqual(["value", "condition"]);
    expect(ledger(dir)).toEqual([]);
  });

  test("a preflight that finds it can't start ends the run with nothing changed", async () => {
    behave(dir, "fence", "blocked", "The node is on fire.");
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "fence")]]));
    start();
    const run = await scenario.until((one) => one.status === "failed");
    expect(run.problem).toMatchObject({ what: "The node is on fire.", stateNow: "Nothing was changed." });
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "fence")]]), "run-2");
  });

  test("what a finding advises comes next, and what the runbook asks for beforehand where it advises nothing", async () => {
    const beforehand = ["It needs a node that is cold."];
    const plan = planOf([[go()], [ledgerStep(dir, "put", "fence")]], { beforehand });
    behave(dir, "fence", "blocked", "The node is on fire.");
    await scenario.requested(plan);
    start();
    const unadvised = await scenario.until((one) => one.status === "failed");
    expect(unadvised.problem?.next).toBe("It needs a node that is cold. Fix it and request the run again.");
    behave(dir, "fence", "advises", "Put it out.");
    await scenario.requested(plan, "run-2");
    const advised = await scenario.until((one) => one.status === "failed", "run-2");
    expect(advised.problem).toMatchObject({
      what: "The node is on fire.",
      next: "Put it out. Then request the run again.",
    });
  });

  test("a target that hangs does not hold the preflight for ever", async () => {
    behave(dir, "fence", "hangsLooking");
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "fence")]]));
    start({ settings: { observeSeconds: 0.3 } });
    const run = await scenario.until((one) => one.status === "failed");
    expect(run.problem?.what).toMatch(/"fence" couldn't be checked: .*no answer within 0.3 s/);
  });

  test("parallel steps go side by side, and the stage behind waits for all", async () => {
    behave(dir, "a", "slow", 700);
    behave(dir, "b", "slow", 700);
    const plan = planOf([
      [go()],
      [ledgerStep(dir, "put", "a"), ledgerStep(dir, "put", "b")],
      [ledgerStep(dir, "look", "after")],
    ]);
    const stages = plan.stages.map((stage, i) => ({ ...stage, parallel: i === 1 }));
    await scenario.requested({ ...plan, stages });
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.until((run) => ["a", "b"].every((id) => run.steps.get(id)?.status === "running"));
    const run = await scenario.until((one) => one.status === "verified");
    const [a, b, after] = ["a", "b", "after"].map((id) => run.steps.get(id));
    const times = [a, b, after].map((one) => (one?.status === "done" ? one : null));
    expect(Number(times[2]?.startedAt)).toBeGreaterThanOrEqual(Math.max(Number(times[0]?.at), Number(times[1]?.at)));
  });

  test("branches go side by side: while one is slow, the other comes to its end", async () => {
    behave(dir, "a", "slow", 1500);
    const steps = ["a", "b", "c", "d"].map((id) => ledgerStep(dir, "put", id));
    const lanes = [
      { id: "database", title: "Database", steps: ["a", "b"] },
      { id: "search", title: "Search", steps: ["c", "d"] },
    ];
    const plan = planOf([[go()], steps, [ledgerStep(dir, "look", "after")]]);
    const stages = plan.stages.map((stage, i) => (i === 1 ? { ...stage, parallel: true, lanes } : stage));
    await scenario.requested({ ...plan, format: 2, stages });
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
    const early = await scenario.until((run) => run.steps.get("d")?.status === "done");
    expect(["a", "b"].map((id) => early.steps.get(id)?.status)).toEqual(["running", "waiting"]);
    const run = await scenario.until((one) => one.status === "verified");
    const [a, b, after] = ["a", "b", "after"].map((id) => {
      const step = run.steps.get(id);
      return step?.status === "done" ? step : null;
    });
    expect(Number(b?.startedAt)).toBeGreaterThanOrEqual(Number(a?.at));
    expect(Number(after?.startedAt)).toBeGreaterThanOrEqual(Number(b?.at));
  });

  test("a step whose condition is false is passed over", async () => {
    const when = { step: "check", fact: "value", is: "there" };
    const plan = planOf([
      [ledgerStep(dir, "look", "check")],
      [go()],
      [ledgerStep(dir, "put", "fence", { when }), ledgerStep(dir, "put", "b")],
    ]);
    await scenario.requested(plan);
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
    const run = await scenario.until((one) => one.status === "verified");
    expect(run.steps.get("fence")?.status).toBe("passedOver");
    expect(ledger(dir)).toEqual(["put b"]);
  });

  describe("the claim of the step that follows", () => {
    const a = () => ledgerStep(dir, "put", "a");
    const b = () => ledgerStep(dir, "put", "b");

    test("is written in one commit with what ended the one before it", async () => {
      await scenario.requested(planOf([[go()], [a(), b()], [wait("soak", 1), ledgerStep(dir, "put", "c")]]));
      const commits = watchCommits();
      start({ timeline: commits.timeline });
      await scenario.untilApprovalRequested();
      await scenario.approve();
      await scenario.until((run) => run.status === "verified");
      expect(commits.with("step.verified a")).toEqual(expect.arrayContaining(["step.started b"]));
      // What is no action is begun by itself.
      expect(commits.with("step.verified b").at(-1)).toBe("step.verified b");
      expect(ledger(dir)).toEqual(["put a", "put b", "put c"]);
    });

    test.each([
      ["a gate comes between them", () => planOf([[go()], [a(), gate("more"), b()]])],
      [
        "a later step depends on what was seen",
        () => {
          const when = { step: "a", fact: "value", is: "there" };
          return planOf([[go()], [a(), b(), ledgerStep(dir, "put", "c", { when })]]);
        },
      ],
    ])("is a commit of its own where %s", async (_why, plan) => {
      await scenario.requested(plan());
      const commits = watchCommits();
      start({ timeline: commits.timeline });
      await scenario.untilApprovalRequested();
      await scenario.approve();
      const run = await scenario.untilStep("a", "done");
      if (run.steps.has("more"))
        await scenario.untilApprovalRequested("more").then(() => scenario.approve("bo", "more"));
      await scenario.untilStep("b", "done");
      expect(commits.with("step.verified a").at(-1)).toBe("step.verified a");
    });

    test("isn't written where the catalogue allows the plan no longer", async () => {
      behave(dir, "a", "slow", 500);
      await scenario.requested(planOf([[go()], [a(), b()]]));
      let differences: Conformance["differences"] = [];
      start({ conformance: () => ({ gates: new Map(), differences }) });
      await scenario.untilApprovalRequested();
      await scenario.approve();
      await scenario.untilStep("a", "running");
      differences = [{ step: null, firm: true, says: "the runbook is gone" }];
      const run = await scenario.until((one) => one.stuck !== null);
      expect([run.steps.get("a")?.status, run.steps.get("b")?.status]).toEqual(["done", "waiting"]);
      expect(ledger(dir)).toEqual(["put a"]);
    });
  });

  test("a wait ends by the database's clock, and a manual step when someone says so", async () => {
    await scenario.requested(planOf([[go()], [wait("soak", 1), manual("tell"), ledgerStep(dir, "put", "fence")]]));
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
    const run = await scenario.untilStep("tell", "open");
    const soak = run.steps.get("soak");
    expect(soak?.status === "done" && soak.seconds).toBeGreaterThanOrEqual(1);
    expect(soak?.status === "done" && soak.seconds).toBeLessThan(10);
    expect(ledger(dir)).toEqual([]);
    await scenario.asks("oli", { type: "confirmStep", run: "run-1", step: "tell", note: "told them" });
    await scenario.until((one) => one.status === "verified");
  });

  test("a last gate, with nothing behind it to use it, passes before the end", async () => {
    await scenario.requested(planOf([[ledgerStep(dir, "look", "check")], [go()], [gate("close")]]));
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve("bo", "go");
    await scenario.untilApprovalRequested("close");
    expect((await scenario.run()).status).toBe("waiting");
    await scenario.approve("cy", "close");
    const run = await scenario.until((one) => one.status === "verified");
    expect([...run.steps.values()].map((step) => step.status === "gate" && step.gate.outcome).filter(Boolean)).toEqual([
      "passed",
      "passed",
    ]);
  });
});

describe("approvals", () => {
  const plan = () => planOf([[go()], [ledgerStep(dir, "put", "fence")]]);

  test("a material fact that changed since it was shown makes the approval void, and it is asked again", async () => {
    await scenario.requested(plan());
    start();
    const first = await scenario.untilApprovalRequested();
    behave(dir, "fence", "condition", "storm");
    await scenario.approve();
    await scenario.until((run) => run.preflight?.factsHash !== first.preflight?.factsHash);
    await scenario.untilApprovalRequested();
    const types = await scenario.types();
    expect(types).toContain("gate.voided go");
    expect(types).not.toContain("step.started fence");
    expect(await scenario.print()).toContain("condition: fair, now storm");
    await scenario.approve();
    await scenario.until((run) => run.status === "verified");
    expect(ledger(dir)).toEqual(["put fence"]);
  });

  test("a block found behind the approval voids it, and a person is told what to fix", async () => {
    await scenario.requested(plan());
    start();
    await scenario.untilApprovalRequested();
    behave(dir, "fence", "blocked", "The disk is full.");
    await scenario.approve();
    const stuck = await scenario.until((run) => run.stuck !== null);
    expect(stuck.problem).toMatchObject({ what: "The disk is full.", stateNow: "Nothing was changed." });
    behave(dir, "fence", "blocked", null);
    await scenario.asks("cy", { type: "resume", run: "run-1" });
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.until((run) => run.status === "verified");
  });

  test("a level whose only holder is deactivated is not waited for, and the next one is asked at once", async () => {
    const chain = [
      { role: "vp-engineering", afterSeconds: 300 },
      { role: "cto", afterSeconds: 600 },
    ];
    await scenario.requested(
      planOf([[go({ role: "incident-commander", escalate: chain })], [ledgerStep(dir, "put", "fence")]]),
    );
    start({
      accountStatus: {
        check: async (_, person) => (person === "cy" ? "This Slack account is deactivated." : null),
        gone: async (_, person) => {
          if (person === "duo") throw new Error("Slack is away");
          return person === "cy" ? "This Slack account is deactivated." : null;
        },
      },
    });
    await scenario.until((run) => {
      const step = run.steps.get("go");
      return step?.status === "gate" && step.gate.level === 1;
    });
    expect((await scenario.gate()).risen[0]?.why).toContain("Cy: This Slack account is deactivated");
    await scenario.approve("vera");
    await scenario.untilStep("fence", "done");
  });

  test("silence is carried on where it was when another replica takes over: the CTO is asked on time", async () => {
    const chain = [{ role: "cto", afterSeconds: 2 }];
    const short = { role: "vp-engineering", expiresSeconds: 60, escalate: chain, remindSeconds: 1 };
    await scenario.requested(planOf([[go(short)], [ledgerStep(dir, "put", "fence")]]));
    const first = start();
    await scenario.untilApprovalRequested();
    await first.stop();
    start({}, store);
    await scenario.until((run) => {
      const step = run.steps.get("go");
      return step?.status === "gate" && step.gate.level === 1;
    });
    const { openedAt, risen, reminders } = await scenario.gate();
    const after = (risen[0]?.at.getTime() ?? 0) - openedAt.getTime();
    expect(after).toBeGreaterThanOrEqual(2000);
    expect(after).toBeLessThan(2600);
    expect(reminders.map(({ roles }) => roles)).toContainEqual(["vp-engineering"]);
    await scenario.approve("tess");
    await scenario.untilStep("fence", "done");
  });

  test("an approver who was deactivated between the click and the start does not count", async () => {
    const gone = new Set<string>();
    await scenario.requested(plan());
    start({ accountStatus: { check: async (_system, person) => (gone.has(person) ? "deactivated" : null) } });
    await scenario.untilApprovalRequested();
    gone.add("bo");
    await scenario.approve("bo");
    await scenario.until((run) => {
      const step = run.steps.get("go");
      return step?.status === "gate" && step.gate.earlier.length === 1;
    });
    expect(ledger(dir)).toEqual([]);
    await scenario.approve("cy");
    await scenario.until((run) => run.status === "verified");
  });

  test("a look-up that fails means no, is tried again, and then counts", async () => {
    let broken = true;
    await scenario.requested(plan());
    const accountStatus = {
      check: async () => {
        if (broken) throw new Error("Slack is away");
        return null;
      },
    };
    start({ accountStatus });
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.until((run) => run.steps.get("go")?.status === "gate");
    await new Promise((soon) => setTimeout(soon, 300));
    expect(ledger(dir)).toEqual([]);
    broken = false;
    await scenario.until((run) => run.status === "verified");
  });

  test("silence asks the next level, and expiry closes the gate until someone asks again", async () => {
    const short = { expiresSeconds: 2, escalate: [{ role: "vp-engineering", afterSeconds: 1 }] };
    await scenario.requested(planOf([[go(short)], [ledgerStep(dir, "put", "fence")]]));
    start();
    const asked = await scenario.untilApprovalRequested();
    const level = await scenario.until((run) => {
      const step = run.steps.get("go");
      return step?.status === "gate" && step.gate.level === 1;
    });
    expect(level.status).toBe("waiting");
    const stopped = await scenario.until((run) => run.status === "stopped");
    expect(stopped.problem?.code).toBe("gate-expired");
    const events = await store.timeline.read(scenario.stream);
    const at = (type: string) =>
      Number(events.find((event) => event.type === type)?.at) -
      Number(events.find((event) => event.type === "gate.opened")?.at);
    expect(at("gate.escalated")).toBeGreaterThanOrEqual(1000);
    expect(at("gate.escalated")).toBeLessThan(1300);
    expect(at("gate.expired")).toBeGreaterThanOrEqual(2000);
    expect(at("gate.expired")).toBeLessThan(2300);
    await scenario.asks("cy", { type: "retryStep", run: "run-1", step: "go" });
    await scenario.untilApprovalRequested();
    expect((await scenario.gate()).ask).not.toBe((asked.steps.get("go") as { gate: { ask: string } }).gate.ask);
  });
});

describe("when something goes wrong", () => {
  const run = async (verb: string, more: Parameters<typeof ledgerStep>[3] = {}) => {
    await scenario.requested(planOf([[go()], [ledgerStep(dir, verb, "it", more), ledgerStep(dir, "put", "after")]]));
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
  };

  test("a lost answer is looked for, never requested twice", async () => {
    behave(dir, "it", "losesAnswer");
    await run("guard");
    await scenario.until((one) => one.status === "verified");
    expect(ledger(dir)).toEqual(["guard it", "put after"]);
  });

  test("a refusal is tried again as often as the plan allows", async () => {
    behave(dir, "it", "refuses", 1);
    await run("put", { retries: 1 });
    await scenario.until((one) => one.status === "verified");
    expect((await scenario.step("it")).attempts).toBe(2);
    expect(ledger(dir)).toEqual(["put it", "put after"]);
  });

  test("without attempts left the run stops, says how things are, and goes on when a person retries", async () => {
    behave(dir, "it", "refuses", 1);
    await run("put");
    const stopped = await scenario.until((one) => one.status === "stopped");
    expect(stopped.problem).toMatchObject({
      what: "Permission denied.",
      stateNow: "Now: it: unknown; condition: fair.",
    });
    expect(ledger(dir)).toEqual([]);
    await scenario.asks("bo", { type: "retryStep", run: "run-1", step: "it" });
    await scenario.until((one) => one.status === "verified");
  });

  test("a toggle whose answer was lost is not repeated", async () => {
    behave(dir, "it", "losesAnswer");
    await run("flip", { retries: 3 });
    await scenario.until((one) => one.status === "verified");
    expect(ledger(dir)).toEqual(["flip it", "put after"]);
  });

  test("a toggle that shows late is not sent again, however soon a person retries", async () => {
    behave(dir, "it", "late", 3_000);
    await run("flip", { budget: { typicalSeconds: 5, warnSeconds: 8, failSeconds: 10 } });
    const stopped = await scenario.until((one) => one.status === "stopped");
    expect(stopped.problem?.stateNow).toContain("it: unknown");
    await scenario.asks("bo", { type: "retryStep", run: "run-1", step: "it" });
    await scenario.until((one) => one.status === "verified");
    expect(ledger(dir)).toEqual(["flip it", "put after"]);
    expect(await scenario.print()).toMatch(/It was requested at .* only checked/);
  });

  test("what the target shows late is not sent again before it has to show", async () => {
    behave(dir, "it", "late", 3_000);
    behave(dir, "it", "showsWithin", 6_000);
    await run("guard", { retries: 3 });
    await scenario.until((one) => one.status === "verified");
    expect(ledger(dir)).toEqual(["guard it", "put after"]);
    expect(await scenario.print()).toMatch(/It was requested at .* only checked/);
  });

  test("a toggle of which no one can tell what it did is repeated on no one's word", async () => {
    behave(dir, "it", "late", 60_000);
    await run("flip", { budget: { typicalSeconds: 0.1, warnSeconds: 8, failSeconds: 10 } });
    await scenario.until((one) => one.status === "stopped");
    behave(dir, "it", "unclear");
    await scenario.asks("bo", { type: "retryStep", run: "run-1", step: "it" });
    const stopped = await scenario.until((one) => one.steps.get("it")?.status === "stopped");
    expect(stopped.problem).toMatchObject({
      code: "outcome-unknown",
      next: expect.stringContaining("Check the target"),
    });
    expect(ledger(dir)).toEqual(["flip it"]);
  });

  test("something destructive is repeated only when a person said so", async () => {
    behave(dir, "it", "losesRequest");
    await run("wipe", { retries: 3 });
    const stopped = await scenario.untilStep("it", "stopped");
    expect(stopped.problem?.what).toMatch(/a person must decide before it's repeated/);
    expect(ledger(dir)).toEqual([]);
    behave(dir, "it", "losesRequest", null);
    await scenario.asks("bo", { type: "retryStep", run: "run-1", step: "it" });
    await scenario.until((one) => one.status === "verified");
    expect(ledger(dir)).toEqual(["wipe it", "put after"]);
  });

  test.each([
    ["half", "outcome-partial"],
    ["unclear", "outcome-unknown"],
  ] as const)("an outcome that is %s stops and asks a person", async (how, code) => {
    behave(dir, "it", "losesAnswer");
    behave(dir, "it", how);
    await run("guard", { retries: 3 });
    const stopped = await scenario.untilStep("it", "stopped");
    expect(stopped.problem).toMatchObject({ code, stateNow: "Now: it: there; condition: fair." });
    expect(ledger(dir)).toEqual(["guard it"]);
    await scenario.asks("cy", { type: "skipStep", run: "run-1", step: "it", reason: "It is there, I looked" });
    await scenario.until((one) => one.status === "verified");
    expect(ledger(dir)).toEqual(["guard it", "put after"]);
  });

  test("a hanging action ends at its deadline, and what it asked for is looked for", async () => {
    behave(dir, "it", "hangs");
    await run("put", { budget: { typicalSeconds: 0.1, warnSeconds: 0.2, failSeconds: 0.5 } });
    const stopped = await scenario.until((one) => one.status === "stopped");
    expect(stopped.problem).toMatchObject({ code: "deadline", stateNow: "Now: it: unknown; condition: fair." });
    expect(await scenario.print()).toContain("Late: this usually takes 0.1 s");
  });

  test("what is not proven is not done; trying again only looks", async () => {
    behave(dir, "it", "unproven", 1);
    await run("guard", { retries: 1 });
    await scenario.until((one) => one.status === "verified");
    expect((await scenario.step("it")).attempts).toBe(2);
    expect(ledger(dir)).toEqual(["guard it", "put after"]);
  });

  test("a step that someone did by hand is verified, not repeated", async () => {
    await scenario.requested(planOf([[go()], [manual("hand"), ledgerStep(dir, "guard", "it")]]));
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.untilStep("hand", "open");
    writeFileSync(`${dir}/it`, "by hand");
    await scenario.asks("bo", { type: "confirmStep", run: "run-1", step: "hand", note: null });
    await scenario.until((one) => one.status === "verified");
    expect(ledger(dir)).toEqual([]);
  });

  test("an action this version does not know stops the run before anything", async () => {
    await scenario.requested(planOf([[go()], [anyAction("promote")]]));
    start();
    const failed = await scenario.until((one) => one.status === "failed");
    expect(failed.problem?.what).toContain('no action "postgres.promote"');
  });
});

describe("people steer", () => {
  test("paused, what is in progress finishes and nothing new starts; resumed, it goes on", async () => {
    behave(dir, "a", "slow", 500);
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "a"), ledgerStep(dir, "put", "b")]]));
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.untilStep("a", "running");
    await scenario.asks("bo", { type: "pause", run: "run-1", reason: "wait" });
    const paused = await scenario.untilStep("a", "done");
    expect(paused.status).toBe("paused");
    await new Promise((soon) => setTimeout(soon, 300));
    expect(ledger(dir)).toEqual(["put a"]);
    await scenario.asks("cy", { type: "resume", run: "run-1" });
    await scenario.until((one) => one.status === "verified");
    expect(ledger(dir)).toEqual(["put a", "put b"]);
  });

  test("aborted, a step in progress is stopped and recorded, and then the resources are free", async () => {
    behave(dir, "a", "slow", 60_000);
    const plan = planOf([
      [go()],
      [
        ledgerStep(dir, "put", "a", { budget: { typicalSeconds: 1, warnSeconds: 90, failSeconds: 99 } }),
        ledgerStep(dir, "put", "b"),
      ],
    ]);
    await scenario.requested(plan);
    const engine = start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.until((one) => {
      const step = one.steps.get("a");
      return step?.status === "running" && step.reached === "applied";
    });
    await scenario.asks("cy", { type: "abort", run: "run-1", reason: "wrong region" });
    const aborted = await scenario.untilStep("a", "stopped");
    expect(aborted.status).toBe("aborted");
    expect((aborted.steps.get("a") as { problem: { stateNow: string } }).problem.stateNow).toContain("a: there");
    await until(() => engine.live() === 0, 5);
    await scenario.requested(plan, "run-2");
    expect(ledger(dir)).toEqual(["put a"]);
  });

  test("aborted while it waits for people, it ends at once", async () => {
    const plan = planOf([[go()], [ledgerStep(dir, "put", "a")]]);
    await scenario.requested(plan);
    start();
    await scenario.untilApprovalRequested();
    await scenario.asks("cy", { type: "abort", run: "run-1", reason: "not needed" });
    await until(
      () =>
        scenario.requested(plan, "run-2").then(
          () => true,
          () => false,
        ),
      5,
    );
    expect((await scenario.run()).status).toBe("aborted");
  });
});

describe("several engines, and engines that fail", () => {
  test("two engines on one store never perform a step twice", async () => {
    const other = await storeOn(store.url);
    try {
      const names = Array.from({ length: 12 }, (_, i) => `run-${i + 1}`);
      for (const [n, name] of names.entries()) {
        const steps = ["a", "b", "c"].map((id) => ledgerStep(dir, "put", `${id}-${name}`));
        // One person may ask for the same only so often.
        await scenario.requested(planOf([[go()], steps]), name, { by: ["ana", "cy", "oli"][n % 3] ?? "ana" });
      }
      const both = [start(), start({}, other)];
      for (const name of names) {
        await scenario.untilApprovalRequested("go", name);
        await scenario.approve("bo", "go", name);
      }
      for (const name of names) await scenario.until((run) => run.status === "verified", name);
      expect([...ledger(dir)].sort()).toEqual(
        names.flatMap((name) => ["a", "b", "c"].map((id) => `put ${id}-${name}`)).sort(),
      );
      await Promise.all(both.map((engine) => engine.stop()));
    } finally {
      await other.close();
    }
  });

  test("a run the engine itself always fails on is handed to a person", async () => {
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "it")]]));
    start({ systems: new Map(), settings: { errorsMax: 2 } });
    const stuck = await scenario.until((run) => run.stuck !== null);
    expect(stuck.problem).toMatchObject({ code: "engine-failed", stateNow: "Nothing was changed." });
    expect(stuck.problem?.what).toContain('no system "shop"');
  });

  test("a plan that was changed in the store is not run, and people are told", async () => {
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "it")]]));
    await asSuperuser(
      url,
      "set session_replication_role = replica; update lifeboat.plan set bytes = convert_to(replace(convert_from(bytes, 'UTF8'), 'put', 'wipe'), 'UTF8')",
    );
    start();
    const stuck = await scenario.until((run) => run.stuck !== null);
    expect(stuck.problem).toMatchObject({ code: "plan-changed", next: expect.stringContaining("Abort the run") });
    expect(await store.timeline.planOf("run-1")).toBeNull();
    expect((await scenario.asks("ana", { type: "abort", run: "run-1", reason: "Changed" })).kind).toBe("accepted");
    expect(ledger(dir)).toEqual([]);
  });

  test("a run that ends every process that drives it is handed to a person, and to a process again when they resume", async () => {
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "it")]]));
    const lost =
      "update lifeboat.run set owner = 4711, epoch = epoch + 1, beat_at = now() - interval '1 h', deaths = 2";
    await asSuperuser(url, lost);
    start({ settings: { deathsMax: 3 } });
    const stuck = await scenario.until((run) => run.stuck !== null, "run-1", 20);
    expect(stuck.problem).toMatchObject({ code: "drivers-lost", what: expect.stringContaining("3 times in a row") });
    await scenario.asks("bo", { type: "resume", run: "run-1" });
    await scenario.untilApprovalRequested();
  }, 30_000);

  test("an event that makes no sense stops its run until a person has looked, and takes nothing else with it", async () => {
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "it")]]));
    await store.timeline.decide(scenario.stream, () => ({
      events: [{ type: "run.preflighted", data: null, key: "poison", run: "run-1", actor: { kind: "bot" } }],
      value: null,
    }));
    start();
    const stuck = await scenario.until((run) => run.stuck !== null);
    expect(stuck).toMatchObject({ status: "stopped", problem: { code: "event-unreadable" } });
    expect(stuck.problem?.what).toContain("(run.preflighted)");
    await scenario.asks("bo", { type: "resume", run: "run-1" });
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.until((run) => run.status === "verified");
  });

  test("a clean stop leaves the run to another engine at once", async () => {
    behave(dir, "a", "slow", 30_000);
    const budget = { typicalSeconds: 1, warnSeconds: 90, failSeconds: 99 };
    await scenario.requested(planOf([[go()], [ledgerStep(dir, "put", "a", { budget })]]));
    const first = start({ settings: { drainMs: 100 } });
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.until((run) => {
      const step = run.steps.get("a");
      return step?.status === "running" && step.reached === "applied";
    });
    await first.stop();
    expect(first.live()).toBe(0);
    behave(dir, "a", "slow", null);
    start();
    await scenario.until((run) => run.status === "verified", "run-1", 5);
    expect(ledger(dir)).toEqual(["put a"]);
  });

  test("a store that restarts in the middle of a run costs no step and repeats none", async () => {
    const names = ["a", "b", "c", "d"];
    for (const name of names) behave(dir, name, "slow", 300);
    await scenario.requested(planOf([[go()], names.map((name) => ledgerStep(dir, "put", name))]));
    start();
    await scenario.untilApprovalRequested();
    await scenario.approve();
    await scenario.untilStep("a", "running");
    await server.restart();
    await scenario.until((run) => run.status === "verified", "run-1", 25);
    expect(ledger(dir)).toEqual(names.map((name) => `put ${name}`));
  });
});
