import { describe, expect, test } from "@jest/globals";
import type { PlanStep } from "../../src/catalog/types.ts";
import { evolve } from "../../src/incident/evolve.ts";
import { passGates } from "../../src/incident/start.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import {
  action,
  failover,
  gate,
  IncidentScenario,
  manual,
  plan,
  rosterWith,
  SYSTEM,
  startCode,
} from "../support/incident-scenario.ts";

/** Approved by Bo (and Vera), nothing started. */
function approved(quorum = 1): IncidentScenario {
  const story = IncidentScenario.asking(failover({ quorum }));
  story.approve("bo");
  if (quorum > 1) story.approve("vera");
  return story;
}

function standing(flaws: Record<string, string | null>): ReadonlyMap<string, string | null> {
  return new Map(Object.entries(flaws));
}

describe("a step that changes something starts only", () => {
  test("with enough approvals, and then the gate passes in the same go", () => {
    const story = approved(2);
    expect(story.mayStart("fence")).toEqual({
      ok: true,
      events: [
        {
          type: "gate.passed",
          data: { step: "go", ask: "ask-1", people: ["bo", "vera"] },
          key: "ask-1/passed",
          run: "run-1",
          actor: { kind: "bot" },
        },
      ],
    });
  });

  test("and what counted in place of Slack's answer is recorded, of those who approved", () => {
    const instead = new Map([
      ["vera", "the roster"],
      ["cy", "the roster"],
    ]);
    expect(approved(2).mayStart("fence", { instead })).toMatchObject({
      events: [{ type: "gate.passed", data: { withoutSlack: [{ person: "vera", instead: "the roster" }] } }],
    });
  });

  test("when its gate has been asked", () => {
    const story = new IncidentScenario().declared().requested().preflighted().done("check");
    expect(startCode(story.mayStart("fence"))).toBe("gate-not-asked");
  });

  test.each([
    [899.999, "ok"],
    [900, "gate-expired"],
    [5000, "gate-expired"],
  ])("before its approval expires: %d s after it was asked", (after, then) => {
    const story = approved().at(60 + after);
    const may = story.starts("fence");
    expect(startCode(may)).toBe(then);
    expect(story.gateOf("go").outcome).toBe(then === "ok" ? "passed" : "expired");
    if (then === "gate-expired") expect(story.at(100).mayStart("fence")).toMatchObject({ code: then, events: [] });
  });

  test("with the plan that was requested", () => {
    expect(startCode(approved().mayStart("fence", { planHash: hashOf(failover({ quorum: 3 })) }))).toBe("plan-changed");
  });

  test("with the facts that were shown, else the approval is void and asked again", () => {
    const story = approved();
    expect(startCode(story.starts("fence", { factsHash: "facts-2" }))).toBe("facts-changed");
    expect(story.gateOf("go")).toMatchObject({
      outcome: "voided",
      says: "The facts have changed since they were shown",
    });
    expect(startCode(story.mayStart("fence"))).toBe("gate-voided");
  });

  test("when the run's own facts are still those that were shown, whatever the driver saw", () => {
    const story = approved().preflighted({ factsHash: "facts-2" });
    expect(startCode(story.mayStart("fence", { factsHash: "facts-1" }))).toBe("facts-changed");
  });

  test("when no gate before it was denied", () => {
    const story = approved();
    story.deny("duo");
    expect(startCode(story.mayStart("fence"))).toBe("gate-denied");
  });

  test("with a lease for this run and this plan", () => {
    const story = approved();
    const { planHash } = story.run();
    expect(startCode(story.mayStart("fence", { lease: { run: "run-2", planHash } }))).toBe("lease-foreign");
    expect(startCode(story.mayStart("fence", { lease: { run: "run-1", planHash: "x" } }))).toBe("lease-foreign");
    expect(startCode(story.mayStart("fence", { lease: { run: "run-1", planHash } }))).toBe("ok");
  });

  test("in its turn", () => {
    expect(startCode(approved().mayStart("promote"))).toBe("out-of-order");
  });

  test("once: not when it is done, or waits for a person", () => {
    const story = approved();
    story.starts("fence");
    const problem = { code: "x", what: "It is not known" };
    story.happened({ type: "step.stopped", data: { step: "fence", attempt: 1, problem } });
    expect(startCode(story.mayStart("fence"))).toBe("step-not-startable");
    story.asks("oli", { type: "retryStep", run: "run-1", step: "fence" });
    expect(startCode(story.mayStart("fence"))).toBe("ok");
    story.done("fence");
    expect(startCode(story.mayStart("fence"))).toBe("step-not-startable");
  });

  test("when it is a step of the plan, and not a gate", () => {
    const story = approved();
    expect(startCode(story.mayStart("nothing"))).toBe("step-unknown");
    expect(startCode(story.mayStart("go"))).toBe("step-not-startable");
  });

  test("while the run is live, not paused and not stuck", () => {
    const story = approved();
    story.asks("oli", { type: "pause", run: "run-1", reason: null });
    expect(startCode(story.mayStart("fence"))).toBe("run-paused");
    story.asks("ana", { type: "resume", run: "run-1" });
    expect(startCode(story.mayStart("fence"))).toBe("ok");
    story.happened({ type: "run.stuck", data: { problem: { code: "x", what: "It can't go on" } } });
    expect(startCode(story.mayStart("fence"))).toBe("run-stuck");
    story.asks("ana", { type: "resume", run: "run-1" });
    story.asks("ana", { type: "abort", run: "run-1", reason: "no need" });
    expect(startCode(story.mayStart("fence"))).toBe("run-ended");
  });

  test("after a preflight that found it ready", () => {
    const story = new IncidentScenario().declared().requested();
    expect(startCode(story.mayStart("check"))).toBe("not-preflighted");
    expect(startCode(story.preflighted({ ready: false }).mayStart("check"))).toBe("preflight-blocked");
    const late = approved().preflighted({ ready: false });
    expect(startCode(late.mayStart("fence"))).toBe("preflight-blocked");
  });

  test("never in a dry run", () => {
    const story = new IncidentScenario()
      .declared()
      .requested(failover(), { dryRun: true })
      .preflighted()
      .done("check")
      .gateOpened();
    story.approve("bo");
    expect(startCode(story.mayStart("fence"))).toBe("dry-run");
  });

  test("for real in a real incident, as a drill in a drill", () => {
    const story = new IncidentScenario().declared("drill");
    const real = failover();
    const planHash = hashOf(real);
    story.plans.set(planHash, real);
    const { runbook, title, mode } = real;
    story.happened({
      type: "run.requested",
      data: { runbook, title, planHash, mode, dryRun: false, requester: "ana", announceIn: null },
    });
    story.preflighted().done("check").gateOpened();
    story.approve("bo");
    expect(startCode(story.mayStart("fence"))).toBe("kind-differs");
  });
});

describe("approvers are looked at again at the start", () => {
  test.each([
    ["deactivated since", standing({ bo: "deactivated" }), "gate-voided"],
    ["not looked up", standing({ vera: null }), "standing-unknown"],
    ["valid", standing({ bo: null }), "ok"],
  ])("%s", (_given, people, then) => {
    const story = approved();
    expect(startCode(story.starts("fence", { accounts: people }))).toBe(then);
    const after = { "gate-voided": "voided", "standing-unknown": "open", ok: "passed" }[then];
    expect(story.gateOf("go").outcome).toBe(after);
  });

  test("gone from the roster since, or without the role since", () => {
    for (const change of [null, { roles: ["on-call"] }]) {
      const may = approved().mayStart("fence", { system: rosterWith("bo", change) });
      expect(startCode(may)).toBe("gate-voided");
    }
  });

  test("turned out since to be the requester's second self", () => {
    const story = new IncidentScenario().declared();
    const of = failover();
    const planHash = hashOf(of);
    story.plans.set(planHash, of);
    const { runbook, title, mode } = of;
    const data = { runbook, title, planHash, mode, dryRun: false, requester: "U_UNKNOWN", announceIn: null };
    story.happened({ type: "run.requested", data }).preflighted().done("check").gateOpened();
    story.approve("bo");
    const system = rosterWith("bo", { slack: ["U_BO", "U_UNKNOWN"] });
    expect(startCode(story.mayStart("fence", { system }))).toBe("gate-voided");
    expect(startCode(story.mayStart("fence"))).toBe("ok");
  });

  test("held no deciding role when it was asked, whatever the log says they approved", () => {
    const story = IncidentScenario.asking();
    const { planHash, factsHash } = story.gateOf("go");
    const data = { step: "go", ask: "ask-1", person: "oli", role: "database-administrator", planHash, factsHash };
    story.happened({ type: "gate.approved", data });
    const system = rosterWith("oli", { roles: ["database-administrator"] });
    expect(startCode(story.mayStart("fence", { system }))).toBe("gate-voided");
  });

  test("an approval recorded for another plan or other facts never counts", () => {
    for (const change of [{ planHash: "x" }, { factsHash: "x" }, { ask: "x" }]) {
      const story = IncidentScenario.asking();
      const { planHash, factsHash } = story.gateOf("go");
      const data = { step: "go", ask: "ask-1", person: "bo", role: "database-administrator", planHash, factsHash };
      if ("ask" in change)
        expect(() => story.happened({ type: "gate.approved", data: { ...data, ...change } })).toThrow();
      else story.happened({ type: "gate.approved", data: { ...data, ...change } });
      expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
    }
  });

  test("of two, one no longer counts, and a third approves before anything is started: enough", () => {
    const story = approved(2);
    story.system = rosterWith("bo", null);
    expect(startCode(story.mayStart("fence"))).toBe("gate-voided");
    story.approve("duo");
    expect(startCode(story.mayStart("fence"))).toBe("ok");
  });

  test("of two, one no longer counts: a start that was tried makes the question void", () => {
    const story = approved(2);
    story.system = rosterWith("bo", null);
    expect(startCode(story.starts("fence"))).toBe("gate-voided");
    expect(story.gateOf("go").says).toBe("bo is no longer on the roster");
  });
});

describe("the stricter of what was pinned and what the plan says applies", () => {
  const cases = [
    ["a lower quorum was pinned", { quorum: 1 }, "quorum-missing"],
    ["a higher quorum was pinned", { quorum: 3 }, "quorum-missing"],
    ["a role was pinned that the plan does not name", { role: "on-call" }, "gate-voided"],
    ["a later expiry was pinned", { expiresAt: "2027-01-01T00:00:00.000Z" }, "gate-expired"],
    ["an earlier expiry was pinned", { expiresAt: "2026-03-01T00:01:30.000Z" }, "gate-expired"],
  ] as const;
  test.each(cases)("%s", (_given, pinned, then) => {
    const story = new IncidentScenario()
      .declared()
      .requested(failover({ quorum: 2 }))
      .preflighted()
      .done("check")
      .at(60);
    const { planHash } = story.run();
    const expiresAt = new Date(story.now.getTime() + 900_000).toISOString();
    const base = { step: "go", ask: "a", planHash, factsHash: "facts-1", loss: "", role: "database-administrator" };
    const approvers = SYSTEM.people.map((person) => person.id);
    story.happened({
      type: "gate.opened",
      data: { ...base, quorum: 2, expiresAt, escalate: [], approvers, ...pinned },
    });
    const few = "quorum" in pinned && pinned.quorum === 1;
    const voters = "role" in pinned ? ["oli", "cy"] : few ? ["bo"] : ["bo", "duo"];
    if ("role" in pinned) story.system = rosterWith("cy", { roles: ["on-call"] });
    for (const person of voters)
      story.happened({
        type: "gate.approved",
        data: { step: "go", ask: "a", person, role: "database-administrator", planHash, factsHash: "facts-1" },
      });
    if (then === "gate-expired") story.at(pinned.expiresAt < "2027" ? 90 : 960);
    expect(startCode(story.mayStart("fence"))).toBe(then);
  });
});

describe("what a gate covers", () => {
  test("everything behind it, back to the start: a later gate does not replace an earlier one", () => {
    const of = plan([[gate("one")], [gate("two", { role: "cto", escalate: [] })], [action("fence")]]);
    const story = new IncidentScenario()
      .declared()
      .requested(of)
      .preflighted()
      .gateOpened("one", "ask-1")
      .gateOpened("two", "ask-2");
    story.approve("tess", "ask-2");
    expect(startCode(story.mayStart("fence"))).toBe("quorum-missing");
    story.approve("bo", "ask-1");
    const may = story.mayStart("fence");
    expect(may.ok && may.events.map((event) => "ask" in event.data && event.data.ask)).toEqual(["ask-1", "ask-2"]);
  });

  test("a step with no gate before it never starts, not even with one after it", () => {
    const of = plan([[action("fence")], [gate("go")], [action("promote")]]);
    const story = new IncidentScenario().declared().requested(of, { dryRun: true });
    expect(startCode(story.preflighted().mayStart("fence"))).toBe("dry-run");
    const planHash = hashOf(of);
    const { runbook, title, mode } = of;
    const data = { runbook, title, planHash, mode, dryRun: false, requester: "ana", announceIn: null };
    story.happened({ type: "run.requested", data }, "run-2").preflighted({}, "run-2");
    expect(startCode(story.mayStart("fence", {}, "run-2"))).toBe("no-gate");
  });

  const lossKnown = { step: "check", fact: "loss", is: true } as const;
  const guarded: readonly (readonly PlanStep[])[] = [
    [action("check", { risk: "read" })],
    [gate("go", {}, lossKnown)],
    [action("fence")],
  ];

  test("a gate whose condition is false is passed over; when it was the only one, nothing starts", () => {
    const story = new IncidentScenario().declared().requested(plan(guarded)).preflighted();
    story.done("check", "run-1", [{ id: "loss", value: false }]);
    expect(story.status("go")).toBe("passedOver");
    expect(startCode(story.mayStart("fence"))).toBe("no-gate");
  });

  test("a gate whose condition lost its evidence is asked all the same", () => {
    const story = new IncidentScenario().declared().requested(plan(guarded)).preflighted();
    story.asks("ana", { type: "skipStep", run: "run-1", step: "check", reason: "it hangs" });
    expect(story.status("go")).toBe("waiting");
    expect(startCode(story.mayStart("fence"))).toBe("gate-not-asked");
  });

  test("a step whose condition is false, or lost its evidence, is passed over", () => {
    const of = plan([[action("check", { risk: "read" })], [gate("go")], [{ ...action("fence"), when: lossKnown }]]);
    const seen = new IncidentScenario().declared().requested(of).preflighted().done("check");
    expect(seen.status("fence")).toBe("passedOver");
    const skipped = new IncidentScenario().declared().requested(of).preflighted();
    skipped.asks("ana", { type: "skipStep", run: "run-1", step: "check", reason: "it hangs" });
    expect(skipped.status("fence")).toBe("passedOver");
    const holds = new IncidentScenario()
      .declared()
      .requested(of)
      .preflighted()
      .done("check", "run-1", [{ id: "loss", value: true }]);
    expect(holds.status("fence")).toBe("waiting");
  });

  test("a step whose condition is not known yet does not start", () => {
    const steps = [
      action("probe", { risk: "read" }),
      { ...action("look", { risk: "read" }), when: { ...lossKnown, step: "probe" } },
    ];
    const of = { ...plan([[gate("go")], steps]) };
    const parallel = { ...of, stages: of.stages.map((stage, i) => ({ ...stage, parallel: i === 1 })) };
    const story = new IncidentScenario().declared().requested(parallel).preflighted().gateOpened("go");
    story.approve("bo");
    expect(startCode(story.mayStart("look"))).toBe("out-of-order");
    expect(startCode(story.mayStart("probe"))).toBe("ok");
  });

  test("in a parallel stage, what is beside it but not what is before it", () => {
    const of = plan([
      [action("check", { risk: "read" })],
      [action("a", { risk: "read" }), gate("go"), action("b"), action("c")],
    ]);
    const parallel = { ...of, stages: of.stages.map((stage, i) => ({ ...stage, parallel: i === 1 })) };
    const story = new IncidentScenario().declared().requested(parallel).preflighted();
    expect(startCode(story.mayStart("a"))).toBe("out-of-order");
    story.done("check").gateOpened("go");
    expect(startCode(story.mayStart("a"))).toBe("ok");
    expect(startCode(story.mayStart("c"))).toBe("quorum-missing");
    story.approve("bo");
    expect(startCode(story.mayStart("c"))).toBe("ok");
  });

  test("a step that reads needs the approval before it, and does not use it up", () => {
    const of = plan([[gate("go")], [action("smoke", { risk: "read" }), action("fence")]]);
    const story = new IncidentScenario().declared().requested(of).preflighted().gateOpened();
    expect(startCode(story.mayStart("smoke"))).toBe("quorum-missing");
    story.approve("bo");
    expect(story.mayStart("smoke")).toEqual({ ok: true, events: [] });
    story.done("smoke");
    expect(codeAfterDenial(story)).toBe("gate-denied");
  });

  test("a manual step is told to people only behind an approval, and uses it up", () => {
    const story = new IncidentScenario()
      .declared()
      .requested(plan([[gate("go")], [manual("cut")]]))
      .preflighted()
      .gateOpened();
    expect(startCode(story.mayStart("cut"))).toBe("quorum-missing");
    story.approve("bo");
    const may = story.mayStart("cut");
    expect(may.ok && may.events.map((event) => event.type)).toEqual(["gate.passed"]);
  });

  test("a gate skipped in the log is not a gate passed", () => {
    const story = IncidentScenario.asking();
    expect(() => story.happened({ type: "step.skipped", data: { step: "go", reason: "x" } })).toThrow();
    const event = { version: 99, key: "x", run: "run-1", type: "step.skipped", data: { step: "go", reason: "x" } };
    story.state = evolve(story.state, { ...event, actor: { kind: "bot" }, at: story.now }, story.plans);
    expect(startCode(story.mayStart("fence"))).toBe("gate-not-asked");
  });
});

function codeAfterDenial(story: IncidentScenario): string {
  story.deny("vera");
  return startCode(story.mayStart("fence"));
}

describe("once a gate has passed", () => {
  test("it holds until the run ends: neither time, new facts nor a changed roster strand a half-done failover", () => {
    const story = approved();
    story.starts("fence");
    story.done("fence").at(50_000).preflighted({ factsHash: "facts-2" });
    const may = story.mayStart("promote", { system: rosterWith("bo", null), accounts: new Map() });
    expect(may).toEqual({ ok: true, events: [] });
  });

  test("but not for another plan, nor while paused, nor after an abort", () => {
    const story = approved();
    story.starts("fence");
    story.done("fence");
    expect(startCode(story.mayStart("promote", { planHash: "x" }))).toBe("plan-changed");
    story.asks("oli", { type: "pause", run: "run-1", reason: null });
    expect(startCode(story.mayStart("promote"))).toBe("run-paused");
    story.asks("vera", { type: "abort", run: "run-1", reason: "enough" });
    expect(startCode(story.mayStart("promote"))).toBe("run-ended");
  });

  test("it is not carried over to another run of the same plan", () => {
    const story = approved();
    story.starts("fence");
    story.requested(failover(), { run: "run-2" }).preflighted({}, "run-2").done("check", "run-2");
    story.gateOpened("go", "ask-2", "run-2");
    expect(startCode(story.mayStart("fence", {}, "run-2"))).toBe("quorum-missing");
  });
});

test("at the end of a run, gates with nothing behind them pass by the same rules", () => {
  const of = plan([[gate("go")], [action("fence")], [gate("close", { role: "cto", escalate: [] })]]);
  const story = new IncidentScenario().declared().requested(of).preflighted().gateOpened("go");
  story.approve("bo");
  story.starts("fence");
  story.done("fence").gateOpened("close", "ask-2");
  const pass = () => passGates(story.state, story.run(), story.startContext());
  expect(startCode(pass())).toBe("quorum-missing");
  story.approve("tess", "ask-2");
  const may = pass();
  expect(may.ok && may.events.map((event) => event.type)).toEqual(["gate.passed"]);
});
