import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Plan } from "../../src/catalog/types.ts";
import type { IncidentCommand } from "../../src/incident/commands.ts";
import type { Actor } from "../../src/incident/events.ts";
import { fold } from "../../src/incident/evolve.ts";
import { action, byPerson, gate, IncidentScenario, plan, rosterWith, SYSTEM } from "../support/incident-scenario.ts";
import { type Attempt, notItsTurn, objection } from "./oracle.ts";

/**
 * Whatever people, timers, look-ups and rosters do, in whatever order: no step that changes something starts unless an
 * independent reading of the log (`oracle.ts`) finds enough approvals that hold; and where it finds them, it does start.
 */
const PLAN: Plan = plan([
  [action("check", { risk: "read" })],
  [gate("go", { quorum: 2, expiresSeconds: 900 }), action("fence")],
  [
    gate("cut", {
      role: "vp-engineering",
      expiresSeconds: 300,
      escalate: [{ role: "cto", afterSeconds: 120 }],
      stepUp: true,
    }),
  ],
  [action("promote", { risk: "irreversible" }), action("repoint")],
]);
const CHANGING = ["fence", "promote", "repoint"];
const RUNS = ["run-1", "run-2"];
const IDS = SYSTEM.people.map((person) => person.id);
const ROLES = SYSTEM.roles.map((role) => role.id);

class RandomScenario {
  readonly story = new IncidentScenario().declared().requested(PLAN).requested(PLAN, { run: "run-2", by: "cy" });
  readonly asks: string[] = ["made-up"];
  readonly rosterAt = new Map(this.story.system ? [["made-up", this.story.system]] : []);
  readonly accounts = new Map<string, string | null>(IDS.map((id) => [id, null]));
  starts = 0;
  refusals = 0;

  /** Tries to start a step as the driver would, and holds the answer against the oracle's. */
  tries(attempt: Attempt): void {
    const { run, step, now, planHash, factsHash, roster, accounts } = attempt;
    const may = this.story.mayStart(step, { now, planHash, factsHash, system: roster, accounts }, run);
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

type Move = (scenario: RandomScenario) => void;

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

const asking: fc.Arbitrary<Move> = fc.tuple(run, fc.constantFrom("go", "cut")).map(([id, step]) => (scenario) => {
  const { story } = scenario;
  const status = story.status(step, id);
  if (story.run(id).preflight === null || story.run(id).ending !== null) return;
  if (status !== "waiting" && status !== "gate voided") return;
  const ask = `ask-${scenario.asks.length}`;
  scenario.asks.push(ask);
  scenario.rosterAt.set(ask, story.system);
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
    const blocked = luck === 1 ? "deactivated" : null;
    // Some prove who they are by someone's word only.
    const vouchedBy = luck > 2 && luck < 6 ? (IDS[(back + luck) % IDS.length] ?? null) : null;
    if (decision === "approve") story.approve(who, ask, { blocked: blocked, provedAfresh: luck > 2, vouchedBy }, owner);
    else story.deny(who, ask, { blocked: blocked }, owner);
  });

function ownerOf(story: IncidentScenario, ask: string): string {
  const opened = story.log.find((event) => event.type === "gate.opened" && (event.data as { ask: string }).ask === ask);
  return opened?.run ?? "run-1";
}

/** Roles change hands for a while, and back. */
const delegation: fc.Arbitrary<Move> = fc
  .tuple(person, person, fc.constantFrom(...ROLES), fc.constantFrom(60, 120, 900, 3600), fc.nat(6))
  .map(([who, to, role, seconds, luck]) => ({ story }) => {
    const lender = SYSTEM.people.find(({ id }) => id === who);
    const delegated = luck > 1 ? (lender?.roles[luck % lender.roles.length] ?? role) : role;
    if (luck === 6) story.asks(who, { type: "endDelegation", role: delegated, to });
    else {
      const vouchedBy = luck === 5 ? to : null;
      story.asks(
        who,
        { type: "delegate", role: delegated, to, seconds, reason: null },
        { provedAfresh: luck > 2, vouchedBy },
      );
    }
  });

const breaking: fc.Arbitrary<Move> = fc
  .tuple(actor, fc.nat(3), fc.constantFrom("breakGlass", "breakGlass", "confirmBreak", "review"), fc.nat(5))
  .map(([who, back, type, luck]) => ({ story, asks }) => {
    const ask = asks.at(-1 - (back % asks.length)) ?? "made-up";
    const command = {
      type,
      run: ownerOf(story, ask),
      ask,
      reason: "nobody answers",
      finding: "fine",
    } as IncidentCommand;
    story.asks(who, command, { provedAfresh: luck > 0 });
  });

/** Two who may use break-glass of a question that is open, one after the other. */
const breakingTogether: fc.Arbitrary<Move> = fc
  .tuple(fc.shuffledSubarray(IDS, { minLength: 2 }), fc.nat(2))
  .map(([people, alone]) => ({ story, asks }) => {
    const ask = asks.at(-1) ?? "made-up";
    const about = { run: ownerOf(story, ask), ask };
    story.at(story.seconds + 120).timePasses("cut", about.run);
    const proved = { provedAfresh: true };
    for (const who of people) story.asks(who, { type: "breakGlass", ...about, reason: "nobody answers" }, proved);
    if (alone === 0) story.at(story.seconds + 300);
    for (const who of people)
      story.asks(
        who,
        alone === 0 ? { type: "breakGlass", ...about, reason: null } : { type: "confirmBreak", ...about },
        proved,
      );
  });

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

const accounts: fc.Arbitrary<Move> = fc
  .tuple(person, fc.constantFrom("deactivated", null, null, undefined))
  .map(([id, why]) => (scenario) => {
    if (why === undefined) scenario.accounts.delete(id);
    else scenario.accounts.set(id, why);
  });

const starting: fc.Arbitrary<Move> = fc
  .tuple(run, fc.constantFrom(...CHANGING), fc.nat(12))
  .map(([id, step, luck]) => (scenario) => {
    const { story, rosterAt } = scenario;
    const factsHash = luck === 0 ? "facts-2" : (story.run(id).preflight?.factsHash ?? "none");
    const planHash = luck === 1 ? "another" : story.run(id).planHash;
    const at = { now: story.now, roster: story.system, accounts: new Map(scenario.accounts), rosterAt };
    scenario.tries({ run: id, step, planHash, factsHash, ...at });
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

/** What goes well on most nights, so that the others have something to break: by votes, by what is delegated, or by break-glass. */
const goingWell: fc.Arbitrary<Move> = fc
  .tuple(run, fc.shuffledSubarray(IDS, { minLength: 3 }), fc.constantFrom("votes", "votes", "loans", "glass"))
  .map(([id, people, way]) => (scenario) => {
    const { story } = scenario;
    if (story.run(id).ending !== null) return;
    if (story.run(id).preflight === null) story.preflighted({}, id);
    if (story.status("check", id) === "waiting") story.done("check", id);
    const loans = way === "loans" ? LOANS : [];
    for (const { role, from, to } of loans)
      story.asks(from, { type: "delegate", role, to, seconds: 3600, reason: null }, { provedAfresh: true });
    for (const step of ["go", "cut"]) {
      const status = story.status(step, id);
      if (status !== "waiting" && status !== "gate voided") continue;
      const ask = `ask-${scenario.asks.length}`;
      scenario.asks.push(ask);
      scenario.rosterAt.set(ask, story.system);
      story.gateOpened(step, ask, id);
      for (const who of people.filter((one) => way !== "glass" && !loans.some(({ from }) => from === one)))
        story.approve(byPerson(who), ask, { provedAfresh: true }, id);
      if (way !== "glass") continue;
      story.at(story.seconds + (step === "go" ? 300 : 120)).timePasses(step, id);
      for (const type of ["breakGlass", "confirmBreak"] as const)
        for (const who of people)
          story.asks(who, { type, run: id, ask, reason: "nobody answers" }, { provedAfresh: true });
    }
    for (const step of ["fence", "promote"]) {
      const { now, system: roster } = story;
      const { planHash, preflight } = story.run(id);
      const factsHash = preflight?.factsHash ?? "none";
      const at = { now, roster, accounts: new Map(scenario.accounts), rosterAt: scenario.rosterAt };
      scenario.tries({ run: id, step, planHash, factsHash, ...at });
      if (step === "fence" && story.status("fence", id) === "running") story.done("fence", id);
    }
  });

const LOANS = [
  { role: "database-administrator", from: "bo", to: "tess" },
  { role: "vp-engineering", from: "vera", to: "oli" },
];

const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: clock },
  { weight: 2, arbitrary: looking },
  { weight: 4, arbitrary: asking },
  { weight: 14, arbitrary: voting },
  { weight: 3, arbitrary: delegation },
  { weight: 2, arbitrary: breaking },
  { weight: 2, arbitrary: breakingTogether },
  { weight: 2, arbitrary: timer },
  { weight: 3, arbitrary: steering },
  { weight: 2, arbitrary: staffing },
  { weight: 2, arbitrary: accounts },
  { weight: 12, arbitrary: starting },
  { weight: 6, arbitrary: working },
  { weight: 3, arbitrary: goingWell },
);

test("no night makes a step start that an independent reading of the log would not, nor keeps one that it would", () => {
  let starts = 0;
  let refusals = 0;
  const used = { delegated: 0, broken: 0, proved: 0 };
  fc.assert(
    fc.property(fc.array(moves, { minLength: 10, maxLength: 60, size: "max" }), (night) => {
      const tonight = new RandomScenario();
      for (const move of night) move(tonight);
      starts += tonight.starts;
      refusals += tonight.refusals;
      const passed = passedBy(tonight.story);
      used.delegated += passed.delegated;
      used.broken += passed.broken;
      used.proved += passed.proved;
      expect(fold("inc-1", tonight.story.log, tonight.story.plans)).toEqual(tonight.story.state);
    }),
    { numRuns: 250 },
  );
  expect(starts).toBeGreaterThan(50);
  expect(refusals).toBeGreaterThan(50);
  expect(Math.min(used.delegated, used.broken, used.proved)).toBeGreaterThan(10);
});

/** By which ways gates were passed this night. */
function passedBy({ log }: IncidentScenario): { delegated: number; broken: number; proved: number } {
  const asks = log.filter(({ type }) => type === "gate.passed").map(({ data }) => (data as { ask: string }).ask);
  const about = (ask: string) => log.filter(({ data }) => (data as { ask?: string }).ask === ask);
  const by = (says: (event: { type: string; data: never }) => boolean) =>
    asks.filter((ask) => about(ask).some((event) => says(event as never))).length;
  return {
    delegated: by(({ type, data }) => type === "gate.approved" && (data as { onBehalfOf?: string }).onBehalfOf != null),
    broken: by(({ type }) => type === "gate.broken"),
    proved: by(({ type, data }) => type === "gate.approved" && (data as { proved?: boolean }).proved === true),
  };
}
