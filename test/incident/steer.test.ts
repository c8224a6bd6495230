import { describe, expect, test } from "@jest/globals";
import type { IncidentCommand } from "../../src/incident/commands.ts";
import type { Actor } from "../../src/incident/events.ts";
import { sayProblem } from "../../src/lib/errors.ts";
import { action, codeOf, failover, gate, IncidentScenario, plan } from "../support/incident-scenario.ts";

const stranger: Actor = { kind: "person", person: null, slackUser: "U_NEW", name: "New", door: "slack" };
const PROBLEM = { code: "no-answer", what: "The standby did not answer" };

/** Fence is in progress, approved by Bo. */
function underWay(): IncidentScenario {
  const story = IncidentScenario.asking();
  story.approve("bo");
  story.starts("fence");
  return story;
}

describe("who may steer a run", () => {
  const pause: IncidentCommand = { type: "pause", run: "run-1", reason: null };
  const resume: IncidentCommand = { type: "resume", run: "run-1" };
  const abort: IncidentCommand = { type: "abort", run: "run-1", reason: "enough" };
  const skip: IncidentCommand = { type: "skipStep", run: "run-1", step: "smoke", reason: "looked by hand" };
  test.each([
    ["the requester", "ana", ["accepted", "accepted", "skip-approved", "accepted"]],
    ["one who may command", "cy", ["accepted", "accepted", "accepted", "accepted"]],
    ["one who may approve", "vera", ["accepted", "accepted", "accepted", "accepted"]],
    ["anybody else on the roster", "oli", ["accepted", "not-steering", "not-steering", "not-steering"]],
    ["a stranger", stranger, ["not-on-roster", "not-on-roster", "not-on-roster", "not-on-roster"]],
  ])("%s", (_given, who, then) => {
    const codes = [pause, resume, skip, abort].map((command) => {
      const story = underWay();
      if (command === resume) story.asks("ana", pause);
      return codeOf(story.asks(who, command));
    });
    expect(codes).toEqual(then);
  });

  test("one who has taken the incident's command", () => {
    const story = underWay();
    story.system = {
      ...story.system,
      people: story.system.people.map((one) => ({ ...one, roles: one.id === "cy" ? [] : one.roles })),
    };
    expect(codeOf(story.asks("oli", abort))).toBe("not-steering");
    story.asks("ana", { type: "assignRole", role: "incident-commander", person: "oli", note: null });
    expect(codeOf(story.asks("oli", abort))).toBe("accepted");
  });

  test("a refusal says who may", () => {
    const outcome = underWay().asks("oli", abort);
    expect(outcome.kind === "refused" && outcome.problem.allowed).toBe(
      "Ana or Cy may do it. Anyone on the roster may pause the run",
    );
  });

  test("pausing twice, resuming what is not paused, and steering what has ended or never was", () => {
    const story = underWay();
    expect(codeOf(story.asks("ana", resume))).toBe("run-not-paused");
    story.asks("ana", pause);
    expect(codeOf(story.asks("oli", pause))).toBe("run-paused");
    expect(codeOf(story.asks("ana", { ...abort, reason: " " } as IncidentCommand))).toBe("reason-missing");
    story.asks("ana", abort);
    for (const command of [pause, resume, abort, skip]) expect(codeOf(story.asks("ana", command))).toBe("run-ended");
    expect(codeOf(story.asks("ana", { ...abort, run: "run-9" } as IncidentCommand))).toBe("run-unknown");
  });
});

describe("an abort says what has been changed and what has not", () => {
  const said = (story: IncidentScenario) => {
    story.asks("ana", { type: "abort", run: "run-1", reason: "enough" });
    return story.run().problem?.stateNow;
  };
  test("before anything", () => {
    expect(said(IncidentScenario.asking())).toBe("Nothing was changed.");
  });
  test("with a step claimed and nothing sent", () => {
    expect(said(underWay())).toBe("Nothing was changed.");
  });
  test("with a step whose intent is written", () => {
    const story = underWay().happened({
      type: "step.intended",
      data: { step: "fence", attempt: 1, before: { rw: true } },
    });
    expect(said(story)).toBe(
      'No change is confirmed. Unknown, check first: "Step fence". Not changed: "Step promote".',
    );
  });
  test("with one step done and one that stopped", () => {
    const story = underWay().done("fence").started("promote");
    story.happened({ type: "step.stopped", data: { step: "promote", attempt: 1, problem: PROBLEM } });
    expect(said(story)).toBe('Changed: "Step fence". Unknown, check first: "Step promote".');
  });
  test("with all done", () => {
    expect(said(underWay().done("fence").done("promote"))).toBe('Changed: "Step fence" and "Step promote".');
  });
});

describe("retry", () => {
  const retry = (step: string): IncidentCommand => ({ type: "retryStep", run: "run-1", step });
  test.each([
    ["failed", "oli", (story: IncidentScenario) => failed(story, true), "accepted"],
    ["failed for good", "oli", (story: IncidentScenario) => failed(story, false), "accepted"],
    ["stopped", "oli", stopped, "accepted"],
    ["still running", "oli", (story: IncidentScenario) => story, "step-not-failed"],
    ["done", "oli", (story: IncidentScenario) => story.done("fence"), "step-not-failed"],
    ["stopped, by a stranger", stranger, stopped, "not-on-roster"],
  ] as const)("of a step that has %s", (_given, who, given, then) => {
    expect(codeOf(given(underWay()).asks(who, retry("fence")))).toBe(then);
  });

  test("not while it tries again by itself", () => {
    const story = underWay().done("fence").done("promote").started("smoke");
    const data = { step: "smoke", attempt: 1, problem: PROBLEM, retryable: true, seconds: 1 };
    expect(codeOf(story.happened({ type: "step.failed", data }).asks("ana", retry("smoke")))).toBe("step-tries-again");
  });

  test("begins the automatic attempts again, and remembers where the first began", () => {
    const story = underWay().happened({
      type: "step.intended",
      data: { step: "fence", attempt: 1, before: { at: "0/5" } },
    });
    failed(story, true).asks("ana", retry("fence"));
    expect(story.run().steps.get("fence")).toMatchObject({
      attempts: 1,
      forgiven: 1,
      status: "waiting",
      before: { at: "0/5" },
    });
    story.starts("fence");
    expect(story.run().steps.get("fence")).toMatchObject({
      attempts: 2,
      reached: "started",
      before: { at: "0/5" },
      handle: null,
    });
  });

  test("of a denied gate asks again, for those who steer; of an open one, for no one", () => {
    const story = IncidentScenario.asking();
    expect(codeOf(story.asks("ana", retry("go")))).toBe("step-not-failed");
    story.deny("vera");
    expect(codeOf(story.asks("oli", retry("go")))).toBe("not-steering");
    expect(codeOf(story.asks("ana", retry("go")))).toBe("accepted");
    expect(story.gateOpened("go", "ask-2").gateOf("go")).toMatchObject({
      ask: "ask-2",
      outcome: "open",
      approvals: [],
    });
  });

  test("of a step the plan has not", () => {
    expect(codeOf(underWay().asks("ana", retry("nothing")))).toBe("step-unknown");
  });
});

describe("skip", () => {
  const skip = (step: string, reason = "done by hand"): IncidentCommand => ({
    type: "skipStep",
    run: "run-1",
    step,
    reason,
  });

  test("never a gate, open or not yet asked", () => {
    const story = IncidentScenario.asking();
    expect(codeOf(story.asks("cy", skip("go")))).toBe("gate-not-skippable");
    const early = new IncidentScenario().declared().requested();
    expect(codeOf(early.asks("ana", skip("go")))).toBe("gate-not-skippable");
  });

  test("not a fence while a step that can't be undone is to come", () => {
    const outcome = stopped(underWay()).asks("cy", skip("fence"));
    expect(outcome.kind === "refused" && sayProblem(outcome.problem)).toBe(
      'Step fence: Without this fence, "Step promote" could leave two primaries that take writes. ' +
        "Retry the fence, or abort the run.",
    );
  });

  test("nor one that fences by another name: the plan says of each step whether it does", () => {
    const setReadOnly = (fences?: true) =>
      action("set_read_only", { action: "rds.set_read_only", ...(fences && { fences }) });
    const skipping = (fences?: true) => {
      const of = plan([[gate("go")], [setReadOnly(fences), action("promote", { risk: "irreversible" })]]);
      return codeOf(new IncidentScenario().declared().requested(of).preflighted().asks("ana", skip("set_read_only")));
    };
    expect(skipping(true)).toBe("fence-not-skippable");
    expect(skipping()).toBe("accepted");
  });

  test("a fence with nothing irreversible behind it, or with that settled", () => {
    const of = plan([[gate("go")], [action("fence"), action("repoint")]]);
    const story = new IncidentScenario().declared().requested(of).preflighted();
    expect(codeOf(story.asks("ana", skip("fence")))).toBe("accepted");
    const settled = IncidentScenario.asking();
    settled.asks("ana", skip("promote"));
    expect(codeOf(settled.asks("ana", skip("fence")))).toBe("accepted");
  });

  test.each([
    ["stopped", stopped, "promote", "accepted"],
    ["waiting", (story: IncidentScenario) => story, "promote", "accepted"],
    ["running", (story: IncidentScenario) => story, "fence", "step-not-skippable"],
    ["done", (story: IncidentScenario) => story.done("fence"), "fence", "step-not-skippable"],
  ] as const)("a step that is %s", (_given, given, step, then) => {
    const story = given(underWay());
    expect(codeOf(story.asks("cy", skip(step)))).toBe(then);
  });

  test("only with a reason", () => {
    expect(codeOf(underWay().asks("cy", skip("promote", " ")))).toBe("reason-missing");
  });
});

describe("done by hand", () => {
  const confirm = (step: string): IncidentCommand => ({ type: "confirmStep", run: "run-1", step, note: "called them" });
  const open = () =>
    underWay()
      .done("fence")
      .done("promote")
      .done("smoke")
      .happened({ type: "step.opened", data: { step: "tell", until: null } });

  test.each([
    ["one who holds its role", "oli", "accepted"],
    ["one who does not", "bo", "step-role"],
    ["a stranger", stranger, "not-on-roster"],
  ])("by %s", (_given, who, then) => {
    const story = open();
    expect(codeOf(story.asks(who, confirm("tell")))).toBe(then);
    expect(story.status("tell")).toBe(then === "accepted" ? "done" : "open");
  });

  test("by one who has taken the role in this incident", () => {
    const story = open();
    story.system = {
      ...story.system,
      people: story.system.people.map((one) => ({ ...one, roles: one.id === "oli" ? [] : one.roles })),
    };
    expect(codeOf(story.asks("bo", confirm("tell")))).toBe("step-role");
    story.asks("ana", { type: "assignRole", role: "comms-lead", person: "bo", note: null });
    expect(codeOf(story.asks("bo", confirm("tell")))).toBe("accepted");
  });

  test("only when it is its turn, only once, and only what people do", () => {
    const story = underWay();
    expect(codeOf(story.asks("oli", confirm("tell")))).toBe("step-not-open");
    expect(codeOf(story.asks("oli", confirm("fence")))).toBe("step-not-manual");
    expect(codeOf(story.asks("oli", confirm("go")))).toBe("step-not-manual");
    const late = open();
    late.asks("oli", confirm("tell"));
    expect(codeOf(late.asks("oli", confirm("tell")))).toBe("step-not-open");
  });
});

function failed(story: IncidentScenario, retryable: boolean): IncidentScenario {
  return story.happened({
    type: "step.failed",
    data: { step: "fence", attempt: 1, problem: PROBLEM, retryable, seconds: 1 },
  });
}

function stopped(story: IncidentScenario): IncidentScenario {
  return story.happened({ type: "step.stopped", data: { step: "fence", attempt: 1, problem: PROBLEM } });
}

test("a run requested under one's own name is one's own, no matter who declared", () => {
  const story = new IncidentScenario().declared().requested(failover(), { by: "oli" });
  expect(codeOf(story.asks("oli", { type: "abort", run: "run-1", reason: "wrong one" }))).toBe("accepted");
});
