import { describe, expect, test } from "@jest/globals";
import type {
  ActionCard,
  ActionStep,
  GateStep,
  Mode,
  Plan,
  PlanStage,
  PlanStep,
  WayBack,
} from "../../src/catalog/types.ts";
import { planUndo } from "../../src/catalog/undo.ts";
import type { Event } from "../../src/incident/events.ts";
import { openGate } from "../../src/incident/gates.ts";
import type { RunState } from "../../src/incident/state.ts";
import {
  asksTheSame,
  byHandAfter,
  changedSteps,
  coveringGates,
  firstToUndo,
  undoneBy,
  undoRefusal,
} from "../../src/incident/undo.ts";
import { undoButton, waysBack } from "../../templates/messages/run/undo.ts";
import { failover, orders } from "../support/orders-system.ts";
import { RecordedIncident } from "../support/recorded-incident.ts";

/** `turn` is taken back by `turn`; what a step says of its way back stands in its input. */
const card: ActionCard = {
  id: "test.turn",
  summary: "Turn something",
  risk: "reversible",
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 2, failSeconds: 3 },
  checkInput: (input) => ({ ok: true, input }),
  resources: (input) => [`thing:${(input as { of: string }).of}`],
  wayBack: (input) => (input as { way: WayBack }).way,
  undo: (before, input) => {
    const { way, of } = input as { way: WayBack; of: string };
    return way.kind === "step"
      ? {
          kind: "step",
          action: "test.turn",
          input: { ...(input as object), to: before },
          says: `Turn back to ${before}`,
          ...(of === "bucket" && { givesUp: "what was stored since" }),
        }
      : way;
  },
};
const cards = new Map([[card.id, card]]);

const turn = (id: string, way: WayBack = { kind: "step" }, of = id): ActionStep => {
  const { id: action, risk, repeat, budget } = card;
  const input = { of, way };
  return {
    kind: "action",
    id,
    title: `Turn ${id}`,
    when: null,
    action,
    input,
    risk,
    repeat,
    budget,
    retries: 0,
    undo: way,
  };
};
const manual = (id: string): PlanStep => ({
  kind: "manual",
  id,
  title: `Do ${id}`,
  when: null,
  instructions: "Call them.",
  role: null,
});
const [decide] = failover.stages as [PlanStage];
const stage = (id: string, steps: readonly PlanStep[], parallel = false): PlanStage => ({
  id,
  title: id,
  parallel,
  steps,
});

function planOf(...stages: readonly PlanStage[]): Plan {
  const steps = stages.flatMap(({ steps }) => steps);
  const resources = steps.flatMap((step) => (step.kind === "action" ? card.resources(step.input) : []));
  return { ...failover, stages: [decide, ...stages], resources, pointOfNoReturn: null, mode: "planned" };
}

/** A run whose steps were carried out in this order, and that was aborted. */
function ran(plan: Plan, done: readonly string[], story = begun(), id = "run-1"): RecordedIncident {
  story.after(60).request("ana", plan, { run: id }).engine({ type: "run.preflighted", data: looked }, id);
  for (const step of done) carriedOut(story, id, step);
  return story.ask("ana", { type: "abort", run: id, reason: "Enough" });
}

const looked = { ready: true, factsHash: "f", facts: [], checks: [], loss: "nothing" };

function begun(): RecordedIncident {
  return new RecordedIncident(orders).ask("ana", {
    ...{ type: "declare", title: "Down", system: "orders", severity: "P1", kind: "real" },
    ...{ impactStartedAt: null, announceIn: null },
  });
}

function carriedOut(story: RecordedIncident, run: string, step: string): void {
  const found = runOf(story, run).steps.get(step)?.step;
  if (found?.kind === "manual") {
    story.engine({ type: "step.opened", data: { step, until: null } }, run);
    story.engine({ type: "step.confirmed", data: { step, note: null } }, run);
    return;
  }
  story.engine({ type: "step.started", data: { step, attempt: 1, epoch: "1" } }, run);
  story.engine({ type: "step.intended", data: { step, attempt: 1, before: "west" } }, run);
  story.engine({ type: "step.verified", data: { step, attempt: 1, says: "", facts: [], rpo: null, seconds: 1 } }, run);
}

const runOf = (story: RecordedIncident, id: string) => story.state.runs.get(id) as RunState;

function undo(
  story: RecordedIncident,
  run: string,
  step: string,
  own: string,
  change: (plan: Plan) => Plan = (plan) => plan,
): string {
  const of = runOf(story, run);
  const found = of.steps.get(step);
  const gates = coveringGates(of, step);
  if (found?.step.kind !== "action" || gates.length === 0) throw new Error(`There is no ${step}.`);
  const made = planUndo({
    ...{ plan: of.plan, run, step: found.step, before: found.origin?.before, verified: found.status === "done" },
    ...{ gates, byHand: byHandAfter(story.state, of, step), mode: "planned" as Mode, cards },
  });
  if (!made.ok) return made.problems[0]?.code ?? "refused";
  story.request("ana", change(made.plan), { run: own });
  if (!story.state.runs.has(own))
    return (story.events.at(-1) as { data: unknown } as { data: { code: string } }).data.code;
  story.engine({ type: "run.preflighted", data: looked }, own);
  const asked = openGate(runOf(story, own), "approve", { ask: own, now: story.now, key: own, system: orders });
  story.engine(asked as Event, own).ask("bo", { type: "approve", run: own, ask: own });
  story.engine({ type: "gate.passed", data: { step: "approve", ask: own, people: ["bo"] } }, own);
  for (const { id, kind } of made.plan.stages.flatMap(({ steps }) => steps))
    if (kind !== "gate") carriedOut(story, own, id);
  story.engine({ type: "run.verified", data: { dryRun: false } }, own);
  return "done";
}

describe("who decides about an undo", () => {
  const gate = decide.steps.find((one) => one.kind === "gate") as GateStep;
  const second: GateStep = { ...gate, id: "second", gate: { ...gate.gate, role: "vp-engineering" } };
  const together = (steps: readonly PlanStep[], parallel: boolean) => ({
    ...planOf(stage("move", [turn("a")])),
    stages: [{ ...decide, steps, parallel }, stage("move", [turn("a")])],
  });

  test("two that were asked together are asked together again, and one of them isn't enough", () => {
    const story = ran(together([gate, second], true), ["a"]);
    const run = runOf(story, "run-1");
    expect(coveringGates(run, "a").map(({ id }) => id)).toEqual([gate.id, "second"]);
    const found = run.steps.get("a");
    if (found?.step.kind !== "action") throw new Error("There is no a.");
    const asked = (gates: readonly GateStep[]) => {
      const made = planUndo({
        ...{ plan: run.plan, run: "run-1", step: found.step as ActionStep, before: "west", verified: true },
        ...{ gates, byHand: [], mode: "planned" as Mode, cards },
      });
      return made.ok ? made.plan : null;
    };
    const both = asked(coveringGates(run, "a"));
    expect(both?.stages[0]).toMatchObject({
      parallel: true,
      steps: [
        { id: "approve", gate: { role: gate.gate.role } },
        { id: "approve-2", gate: { role: "vp-engineering" } },
      ],
    });
    expect([both, asked([gate]), asked([second])].map((plan) => plan && asksTheSame(story.state, plan))).toEqual([
      ...[true, false, false],
    ]);
  });

  test("of two asked one after the other the nearest one decides", () => {
    const story = ran(together([gate, second], false), ["a"]);
    expect(coveringGates(runOf(story, "run-1"), "a").map(({ id }) => id)).toEqual(["second"]);
  });
});

describe("what is undone, and in which order", () => {
  test("the last change first; each once; and what an undo did can be undone too", () => {
    const story = ran(planOf(stage("move", [turn("a"), turn("b")])), ["a", "b"]);
    expect(changedSteps(story.state, runOf(story, "run-1")).map(({ step }) => step.step.id)).toEqual(["b", "a"]);
    expect(undo(story, "run-1", "a", "run-2")).toBe("undo-order");
    expect(undo(story, "run-1", "b", "run-3")).toBe("done");
    expect(undo(story, "run-1", "b", "run-4")).toBe("undo-done");
    expect(undo(story, "run-1", "a", "run-5")).toBe("done");
    expect(changedSteps(story.state, runOf(story, "run-1"))).toEqual([]);
    expect(undo(story, "run-5", "undo", "run-6")).toBe("done");
    expect(undoneBy(story.state, "run-1", "a")).toBeNull();
    expect(undo(story, "run-1", "a", "run-7")).toBe("done");
  });

  test("what isn't there any more afterwards is a part of what is approved", () => {
    const story = ran(planOf(stage("move", [turn("bucket"), turn("name")])), ["bucket", "name"]);
    expect([undo(story, "run-1", "name", "run-2"), undo(story, "run-1", "bucket", "run-3")]).toEqual(["done", "done"]);
    expect(runOf(story, "run-2").plan.givesUp).toBeUndefined();
    expect(runOf(story, "run-3").plan.givesUp).toEqual(["what was stored since"]);
  });

  test("beside one another, neither is in the way of the other", () => {
    const story = ran(planOf(stage("move", [turn("a"), turn("b")], true)), ["a", "b"]);
    expect(undo(story, "run-1", "a", "run-2")).toBe("done");
  });

  test("nothing under what can't be undone; what leaves nothing is in no one's way", () => {
    const never: WayBack = { kind: "never", says: "It is gone." };
    const steps = [turn("a"), turn("b", never), turn("c", { kind: "nothing", says: "" })];
    const story = ran(planOf(stage("move", steps)), ["a", "b", "c"]);
    expect(firstToUndo(story.state, runOf(story, "run-1"))?.step.step.id).toBe("b");
    expect(undo(story, "run-1", "a", "run-2")).toBe("undo-behind");
    expect(undo(story, "run-1", "b", "run-3")).toBe("undo-never");
    expect(undo(story, "run-1", "c", "run-4")).toBe("undo-nothing");
    expect(undoRefusal(story.state, "run-1", "b")).toBeNull();
  });

  test("what brought users to a promoted server isn't undone alone; a fence set since is, and what stands beside is", () => {
    const never: WayBack = { kind: "never", says: "It stays promoted." };
    const of = (id: string, says: Partial<ActionStep>): ActionStep => ({ ...turn(id, says.undo), ...says });
    const steps = [
      of("start-ahead", { service: "restores" }),
      of("promote", { undo: never, promotes: true, opens: true, service: "interrupts" }),
      of("start", { service: "restores" }),
      of("traffic", { leads: true, service: "interrupts" }),
      of("cron", { service: "aside" }),
      of("fence", { fences: true, service: "interrupts" }),
    ];
    const ids = steps.map(({ id }) => id);
    const story = ran(planOf(stage("move", steps)), ids);
    expect(undo(story, "run-1", "fence", "run-2")).toBe("done");
    expect(undo(story, "run-1", "cron", "run-3")).toBe("done");
    expect(undo(story, "run-1", "traffic", "run-4")).toBe("undo-past");
    expect(undo(story, "run-1", "start", "run-5")).toBe("undo-past");
    expect(undo(story, "run-1", "start-ahead", "run-6")).toBe("undo-behind");
    expect(waysBack(story.state, runOf(story, "run-1")).join("\n")).toMatch(/Turn traffic” can't be undone alone: /);
    expect(undoButton(story.state, runOf(story, "run-1"))).toBeNull();
    // Without the promotion it is undone as everything is.
    const before = ran(planOf(stage("move", steps.slice(0, 5))), ["start-ahead", "start", "traffic"]);
    expect(undo(before, "run-1", "traffic", "run-2")).toBe("done");
  });

  test("what people did is taken back by people, in the same plan, before the call", () => {
    const steps = [turn("a"), manual("tell"), turn("b", { kind: "by-hand", says: "Delete it." })];
    const story = ran(planOf(stage("move", steps)), ["a", "tell", "b"]);
    expect(undo(story, "run-1", "a", "run-2")).toBe("done");
    const { plan } = runOf(story, "run-2");
    expect(plan.stages.flatMap(({ steps }) => steps).map(({ id, title }) => `${id}: ${title}`)).toEqual([
      "approve: Undo of “Turn a”",
      "by-hand-1: Undo by hand: Do tell",
      "by-hand-2: Undo by hand: Turn b",
      "undo: Turn back to west",
    ]);
  });

  test("a later run on the same target comes first, a run on another one is in no one's way", () => {
    const first = planOf(stage("move", [turn("a", { kind: "step" }, "db")]));
    const story = ran(first, ["a"]);
    ran(planOf(stage("move", [turn("x", { kind: "step" }, "dns")])), ["x"], story, "run-2");
    ran(planOf(stage("move", [turn("y", { kind: "step" }, "db")])), ["y"], story, "run-3");
    expect(undo(story, "run-1", "a", "run-4")).toBe("undo-order");
    expect(undo(story, "run-3", "y", "run-5")).toBe("done");
    expect(undo(story, "run-1", "a", "run-6")).toBe("done");
  });

  test("not while its run goes on, nor what was so before, nor by a plan that asks others", () => {
    const plan = planOf(stage("move", [turn("a"), turn("b")]));
    const story = begun()
      .request("ana", plan, { run: "run-1" })
      .engine({ type: "run.preflighted", data: looked }, "run-1");
    carriedOut(story, "run-1", "a");
    expect(undo(story, "run-1", "a", "run-2")).toBe("undo-live");
    story.ask("ana", { type: "abort", run: "run-1", reason: "Enough" });
    expect(undo(story, "run-1", "b", "run-3")).toBe("undo-nothing");
    const weaker = (made: Plan): Plan => ({
      ...made,
      stages: made.stages.map((one) => ({
        ...one,
        steps: one.steps.map((step) =>
          step.kind === "gate" ? { ...step, gate: { ...step.gate, role: "comms-lead" } } : step,
        ),
      })),
    });
    expect(undo(story, "run-1", "a", "run-4", weaker)).toBe("undo-gate");
    const none = (made: Plan): Plan => ({ ...made, stages: made.stages.slice(1) });
    expect(undo(story, "run-1", "a", "run-5", none)).toBe("undo-gate");
    expect(undo(story, "run-1", "a", "run-6")).toBe("done");
  });

  test("what was there before is what the first attempt found, whatever a second one found", () => {
    const story = begun()
      .request("ana", planOf(stage("move", [turn("a")])), { run: "run-1" })
      .engine({ type: "run.preflighted", data: looked }, "run-1");
    for (const [attempt, before] of [
      [1, "west"],
      [2, "half"],
    ] as const) {
      story.engine({ type: "step.started", data: { step: "a", attempt, epoch: "1" } }, "run-1");
      story.engine({ type: "step.intended", data: { step: "a", attempt, before } }, "run-1");
      const problem = { code: "step-failed", what: "It broke." };
      story.engine(
        { type: "step.failed", data: { step: "a", attempt, problem, retryable: true, seconds: 1 } },
        "run-1",
      );
      story.ask("ana", { type: "retryStep", run: "run-1", step: "a" });
    }
    story.ask("ana", { type: "abort", run: "run-1", reason: "Enough" });
    expect(undo(story, "run-1", "a", "run-2")).toBe("done");
    expect(runOf(story, "run-2").plan).toMatchObject({
      target: "Turn back to west",
      undoes: { before: "west", verified: false },
    });
  });
});
