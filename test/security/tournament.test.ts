import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Plan } from "../../src/catalog/types.ts";
import type { IncidentCommand } from "../../src/incident/commands.ts";
import type { Actor, Event } from "../../src/incident/events.ts";
import { action, byPerson, gate, IncidentScenario, plan, SYSTEM } from "../support/incident-scenario.ts";

/**
 * Attackers against a model. A coalition holds some people's accounts, with or without the authenticators of some of them, and does with them whatever can be asked, in any order; no one
 * else says a word. The model knows nothing of the order, of questions, loans or facts: it counts who is in the coalition.
 * Whatever changes something starts only where those people could have decided it openly.
 */
const PLAN: Plan = plan([
  [action("check", { risk: "read" })],
  [gate("go", { quorum: 2 }), action("backup"), action("drain"), action("fence")],
  [gate("cut", { role: "vp-engineering", escalate: [{ role: "cto", afterSeconds: 120 }], stepUp: true })],
  [action("promote", { risk: "irreversible" })],
]);
const GATES = ["go", "cut"] as const;
const CHANGING = ["backup", "drain", "fence", "promote"];
const IDS = SYSTEM.people.map(({ id }) => id);
const ROLES = SYSTEM.roles.map(({ id }) => id);

interface Coalition {
  readonly people: readonly string[];
  readonly requester: string;
  /** Those of them whose authenticators it holds too, and not their Slack sessions alone. */
  readonly devices: readonly string[];
}

/** By what right a gate may pass with no one's help from outside; null: by none. */
function right(step: string, { people, requester, devices }: Coalition): "votes" | "breakGlass" | null {
  const found = PLAN.stages.flatMap(({ steps }) => steps).find(({ id }) => id === step);
  if (found?.kind !== "gate") throw new Error(`${step} is no gate`);
  const { role, escalate, quorum, stepUp } = found.gate;
  // An account without its authenticator does nothing where a code is requested, nor does what it hands to another.
  const able = stepUp ? people.filter((id) => devices.includes(id)) : people;
  const holds = (roles: readonly string[]) => (id: string) =>
    SYSTEM.people.some((one) => one.id === id && one.roles.some((held) => roles.includes(held)));
  const others = able.filter((id) => id !== requester);
  if (others.filter(holds([role, ...escalate.map((level) => level.role)])).length >= quorum) return "votes";
  const breaks = holds(SYSTEM.breakGlass?.roles ?? []);
  const decides = holds([role, ...escalate.map((level) => level.role)]);
  // One who did not ask for the run, alone when no one comes; who asked for it, with another who may break it or decide.
  if (others.some(breaks)) return "breakGlass";
  return able.some(breaks) && others.some(decides) ? "breakGlass" : null;
}

class Attack {
  readonly by: Coalition;
  readonly story: IncidentScenario;
  readonly asks: string[] = ["made-up"];
  readonly started = new Set<string>();
  accepted = 0;
  refused = 0;

  constructor(by: Coalition) {
    this.by = by;
    this.story = new IncidentScenario().declared().requested(PLAN, { by: by.requester }).preflighted().done("check");
  }

  /** Every account the coalition can speak with, and what it can pretend to be. */
  actor(n: number, trick: number): Actor {
    const one = this.by.people[n % this.by.people.length] ?? "";
    const honest = IDS.find((id) => !this.by.people.includes(id)) ?? "";
    const mine = byPerson(one);
    if (trick === 0) return { ...mine, person: honest } as Actor;
    if (trick === 1) return { kind: "person", person: null, slackUser: "U_NEW", name: honest, door: "slack" };
    if (trick === 2) return { kind: "person", person: null, slackUser: null, name: "", door: "cli" };
    return mine;
  }

  tries(command: IncidentCommand, actor: Actor): void {
    const who =
      actor.kind === "person" ? SYSTEM.people.find(({ slack }) => slack.includes(actor.slackUser ?? "")) : null;
    const more = { provedAfresh: this.by.devices.includes(who?.id ?? "") };
    const { kind } = this.story.asks(actor, command, more);
    if (kind === "accepted") this.accepted++;
    else this.refused++;
  }

  /** What the engine does by itself: it asks what waits, and does the next thing that may start. */
  engine(): void {
    const { story } = this;
    if (story.run().ending !== null) return;
    for (const step of GATES) {
      const status = story.status(step);
      if (status === "waiting" || status === "gate voided") {
        const ask = `ask-${this.asks.length}`;
        this.asks.push(ask);
        story.gateOpened(step, ask);
      }
      story.timePasses(step);
    }
    for (const step of CHANGING) {
      if (story.status(step) !== "waiting" || !story.starts(step).ok) continue;
      this.started.add(step);
      story.done(step);
      return;
    }
  }
}

type Move = (attack: Attack) => void;

/** The straight way: all they hold, and all the time there is. */
function openly(attack: Attack, seconds: number): void {
  const { story, by } = attack;
  if (story.run().ending !== null) return;
  attack.engine();
  const ask = attack.asks.at(-1) ?? "made-up";
  for (const id of by.people) attack.tries({ type: "approve", run: "run-1", ask }, byPerson(id));
  attack.engine();
  for (const id of by.people) attack.tries({ type: "escalate", run: "run-1", ask, why: "now" }, byPerson(id));
  for (const type of ["breakGlass", "confirmBreak"] as const) {
    story.at(story.seconds + seconds);
    for (const id of by.people) attack.tries({ type, run: "run-1", ask, reason: "nobody answers" }, byPerson(id));
  }
  for (const id of by.people) attack.tries({ type: "breakGlass", run: "run-1", ask, reason: null }, byPerson(id));
  for (const _step of CHANGING) attack.engine();
}

const who = fc.tuple(fc.nat(6), fc.nat(12));
const step = fc.constantFrom("check", "go", "backup", "fence", "drain", "cut", "promote", "none");
const role = fc.constantFrom(...ROLES);
const person = fc.constantFrom(...IDS);

/** Whatever can be asked of an incident and its run, but for asking for another run: its gates are its own. */
const asked: fc.Arbitrary<Move> = fc
  .tuple(who, fc.nat(3), step, role, person, fc.constantFrom(60, 900, 3600), fc.nat(14))
  .map(([[n, trick], back, step, role, person, seconds, what]) => (attack) => {
    const ask = attack.asks.at(-1 - (back % attack.asks.length)) ?? "made-up";
    const about = { run: "run-1", ask };
    const reason = "so be it";
    const commands: readonly IncidentCommand[] = [
      { type: "approve", ...about },
      { type: "approve", ...about },
      { type: "delegate", role, to: person, seconds, reason },
      { type: "delegate", role, to: attack.by.people[back % attack.by.people.length] ?? "", seconds, reason },
      { type: "endDelegation", role, to: person },
      { type: "assignRole", role, person: attack.by.people[n % attack.by.people.length] ?? "", note: null },
      { type: "breakGlass", ...about, reason },
      { type: "breakGlass", ...about, reason: null },
      { type: "confirmBreak", ...about },
      { type: "review", ...about, finding: "fine" },
      { type: "escalate", ...about, why: reason },
      { type: "skipStep", run: "run-1", step, reason },
      { type: "retryStep", run: "run-1", step },
      { type: "confirmStep", run: "run-1", step, note: null },
      { type: back > 1 ? "pause" : "resume", run: "run-1", reason: null } as IncidentCommand,
    ];
    const command = commands[what];
    if (command) attack.tries(command, attack.actor(n, trick));
  });

const clock: fc.Arbitrary<Move> = fc.constantFrom(1, 119, 120, 300, 899, 900).map((seconds) => ({ story }) => {
  story.at(story.seconds + seconds);
});
const looking: fc.Arbitrary<Move> = fc.constantFrom("facts-1", "facts-2").map((factsHash) => ({ story }) => {
  if (story.run().ending === null) story.preflighted({ factsHash });
});
const straight: fc.Arbitrary<Move> = fc.constantFrom(0, 60, 301).map((seconds) => (attack) => openly(attack, seconds));
/** Each of them tries to take the next step out. */
const cutting: fc.Arbitrary<Move> = fc.constant((attack) => {
  const step = CHANGING.find((one) => attack.story.status(one) === "waiting") ?? "none";
  for (const id of attack.by.people)
    attack.tries({ type: "skipStep", run: "run-1", step, reason: "in a hurry" }, byPerson(id));
});
const engine: fc.Arbitrary<Move> = fc.constant((attack) => attack.engine());

const coalition: fc.Arbitrary<Coalition> = fc
  .tuple(
    fc.shuffledSubarray(IDS, { minLength: 1, maxLength: 4 }),
    fc.constantFrom("all", "all", "none", "some"),
    fc.nat(15),
  )
  .map(([people, which, mask]) => {
    const some = people.filter((_, n) => (mask >> n) % 2 === 1);
    return { people, requester: people[0] ?? "", devices: which === "all" ? people : which === "none" ? [] : some };
  });
const moves = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: asked },
    { weight: 2, arbitrary: engine },
    { weight: 1, arbitrary: clock },
    { weight: 1, arbitrary: looking },
    { weight: 3, arbitrary: straight },
    { weight: 1, arbitrary: cutting },
  ),
  { minLength: 10, maxLength: 50, size: "max" },
);

test("nothing starts that the accounts an attacker holds could not decide openly", () => {
  const seen = { votes: 0, breakGlass: 0, none: 0, refused: 0 };
  fc.assert(
    fc.property(coalition, moves, (by, moves) => {
      const attack = new Attack(by);
      for (const move of moves) move(attack);
      attack.engine();
      const beyond = (gates: readonly string[]) => gates.find((one) => right(one, by) === null) ?? null;
      for (const one of attack.started) {
        const stands = one === "promote" ? GATES : (["go"] as const);
        expect([one, beyond(stands)]).toEqual([one, null]);
        seen[right(stands.at(-1) ?? "go", by) ?? "none"]++;
      }
      if (right("go", by) === null) seen.none++;
      seen.refused += attack.refused;
    }),
    { numRuns: 1_000 },
  );
  // The coalitions that could did, and there were enough that could not.
  expect(Math.min(seen.votes, seen.breakGlass, seen.none)).toBeGreaterThan(8);
  expect(seen.refused).toBeGreaterThan(1_000);
}, 120_000);

// No gate of this plan is one person's to decide: the one who changes what it covers, the others are asked again.
test("what honest people approved is what starts: no one takes a step out of it behind their backs", () => {
  const seen = { started: 0, skipped: 0, voided: 0 };
  fc.assert(
    fc.property(coalition, moves, (by, moves) => {
      const attack = new Attack(by);
      const honest = IDS.filter((id) => !by.people.includes(id));
      const { story } = attack;
      for (const move of moves) {
        const asked = attack.asks.length;
        move(attack);
        // They approve what they were just shown, at once, and look away.
        if (attack.asks.length > asked)
          for (const id of honest) story.approve(byPerson(id), attack.asks.at(-1), { provedAfresh: true });
      }
      const skips = story.log.filter(({ type }) => type === "step.skipped");
      for (const skip of skips) {
        const { step } = skip.data as { step: string };
        const gate = coveredBy(step);
        if (gate === null) continue;
        const opened = story.log.findLast(
          ({ type, data, version }) =>
            type === "gate.opened" && version < skip.version && (data as { step: string }).step === gate,
        );
        if (!opened) continue;
        seen.skipped++;
        const { ask } = opened.data as { ask: string };
        const later = story.log.filter(({ version }) => version > skip.version);
        const voided = story.log.some(
          ({ type, data }) => type === "gate.voided" && (data as { ask: string }).ask === ask,
        );
        if (voided) seen.voided++;
        const askedAgain = later.findIndex(
          ({ type, data }) => type === "gate.opened" && (data as { step: string }).step === gate,
        );
        const started = later.findIndex(
          ({ type, data }) => type === "step.started" && coveredBy((data as { step: string }).step) === gate,
        );
        expect({ skip: step, startedUnasked: started >= 0 && (askedAgain < 0 || started < askedAgain) }).toEqual({
          skip: step,
          startedUnasked: false,
        });
      }
      seen.started += attack.started.size;
    }),
    { numRuns: 1_000 },
  );
  expect(Math.min(seen.started, seen.skipped, seen.voided)).toBeGreaterThan(30);
}, 120_000);

/** The last gate before a step. */
function coveredBy(step: string): string | null {
  const steps = PLAN.stages.flatMap((stage) => stage.steps);
  const before = steps.slice(
    0,
    Math.max(
      0,
      steps.findIndex(({ id }) => id === step),
    ),
  );
  return before.findLast(({ kind }) => kind === "gate")?.id ?? null;
}

test.each<[string, Event["type"]]>([["a person off the roster", "incident.declared"]])(
  "what %s asks for leaves nothing but a refusal",
  (_who, declared) => {
    const story = IncidentScenario.asking(PLAN);
    const before = story.log.length;
    const stranger: Actor = { kind: "person", person: null, slackUser: "U_NEW", name: "Vera", door: "slack" };
    for (const type of ["approve", "deny", "escalate", "breakGlass", "confirmBreak"] as const)
      story.asks(stranger, { type, run: "run-1", ask: "ask-1", reason: "now", why: null } as IncidentCommand);
    for (const type of ["pause", "resume", "abort", "retryStep", "skipStep", "confirmStep"] as const)
      story.asks(stranger, { type, run: "run-1", step: "go", reason: "now", note: null } as IncidentCommand);
    expect(story.types()).toContain(declared);
    for (const { type } of story.log.slice(before)) expect(type).toMatch(/refused|Refused/);
  },
);
