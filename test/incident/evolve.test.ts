import { describe, expect, test } from "@jest/globals";
import type { Event } from "../../src/incident/events.ts";
import { blankIncident, evolve, evolveStrictly, fold, type LogEvent, plansNeeded } from "../../src/incident/evolve.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import { failover, IncidentScenario, startCode } from "../support/incident-scenario.ts";

const PROBLEM = { code: "no-answer", what: "The standby did not answer" };

function event(story: IncidentScenario, of: { type: string; data: unknown }, run: string | null = "run-1"): LogEvent {
  return { ...of, run, version: story.log.length + 1, key: "k", actor: { kind: "bot" }, at: story.now };
}

test("the same events are the same state, however they are cut", () => {
  const story = IncidentScenario.asking();
  story.approve("bo");
  story.starts("fence");
  const whole = fold("inc-1", story.log, story.plans);
  expect(whole).toEqual(story.state);
  for (let cut = 0; cut <= story.log.length; cut++) {
    const first = fold("inc-1", story.log.slice(0, cut), story.plans);
    const rest = story.log.slice(cut).reduce((state, one) => evolve(state, one, story.plans), first);
    expect(rest).toEqual(whole);
  }
});

test("an event of an unknown type advances the version and nothing else", () => {
  const story = IncidentScenario.asking();
  for (const type of ["run.teleported", "toString", "__proto__", ""]) {
    const after = evolve(story.state, event(story, { type, data: null }), story.plans);
    expect(after).toEqual({ ...story.state, version: story.log.length + 1 });
  }
});

test("a state that was handed out does not change when more happens", () => {
  const story = IncidentScenario.asking();
  const before = story.state;
  const copy = structuredClone(before);
  story.approve("bo");
  story.starts("fence");
  expect(before).toEqual(copy);
});

describe("a plan that is not at hand", () => {
  test("leaves its run live, and closed to everything but its end", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.plans.clear();
    story.state = fold("inc-1", story.log, story.plans);
    expect(story.run()).toMatchObject({ id: "run-1", title: "Failover of the database", ending: null });
    expect(startCode(story.mayStart("fence"))).toBe("step-unknown");
    expect(story.approve("bo")).toMatchObject({ problem: { code: "ask-unknown" } });
    expect(story.asks("ana", { type: "resolve", summary: null })).toMatchObject({ problem: { code: "run-live" } });
    expect(story.asks("ana", { type: "abort", run: "run-1", reason: "x" })).toMatchObject({ kind: "accepted" });
  });

  test("can be fetched beforehand", () => {
    expect(plansNeeded(IncidentScenario.asking().log)).toEqual([{ run: "run-1", planHash: hashOf(failover()) }]);
  });
});

describe("pairs that should not follow each other", () => {
  const fence = { step: "fence", attempt: 1 };
  const rows: readonly (readonly [string, Event, string | null, string])[] = [
    [
      "an end of what did not begin",
      { type: "step.applied", data: { ...fence, handle: {} } },
      "run-1",
      "step fence is waiting",
    ],
    [
      "a gate that passes for another ask",
      { type: "gate.passed", data: { step: "go", ask: "ask-9", people: [] } },
      "run-1",
      "step go asks ask-1, not ask-9",
    ],
    [
      "a gate's event on a step that is none",
      { type: "gate.expired", data: { step: "fence", ask: "ask-1" } },
      "run-1",
      "step fence is waiting",
    ],
    [
      "a step that is skipped though it is a gate",
      { type: "step.skipped", data: { step: "go", reason: "x" } },
      "run-1",
      "step go is gate, open",
    ],
    [
      "a step the plan has not",
      { type: "step.retried", data: { step: "nothing" } },
      "run-1",
      "run run-1 has no step nothing",
    ],
    [
      "a run that is verified with a step outstanding",
      { type: "run.verified", data: { dryRun: false } },
      "run-1",
      "step go is gate",
    ],
    ["a run nobody asked for", { type: "run.resumed", data: {} }, "run-9", "run run-9 was never requested"],
    ["a run's event without a run", { type: "run.resumed", data: {} }, null, "it belongs to a run, and names none"],
    [
      "an incident's event with a run",
      { type: "incident.closed", data: {} },
      "run-1",
      "it belongs to the incident, and names a run",
    ],
    [
      "a second declaration",
      { type: "incident.declared", data: {} as never },
      null,
      "the incident is declared already",
    ],
    [
      "a close before the resolution",
      { type: "incident.closed", data: {} },
      null,
      "the incident is investigating, not resolved",
    ],
    [
      "a reopening of what is open",
      { type: "incident.reopened", data: { reason: "x" } },
      null,
      "the incident is investigating",
    ],
    [
      "a change from what it is not",
      { type: "incident.severityChanged", data: { from: "P0", to: "P2", reason: null } },
      null,
      "the severity is P1, not P0",
    ],
  ];
  test.each(rows)("%s: the strict fold names both sides", (_given, of, run, says) => {
    const story = IncidentScenario.asking();
    const one = event(story, of, run);
    expect(() => evolveStrictly(story.state, one, story.plans)).toThrow(
      `${of.type} (version ${one.version}) can't follow: ${says}`,
    );
  });

  test.each(rows)("%s: the fold goes on", (_given, of, run) => {
    const story = IncidentScenario.asking();
    const whole = { step: "", ask: "", role: "", escalate: [], approvers: [], expiresAt: "", ...of.data };
    const after = evolve(story.state, event(story, { type: of.type, data: whole }, run), story.plans);
    expect(after.version).toBe(story.log.length + 1);
  });

  test("nothing happens in a run that has ended but the news of what was in progress", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.starts("fence");
    story.asks("ana", { type: "abort", run: "run-1", reason: "x" });
    expect(() => story.happened({ type: "run.paused", data: { reason: null } })).toThrow("run run-1 is aborted");
    expect(() => story.started("promote")).toThrow("run run-1 is aborted");
    story.done("fence");
    expect(story.status("fence")).toBe("done");
    expect(story.run().status).toBe("aborted");
  });

  test("the first ending stands", () => {
    const story = IncidentScenario.asking();
    story.asks("ana", { type: "abort", run: "run-1", reason: "x" });
    const late = event(story, { type: "run.verified", data: { dryRun: false } });
    expect(evolve(story.state, late, story.plans).runs.get("run-1")?.status).toBe("aborted");
  });

  test("what is recorded about another ask changes nothing", () => {
    const story = IncidentScenario.asking();
    for (const of of [
      { type: "gate.passed", data: { step: "go", ask: "ask-9", people: ["bo"] } },
      { type: "gate.denied", data: { step: "go", ask: "ask-9", person: "vera", role: "vp-engineering", reason: null } },
    ])
      expect(evolve(story.state, event(story, of), story.plans).runs).toEqual(story.state.runs);
  });

  test("a person recorded twice is one person", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    const again = story.log.at(-1) as LogEvent;
    const twice = evolve(story.state, { ...again, version: again.version + 1, key: "other" }, story.plans);
    expect(twice.runs).toEqual(story.state.runs);
  });

  test("what has passed stays passed, whatever is recorded about it later", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.starts("fence");
    for (const of of [
      { type: "gate.denied", data: { step: "go", ask: "ask-1", person: "vera", role: "vp-engineering", reason: null } },
      { type: "gate.expired", data: { step: "go", ask: "ask-1" } },
      { type: "step.retried", data: { step: "go" } },
    ])
      expect(evolve(story.state, event(story, of), story.plans).runs).toEqual(story.state.runs);
  });
});

describe("a run is", () => {
  const approved = () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    return story;
  };
  const failing = (step: string, retryable: boolean) => (story: IncidentScenario) =>
    story.happened({
      type: "step.failed",
      data: { step, attempt: story.run().steps.get(step)?.attempts ?? 0, problem: PROBLEM, retryable, seconds: 1 },
    });
  const smoking = () => fencing().done("fence").done("promote").started("smoke");
  const fencing = () => {
    const story = approved();
    story.starts("fence");
    return story;
  };
  const pausing = (story: IncidentScenario) => story.happened({ type: "run.paused", data: { reason: null } });

  const rows: readonly (readonly [string, () => IncidentScenario, string, string | null])[] = [
    ["just asked for", () => new IncidentScenario().declared().requested(), "preflight", null],
    ["paused before it was looked at", () => pausing(new IncidentScenario().declared().requested()), "paused", null],
    [
      "looked at and not ready",
      () => new IncidentScenario().declared().requested().preflighted({ ready: false }),
      "stopped",
      "preflight-blocked",
    ],
    ["looked at and ready", () => new IncidentScenario().declared().requested().preflighted(), "running", null],
    ["asking", () => IncidentScenario.asking(), "waiting", null],
    ["approved, and not yet gone on", approved, "waiting", null],
    ["denied", () => deny(approved()), "stopped", "gate-denied"],
    ["expired", () => IncidentScenario.asking().at(960).timePasses(), "stopped", "gate-expired"],
    ["changing something", fencing, "running", null],
    ["paused in a step", () => pausing(fencing()), "paused", null],
    ["failed, for good", () => failing("fence", false)(fencing()), "stopped", "no-answer"],
    ["failed, with no attempts left", () => failing("fence", true)(fencing()), "stopped", "no-answer"],
    ["failed, and about to try again", () => failing("smoke", true)(smoking()), "running", null],
    ["failed and paused", () => pausing(failing("fence", false)(fencing())), "stopped", "no-answer"],
    ["out of attempts", () => outOfAttempts(smoking()), "stopped", "no-answer"],
    [
      "waiting for hands",
      () =>
        smoking()
          .done("smoke")
          .happened({ type: "step.opened", data: { step: "tell", until: null } }),
      "waiting",
      null,
    ],
    ["stuck", () => fencing().happened({ type: "run.stuck", data: { problem: PROBLEM } }), "stopped", "no-answer"],
    [
      "failed as a whole",
      () => fencing().happened({ type: "run.failed", data: { problem: PROBLEM } }),
      "failed",
      "no-answer",
    ],
    [
      "seen to have worked",
      () =>
        smoking()
          .done("smoke")
          .happened({ type: "step.opened", data: { step: "tell", until: null } })
          .happened({ type: "step.confirmed", data: { step: "tell", note: null } })
          .happened({ type: "run.verified", data: { dryRun: false } }),
      "verified",
      null,
    ],
  ];
  test.each(rows)("%s", (_given, given, status, problem) => {
    const run = given().run();
    expect([run.status, run.problem?.code ?? null]).toEqual([status, problem]);
  });

  function deny(story: IncidentScenario): IncidentScenario {
    story.deny("vera");
    return story;
  }

  function outOfAttempts(story: IncidentScenario): IncidentScenario {
    for (let i = 0; i < 2; i++) failing("smoke", true)(story).started("smoke");
    return failing("smoke", true)(story);
  }
});

describe("a step keeps", () => {
  const fencing = () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.starts("fence");
    story.happened({ type: "step.intended", data: { step: "fence", attempt: 1, before: { at: "0/5" } } });
    return story.happened({ type: "step.applied", data: { step: "fence", attempt: 1, handle: { op: 7 } } });
  };

  test("how far it got, when another replica takes the attempt over", () => {
    const story = fencing().happened({ type: "step.started", data: { step: "fence", attempt: 1, epoch: "2" } });
    expect(story.run().steps.get("fence")).toMatchObject({
      attempts: 1,
      epoch: "2",
      reached: "applied",
      before: { at: "0/5" },
      handle: { op: 7 },
    });
  });

  test("only where it came from, when a new attempt begins", () => {
    const story = fencing().happened({ type: "step.started", data: { step: "fence", attempt: 2, epoch: "2" } });
    expect(story.run().steps.get("fence")).toMatchObject({
      attempts: 2,
      reached: "started",
      before: { at: "0/5" },
      handle: null,
    });
  });

  test("what is known of it when it stops", () => {
    const story = fencing().happened({ type: "step.stopped", data: { step: "fence", attempt: 1, problem: PROBLEM } });
    expect(story.run().steps.get("fence")).toMatchObject({
      status: "stopped",
      before: { at: "0/5" },
      handle: { op: 7 },
    });
  });

  test("how long it took, when people did it", () => {
    const story = fencing().done("fence").done("promote").done("smoke").at(100);
    story.happened({ type: "step.opened", data: { step: "tell", until: null } }).at(145);
    story.asks("oli", { type: "confirmStep", run: "run-1", step: "tell", note: "Called the desk" });
    expect(story.run().steps.get("tell")).toMatchObject({ status: "done", seconds: 45, says: "Called the desk" });
  });
});

test("a blank incident is not declared", () => {
  expect(blankIncident("inc-1")).toMatchObject({ version: 0, declared: null, runs: new Map() });
});

test("a look that finds nothing ready says what was changed before it", () => {
  const blocked = (story: IncidentScenario) => story.preflighted({ ready: false }).run().problem?.stateNow;
  expect(blocked(new IncidentScenario().declared().requested())).toBe("Nothing was changed.");
  const story = IncidentScenario.asking();
  story.approve("bo");
  story.starts("fence");
  expect(blocked(story.done("fence"))).toBe('Changed: "Step fence". Not changed: "Step promote".');
});
