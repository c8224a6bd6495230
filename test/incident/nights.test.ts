import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Plan } from "../../src/catalog/types.ts";
import type { IncidentCommand } from "../../src/incident/commands.ts";
import type { Actor } from "../../src/incident/events.ts";
import { fold } from "../../src/incident/evolve.ts";
import { type Attempt, notItsTurn, objection } from "./oracle.ts";
import { action, byPerson, gate, plan, rosterWith, Story, SYSTEM } from "./world.ts";

/**
 * Whatever people, timers, look-ups and rosters do, in whatever order: no step that changes something starts unless an
 * independent reading of the log (`oracle.ts`) finds enough approvals that hold; and where it finds them, it does start.
 */
const PLAN: Plan = plan([
  [action("check", { risk: "read" })],
  [gate("go", { quorum: 2, expiresSeconds: 900 }), action("fence")],
  [gate("cut", { role: "vp-engineering", expiresSeconds: 300, escalate: [{ role: "cto", afterSeconds: 120 }] })],
  [action("promote", { risk: "irreversible" }), action("repoint")],
]);
const CHANGING = ["fence", "promote", "repoint"];
const RUNS = ["run-1", "run-2"];
const IDS = SYSTEM.people.map((person) => person.id);
const ROLES = SYSTEM.roles.map((role) => role.id);

class Night {
  readonly story = new Story().declared().requested(PLAN).requested(PLAN, { run: "run-2", by: "cy" });
  readonly asks: string[] = ["made-up"];
  readonly rosterAt = new Map(this.story.system ? [["made-up", this.story.system]] : []);
  readonly standing = new Map<string, string | null>(IDS.map((id) => [id, null]));
  starts = 0;
  refusals = 0;

  /** Tries to start a step as the driver would, and holds the answer against the oracle's. */
  tries(attempt: Attempt): void {
    const { run, step, now, planHash, factsHash, roster, standing } = attempt;
    const may = this.story.mayStart(step, { now, planHash, factsHash, system: roster, standing }, run);
    const turn = notItsTurn(this.story.log, PLAN, attempt);
    const against = turn ?? objection(this.story.log, PLAN, attempt);
    expect({ ok: may.ok, against: may.ok ? against : null }).toEqual({ ok: against === null, against: null });
    this.story.write(may.events);
    if (!may.ok) this.refusals++;
    else {
      this.starts++;
      if (this.story.status(step, run) !== "running") this.story.started(step, run);
    }
  }
}

type Move = (night: Night) => void;

const run = fc.constantFrom(...RUNS);
const person = fc.constantFrom(...IDS);
const aStep = fc.constantFrom("check", "go", "fence", "cut", "promote", "repoint", "none");
const actor: fc.Arbitrary<Actor> = fc.oneof(
  { weight: 9, arbitrary: person.map((id) => byPerson(id)) },
  { weight: 1, arbitrary: fc.constant<Actor>({ kind: "bot" }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.option(person), fc.constantFrom(null, "U_BO", "U_DUO_2", "U_ANA_PHONE", "U_NEW"))
      .map(([id, slackUser]): Actor => ({ kind: "person", person: id, slackUser, name: "Somebody", door: "slack" })),
  },
);

const clock: fc.Arbitrary<Move> = fc.constantFrom(0, 1, 60, 119.999, 120, 300, 899.999, 900).map(
  (seconds) =>
    ({ story }) =>
      void story.at(story.seconds + seconds),
);

const looking: fc.Arbitrary<Move> = fc
  .tuple(run, fc.constantFrom("facts-1", "facts-1", "facts-1", "facts-2"), fc.integer({ min: 0, max: 9 }))
  .map(([id, factsHash, luck]) => ({ story }) => {
    if (story.run(id).ending === null) story.preflighted({ factsHash, ready: luck > 0 }, id);
  });

const asking: fc.Arbitrary<Move> = fc.tuple(run, fc.constantFrom("go", "cut")).map(([id, step]) => (night) => {
  const { story } = night;
  const status = story.status(step, id);
  if (story.run(id).preflight === null || story.run(id).ending !== null) return;
  if (status !== "waiting" && status !== "gate voided") return;
  const ask = `ask-${night.asks.length}`;
  night.asks.push(ask);
  night.rosterAt.set(ask, story.system);
  story.gateOpened(step, ask, id);
});

const voting: fc.Arbitrary<Move> = fc
  .tuple(
    run,
    actor,
    fc.nat(5),
    fc.constantFrom("approve", "approve", "approve", "approve", "approve", "deny"),
    fc.nat(12),
  )
  .map(([id, who, back, decision, luck]) => ({ story, asks }) => {
    const ask = asks.at(-1 - (back % asks.length)) ?? "made-up";
    const owner = story.state.runs.get("run-1")?.steps.size && luck > 0 ? ownerOf(story, ask) : id;
    const barred = luck === 1 ? "deactivated" : null;
    if (decision === "approve") story.approve(who, ask, { barred }, owner);
    else story.deny(who, ask, { barred }, owner);
  });

function ownerOf(story: Story, ask: string): string {
  const opened = story.log.find((event) => event.type === "gate.opened" && (event.data as { ask: string }).ask === ask);
  return opened?.run ?? "run-1";
}

const timer: fc.Arbitrary<Move> = fc.tuple(run, fc.constantFrom("go", "cut")).map(
  ([id, step]) =>
    ({ story }) =>
      void story.timePasses(step, id),
);

const steering: fc.Arbitrary<Move> = fc
  .tuple(
    run,
    actor,
    aStep,
    fc.constantFrom("pause", "resume", "resume", "retryStep", "retryStep", "skipStep", "abort"),
    fc.nat(3),
  )
  .map(([id, who, step, type, luck]) => ({ story }) => {
    if (type === "abort" && luck > 0) return;
    const command = { type, run: id, step, reason: "so be it" } as IncidentCommand;
    story.asks(who, command);
  });

const staffing: fc.Arbitrary<Move> = fc
  .tuple(person, fc.option(fc.uniqueArray(fc.constantFrom(...ROLES), { maxLength: 3 })), fc.boolean())
  .map(([id, roles, back]) => ({ story }) => {
    if (back) story.system = SYSTEM;
    else story.system = rosterWith(id, roles === null ? null : { roles }, story.system);
  });

const standing: fc.Arbitrary<Move> = fc
  .tuple(person, fc.constantFrom("deactivated", null, null, undefined))
  .map(([id, why]) => (night) => {
    if (why === undefined) night.standing.delete(id);
    else night.standing.set(id, why);
  });

const starting: fc.Arbitrary<Move> = fc
  .tuple(run, fc.constantFrom(...CHANGING), fc.nat(12))
  .map(([id, step, luck]) => (night) => {
    const { story, rosterAt } = night;
    const factsHash = luck === 0 ? "facts-2" : (story.run(id).preflight?.factsHash ?? "none");
    const planHash = luck === 1 ? "another" : story.run(id).planHash;
    const at = { now: story.now, roster: story.system, standing: new Map(night.standing), rosterAt };
    night.tries({ run: id, step, planHash, factsHash, ...at });
  });

const working: fc.Arbitrary<Move> = fc.tuple(run, aStep, fc.nat(4)).map(([id, step, luck]) => ({ story }) => {
  const status = story.status(step, id);
  if (step === "check" && status === "waiting" && story.run(id).ending === null) story.done("check", id);
  else if (status === "running" && luck > 0) {
    const attempt = story.run(id).steps.get(step)?.attempts ?? 1;
    const data = { step, attempt, says: "done", facts: [], rpo: null, seconds: 1 };
    story.happened({ type: "step.verified", data }, id);
  } else if (status === "running") {
    const attempt = story.run(id).steps.get(step)?.attempts ?? 1;
    story.happened({ type: "step.stopped", data: { step, attempt, problem: { code: "x", what: "Not known" } } }, id);
  }
});

/** What goes well on most nights, so that the others have something to break. */
const goingWell: fc.Arbitrary<Move> = fc
  .tuple(run, fc.shuffledSubarray(IDS, { minLength: 3 }))
  .map(([id, people]) => (night) => {
    const { story } = night;
    if (story.run(id).ending !== null) return;
    if (story.run(id).preflight === null) story.preflighted({}, id);
    if (story.status("check", id) === "waiting") story.done("check", id);
    for (const step of ["go", "cut"]) {
      const status = story.status(step, id);
      if (status !== "waiting" && status !== "gate voided") continue;
      const ask = `ask-${night.asks.length}`;
      night.asks.push(ask);
      night.rosterAt.set(ask, story.system);
      story.gateOpened(step, ask, id);
      for (const who of people) story.approve(byPerson(who), ask, {}, id);
    }
    const { now, system: roster } = story;
    const { planHash, preflight } = story.run(id);
    const factsHash = preflight?.factsHash ?? "none";
    const at = { now, roster, standing: new Map(night.standing), rosterAt: night.rosterAt };
    night.tries({ run: id, step: "fence", planHash, factsHash, ...at });
  });

const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: clock },
  { weight: 2, arbitrary: looking },
  { weight: 4, arbitrary: asking },
  { weight: 14, arbitrary: voting },
  { weight: 2, arbitrary: timer },
  { weight: 3, arbitrary: steering },
  { weight: 2, arbitrary: staffing },
  { weight: 2, arbitrary: standing },
  { weight: 12, arbitrary: starting },
  { weight: 6, arbitrary: working },
  { weight: 3, arbitrary: goingWell },
);

test("no night makes a step start that an independent reading of the log would not, nor keeps one that it would", () => {
  let starts = 0;
  let refusals = 0;
  fc.assert(
    fc.property(fc.array(moves, { minLength: 10, maxLength: 60, size: "max" }), (night) => {
      const tonight = new Night();
      for (const move of night) move(tonight);
      starts += tonight.starts;
      refusals += tonight.refusals;
      expect(fold("inc-1", tonight.story.log, tonight.story.plans)).toEqual(tonight.story.state);
    }),
    { numRuns: 250 },
  );
  expect(starts).toBeGreaterThan(50);
  expect(refusals).toBeGreaterThan(50);
});
