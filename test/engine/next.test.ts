import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Plan, PlanStep, Repeat } from "../../src/catalog/types.ts";
import { type Intent, next } from "../../src/engine/next.ts";
import { fold } from "../../src/incident/evolve.ts";
import { mayStart, passGates } from "../../src/incident/start.ts";
import { action, failover, gate, IncidentScenario, MIDNIGHT, manual, plan } from "../support/incident-scenario.ts";

const says = (story: IncidentScenario, epoch = "1") => next(story.run(), { epoch, now: story.now });
const what = (story: IncidentScenario, epoch = "1") =>
  says(story, epoch).intents.map((intent) => ("step" in intent ? `${intent.do} ${intent.step}` : intent.do));

const wait = (id: string, seconds: number): PlanStep => ({ id, title: id, when: null, kind: "wait", seconds });
const begun = (of: Plan = failover()) => new IncidentScenario().declared().requested(of).preflighted();

describe("what is next", () => {
  test("a run that was requested is looked at first", () => {
    expect(what(new IncidentScenario().declared().requested())).toEqual(["preflight"]);
  });

  test("a preflight that is not ready ends it", () => {
    expect(what(new IncidentScenario().declared().requested().preflighted({ ready: false }))).toEqual(["fail"]);
  });

  test("a dry run is finished when it has looked", () => {
    expect(what(new IncidentScenario().declared().requested(failover(), { dryRun: true }).preflighted())).toEqual([
      "finish",
    ]);
  });

  test("steps go one by one, parallel ones together, and a stage waits for the one before", () => {
    const of = plan([[gate("go")], [action("a"), action("b")], [action("c")]]);
    const parallel = { ...of, stages: of.stages.map((stage, i) => ({ ...stage, parallel: i === 1 })) };
    const story = begun(parallel).gateOpened();
    story.approve("bo");
    // The first alone takes the gate with it.
    expect(what(story)).toEqual(["start a"]);
    story.starts("a");
    expect(what(story)).toEqual(["start b"]);
    story.starts("b");
    story.done("a");
    expect(what(story)).toEqual([]);
    expect(what(story.done("b"))).toEqual(["start c"]);
  });

  test("a branch goes one by one beside the other branches, and is held back by none of them", () => {
    const of = plan([[gate("go")], [action("a"), action("b"), action("c"), action("d"), action("e")], [action("f")]]);
    const lanes = [
      { id: "database", title: "Database", steps: ["a", "b"] },
      { id: "search", title: "Search", steps: ["c", "d"] },
    ];
    const stages = of.stages.map((stage, i) => (i === 1 ? { ...stage, parallel: true, lanes } : stage));
    const story = begun({ ...of, stages }).gateOpened();
    story.approve("bo");
    story.starts("a");
    expect(what(story)).toEqual(["start c", "start e"]);
    for (const id of ["c", "e"]) story.starts(id);
    expect(what(story)).toEqual([]);
    expect(what(story.done("a"))).toEqual(["start b"]);
    story.starts("b");
    expect(what(story.done("b"))).toEqual([]);
    expect(what(story.done("c"))).toEqual(["start d"]);
    story.starts("d");
    story.done("d");
    expect(what(story.done("e"))).toEqual(["start f"]);
  });

  test("a gate is asked, waits for people, and lets go when enough have approved", () => {
    const story = begun(plan([[gate("go", { quorum: 2 })], [action("a")]]));
    expect(what(story)).toEqual(["openGate go"]);
    story.gateOpened();
    expect(what(story)).toEqual([]);
    story.approve("bo");
    expect(what(story)).toEqual([]);
    story.approve("cy");
    expect(what(story)).toEqual(["start a"]);
  });

  test("a stage that takes longer than it was given is reported once, no matter what holds the run up, and nothing else changes", () => {
    const timed = plan([[action("look", { risk: "read" })], [gate("go")], [action("a"), action("b")]], {
      clocks: [
        { id: "decide", title: "Decide", withinSeconds: 60, stages: ["stage-2"] },
        { id: "move", title: "Move", withinSeconds: 120, stages: ["stage-3"] },
      ],
    });
    const story = begun(timed);
    expect(says(story)).toEqual({ intents: [{ do: "start", step: "look", attempt: 1 }], wakeAt: null });
    story.at(100).done("look").at(110).gateOpened();
    expect(says(story)).toEqual({ intents: [], wakeAt: new Date(MIDNIGHT + 170_000) });
    story.happened({ type: "run.paused", data: { reason: null } });
    expect(what(story.at(170))).toEqual(["tellLate"]);
    story.clockPasses().clockPasses();
    expect(story.types().filter((type) => type === "stage.late")).toHaveLength(1);
    expect(what(story.at(175))).toEqual([]);
    story.happened({ type: "run.resumed", data: {} });
    story.approve("bo");
    expect(what(story)).toEqual(["start a"]);
    story.starts("a");
    expect([...(story.run().clocks?.values() ?? [])]).toMatchObject([
      { startedAt: new Date(MIDNIGHT + 110_000), endedAt: new Date(MIDNIGHT + 175_000) },
      { startedAt: new Date(MIDNIGHT + 175_000), endedAt: null, lateAt: null },
    ]);
    const problem = { code: "x", what: "The engine failed" };
    story.happened({ type: "run.stuck", data: { problem } });
    expect(says(story)).toEqual({ intents: [], wakeAt: new Date(MIDNIGHT + 295_000) });
    expect(what(story.at(295))).toEqual(["tellLate"]);
    story.happened({ type: "run.aborted", data: { reason: "enough", stateNow: "as before" } });
    expect(what(story.at(400))).not.toContain("tellLate");
  });

  test("time asks the next level, and wakes for it and for the expiry", () => {
    const story = begun(plan([[gate("go")], [action("a")]])).gateOpened();
    expect(says(story).wakeAt).toEqual(new Date(story.now.getTime() + 300_000));
    expect(what(story.at(300))).toEqual(["moveGate go"]);
    story.timePasses();
    expect(what(story)).toEqual([]);
    expect(what(story.at(900))).toEqual(["moveGate go"]);
  });

  test("what a dead replica left is taken over, and told how far it got", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.starts("fence");
    expect(what(story, "1")).toEqual([]);
    expect(says(story, "2").intents).toEqual([{ do: "takeOver", step: "fence", attempt: 1, reached: "started" }]);
    story.happened({ type: "step.intended", data: { step: "fence", attempt: 1, before: { at: "west" } } });
    expect(says(story, "2").intents).toEqual([{ do: "takeOver", step: "fence", attempt: 1, reached: "intended" }]);
  });

  test("paused, nothing starts, and what is half done may still be finished", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.happened({ type: "run.paused", data: { reason: null } });
    expect(what(story)).toEqual([]);
    story.happened({ type: "run.resumed", data: {} });
    story.starts("fence");
    story.happened({ type: "run.paused", data: { reason: null } });
    expect(what(story, "2")).toEqual([]);
    story.happened({ type: "step.intended", data: { step: "fence", attempt: 1, before: null } });
    expect(what(story, "2")).toEqual(["takeOver fence"]);
  });

  test("a failed step is tried again after 1 s, 2 s …, while attempts are left", () => {
    const story = begun(plan([[gate("go")], [action("a", { retries: 2 })]])).gateOpened();
    story.approve("bo");
    const fails = (attempt: number) => {
      story.starts("a");
      const problem = { code: "x", what: "no", stateNow: "as before" };
      story.happened({ type: "step.failed", data: { step: "a", attempt, problem, retryable: true, seconds: 1 } });
    };
    fails(1);
    expect(says(story)).toEqual({ intents: [], wakeAt: new Date(story.now.getTime() + 1_000) });
    story.at(story.seconds + 1);
    expect(says(story).intents).toEqual([{ do: "start", step: "a", attempt: 2 }]);
    fails(2);
    expect(says(story).wakeAt).toEqual(new Date(story.now.getTime() + 2_000));
    story.at(story.seconds + 2);
    fails(3);
    expect(says(story.at(story.seconds + 60))).toEqual({ intents: [], wakeAt: null });
    story.asks("bo", { type: "retryStep", run: "run-1", step: "a" });
    expect(says(story).intents).toEqual([{ do: "start", step: "a", attempt: 4 }]);
  });

  test("a step that needs a person holds everything that has not begun", () => {
    const of = plan([[gate("go")], [action("a"), action("b")]]);
    const story = begun({ ...of, stages: of.stages.map((stage, i) => ({ ...stage, parallel: i === 1 })) }).gateOpened();
    story.approve("bo");
    story.starts("a");
    const problem = { code: "x", what: "who knows", stateNow: "unclear" };
    story.happened({ type: "step.stopped", data: { step: "a", attempt: 1, problem } });
    expect(what(story)).toEqual([]);
  });

  test("where no one says in time that it is done, and going on is the safe side, the run goes on", () => {
    const inTime = { ...manual("work"), atMostSeconds: 600 } as PlanStep;
    const story = begun(plan([[gate("go")], [inTime, action("resume")]])).gateOpened();
    story.approve("bo");
    expect(says(story).intents).toEqual([{ do: "open", step: "work", seconds: 600 }]);
    const until = new Date(story.now.getTime() + 600_000);
    story.happened({ type: "step.opened", data: { step: "work", until: until.toISOString() } });
    expect(says(story)).toEqual({ intents: [], wakeAt: until });
    expect(what(story.at(story.seconds + 600))).toEqual(["closeWait work"]);
  });

  test("waits open and close, manual steps wait for people", () => {
    const story = begun(plan([[gate("go")], [wait("soak", 30), manual("tell")]])).gateOpened();
    story.approve("bo");
    expect(says(story).intents).toEqual([{ do: "open", step: "soak", seconds: 30 }]);
    const until = new Date(story.now.getTime() + 30_000).toISOString();
    story.happened({ type: "step.opened", data: { step: "soak", until } });
    expect(says(story)).toEqual({ intents: [], wakeAt: expect.any(Date) });
    expect(what(story.at(story.seconds + 30))).toEqual(["closeWait soak"]);
    story.happened({ type: "step.confirmed", data: { step: "soak", note: null } });
    expect(what(story)).toEqual(["open tell"]);
    story.happened({ type: "step.opened", data: { step: "tell", until: null } });
    expect(says(story).intents).toEqual([]);
  });

  test("aborted: what runs is asked to stop, what was left is settled, and then it is free", () => {
    const story = IncidentScenario.asking();
    story.approve("bo");
    story.starts("fence");
    story.asks("cy", { type: "abort", run: "run-1", reason: "enough" });
    expect(what(story, "1")).toEqual(["halt"]);
    expect(what(story, "2")).toEqual(["settle fence"]);
    const problem = { code: "halted", what: "ended", stateNow: "nothing changed" };
    story.happened({ type: "step.failed", data: { step: "fence", attempt: 1, problem, retryable: false, seconds: 1 } });
    expect(what(story)).toEqual(["free"]);
  });

  test("stuck: nothing, until someone resumes", () => {
    const story = begun();
    story.happened({ type: "run.stuck", data: { problem: { code: "x", what: "broken", stateNow: "as before" } } });
    expect(what(story)).toEqual([]);
    story.asks("cy", { type: "resume", run: "run-1" });
    expect(what(story)).toEqual(["start check"]);
  });
});

/** Outcomes drawn before the run, so that the world answers the same however often the engine is interrupted. */
interface SimulatedState {
  /** step → how many attempts fail before it works. */
  readonly fails: Readonly<Record<string, number>>;
}

const steps = (ids: string[]) =>
  fc.tuple(
    ...ids.map((id) =>
      fc.oneof(
        {
          weight: 5,
          arbitrary: fc
            .record({ retries: fc.nat(2), repeat: fc.constantFrom<Repeat>("safe", "guarded"), read: fc.boolean() })
            .map(({ retries, repeat, read }) => action(id, { retries, repeat, risk: read ? "read" : "reversible" })),
        },
        { weight: 1, arbitrary: fc.constant(wait(id, 5)) },
        { weight: 1, arbitrary: fc.constant(manual(id)) },
        { weight: 1, arbitrary: fc.constant(gate(id)) },
      ),
    ),
  );

const plans = fc
  .tuple(steps(["a", "b", "c"]), steps(["d", "e"]), steps(["f", "g"]), fc.boolean(), fc.boolean(), fc.boolean())
  .map(([first, second, third, one, two, branch]) => {
    const of = plan([[gate("go")], first, second, third]);
    const lanes = [{ id: "lane", title: "Lane", steps: first.slice(0, 2).map(({ id }) => id) }];
    const stages = of.stages.map((stage, i) => ({ ...stage, parallel: (i === 1 && one) || (i === 2 && two) }));
    return { ...of, stages: stages.map((stage, i) => (i === 1 && one && branch ? { ...stage, lanes } : stage)) };
  });
const states = fc
  .dictionary(fc.constantFrom("a", "b", "c", "d", "e", "f", "g"), fc.nat(1))
  .map((fails): SimulatedState => ({ fails }));

/**
 * Plays a run to its end as the driver would, one event at a time. `crashes` says after which events the process dies: the
 * next one has another epoch and knows only the log.
 */
function play(of: Plan, fixture: SimulatedState, crashes: (written: number) => boolean): IncidentScenario {
  const story = new IncidentScenario().declared().requested(of);
  let epoch = 1;
  for (let turn = 0; turn < 400 && story.run().ending === null; turn++) {
    const before = story.log.length;
    // Only the log survives, and folding it again says the same as having followed it.
    expect(fold("inc-1", story.log, story.plans).runs).toEqual(story.state.runs);
    const { intents, wakeAt } = next(story.run(), { epoch: String(epoch), now: story.now });
    const intent = intents[0] ?? own(story, String(epoch));
    if (intent) perform(story, intent, fixture, String(epoch));
    else if (!person(story))
      story.at(story.seconds + Math.max(0.001, ((wakeAt?.getTime() ?? Number.NaN) - story.now.getTime()) / 1000));
    if (story.log.length > before && crashes(story.log.length)) epoch++;
  }
  return story;
}

type Doing = Intent | { readonly do: "goOn"; readonly step: string };

function own(story: IncidentScenario, epoch: string): Doing | null {
  const step = [...story.run().steps.values()].find((one) => one.status === "running" && one.epoch === epoch);
  return step ? { do: "goOn", step: step.step.id } : null;
}

function perform(story: IncidentScenario, intent: Doing, fixture: SimulatedState, epoch: string): void {
  switch (intent.do) {
    case "preflight":
      story.preflighted();
      return;
    case "openGate":
      story.gateOpened(intent.step, `ask-${story.log.length}`);
      return;
    case "moveGate":
      story.timePasses(intent.step);
      return;
    case "start":
    case "open":
    case "takeOver": {
      const may = mayStart(story.state, story.run(), intent.step, story.startContext());
      if (!may.ok) throw new Error(`next wanted ${intent.do} ${intent.step}, and it may not: ${may.code} ${may.why}`);
      story.write(may.events);
      if (intent.do === "open") {
        const until =
          intent.seconds === null ? null : new Date(story.now.getTime() + intent.seconds * 1000).toISOString();
        story.happened({ type: "step.opened", data: { step: intent.step, until } });
      } else story.happened({ type: "step.started", data: { step: intent.step, attempt: intent.attempt, epoch } });
      return;
    }
    case "goOn":
      goOn(story, intent.step, fixture);
      return;
    case "closeWait":
      story.happened({ type: "step.confirmed", data: { step: intent.step, note: null } });
      return;
    case "passGates": {
      const may = passGates(story.state, story.run(), story.startContext());
      if (!may.ok) throw new Error(`gates may not pass: ${may.code}`);
      story.write(may.events);
      return;
    }
    case "finish":
      story.happened({ type: "run.verified", data: { dryRun: false } });
      return;
    default:
      throw new Error(`Not expected here: ${intent.do}`);
  }
}

/** One event further with a step that is ours. */
function goOn(story: IncidentScenario, id: string, fixture: SimulatedState): void {
  const step = story.run().steps.get(id);
  if (step?.status !== "running") throw new Error(`${id} is not running`);
  const at = { step: id, attempt: step.attempts };
  const reads = step.step.kind === "action" && step.step.risk === "read";
  if (step.reached === "started" && step.attempts <= (fixture.fails[id] ?? 0)) {
    const problem = { code: "x", what: "no", stateNow: "as before" };
    story.happened({ type: "step.failed", data: { ...at, problem, retryable: true, seconds: 1 } });
  } else if (step.reached === "started" && !reads)
    story.happened({ type: "step.intended", data: { ...at, before: {} } });
  else if (step.reached === "intended") story.happened({ type: "step.applied", data: { ...at, handle: null } });
  else story.done(id);
}

/** People do what they are asked: approve, confirm, try again. */
function person(story: IncidentScenario): boolean {
  for (const step of story.run().steps.values()) {
    const id = step.step.id;
    const run = "run-1";
    if (step.status === "gate" && step.gate.outcome === "open" && step.gate.approvals.length === 0)
      // Where several gates are asked together, each person counts in one.
      return ["bo", "cy", "duo"].some((who) => story.approve(who, step.gate.ask).kind === "accepted");
    if (step.status === "open" && step.step.kind === "manual")
      return story.asks("bo", { type: "confirmStep", run, step: id, note: null }).kind === "accepted";
    if (step.status === "failed" && story.asks("bo", { type: "retryStep", run, step: id }).kind === "accepted")
      return true;
  }
  return false;
}

describe("whatever the plan, the outcomes and the crashes", () => {
  test("a run ends the same, never starts a done step, and never a covered one before its gates", () => {
    fc.assert(
      fc.property(plans, states, fc.uniqueArray(fc.nat(60)), (of, fixture, crashes) => {
        const calm = play(of, fixture, () => false);
        const stormy = play(of, fixture, (written) => crashes.includes(written));
        for (const story of [calm, stormy]) {
          expect(story.run().ending).toEqual({ as: "verified" });
          const done = new Set<string>();
          const passed = new Set<string>();
          for (const event of story.log) {
            const step = (event.data as { step?: string }).step ?? "";
            if (event.type === "step.verified") done.add(step);
            if (event.type === "gate.passed") passed.add(step);
            if (event.type !== "step.started") continue;
            expect(done.has(step)).toBe(false);
            const planned = story.run().steps.get(step)?.step;
            const before = [...story.run().steps.keys()].slice(0, [...story.run().steps.keys()].indexOf(step));
            const gates = before.filter((id) => story.run().steps.get(id)?.step.kind === "gate");
            if (planned?.kind === "action" && planned.risk !== "read")
              for (const id of gates) expect(passed).toContain(id);
          }
        }
        const ends = (story: IncidentScenario) =>
          [...story.run().steps.values()].map((step) => [step.step.id, step.status]);
        expect(ends(stormy)).toEqual(ends(calm));
      }),
      { numRuns: 60 },
    );
  });
});
