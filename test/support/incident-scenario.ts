import type { Gate, Person, Plan, PlanStep, System } from "../../src/catalog/types.ts";
import { clocksDue } from "../../src/incident/clocks.ts";
import type { DecideContext, IncidentCommand } from "../../src/incident/commands.ts";
import { decide } from "../../src/incident/decide.ts";
import type { Actor, Event, NewEvent, Preflight, RecordKind } from "../../src/incident/events.ts";
import { evolveStrictly, fold, type LogEvent } from "../../src/incident/evolve.ts";
import { gateDue, openGate } from "../../src/incident/gates.ts";
import { type MayStart, mayStart, type StartContext } from "../../src/incident/start.ts";
import type { GateState, IncidentState, RunState } from "../../src/incident/state.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import { type Worded, worded } from "../../templates/messages/refused.ts";

/** Midnight of a bad night; every `at` in these tests is seconds after it. */
export const MIDNIGHT = new Date("2026-03-01T00:00:00.000Z").getTime();

const PEOPLE: readonly Person[] = [
  { id: "ana", name: "Ana", slack: ["U_ANA", "U_ANA_PHONE"], roles: ["on-call", "database-administrator"] },
  { id: "bo", name: "Bo", slack: ["U_BO"], roles: ["database-administrator"] },
  { id: "cy", name: "Cy", slack: ["U_CY"], roles: ["incident-commander", "database-administrator"] },
  { id: "vera", name: "Vera", slack: ["U_VERA"], roles: ["vp-engineering"] },
  { id: "duo", name: "Duo", slack: ["U_DUO", "U_DUO_2"], roles: ["database-administrator", "vp-engineering"] },
  { id: "tess", name: "Tess", slack: ["U_TESS"], roles: ["cto"] },
  { id: "oli", name: "Oli", slack: ["U_OLI"], roles: ["on-call", "comms-lead"] },
];

export const SYSTEM: System = {
  id: "shop",
  title: "Shop",
  environment: "production",
  sites: [],
  components: [],
  roles: [
    { id: "on-call", title: "On-call engineer", explains: "", perIncident: false },
    { id: "database-administrator", title: "Database administrator", explains: "", perIncident: false },
    { id: "vp-engineering", title: "VP Engineering", explains: "", perIncident: false },
    { id: "cto", title: "CTO", explains: "", perIncident: false },
    { id: "incident-commander", title: "Incident commander", explains: "", perIncident: true },
    { id: "comms-lead", title: "Comms lead", explains: "", perIncident: true },
    { id: "scribe", title: "Scribe", explains: "", perIncident: true },
  ],
  people: PEOPLE,
  severities: [
    { id: "P0", title: "Everything is down", respondWithinSeconds: 300 },
    { id: "P1", title: "Much is down", respondWithinSeconds: 900 },
    { id: "P2", title: "Something is down", respondWithinSeconds: 3600 },
  ],
  variables: [],
  scripts: [],
  breakGlass: {
    roles: ["on-call", "incident-commander"],
    secondPerson: true,
    aloneAfterSeconds: 300,
    lastsSeconds: 600,
    silentForSeconds: 0,
  },
};

/** The roster after a change to one person, or without them (`null`). */
export function rosterWith(id: string, change: Partial<Person> | null, system = SYSTEM): System {
  const people = system.people.flatMap((one) => (one.id !== id ? one : change === null ? [] : { ...one, ...change }));
  return { ...system, people };
}

export const GATE: Gate = {
  role: "database-administrator",
  quorum: 1,
  expiresSeconds: 900,
  escalate: [{ role: "vp-engineering", afterSeconds: 300 }],
  stepUp: false,
};

const BUDGET = { typicalSeconds: 1, warnSeconds: 5, failSeconds: 30 };

export function action(id: string, more: Partial<Extract<PlanStep, { kind: "action" }>> = {}): PlanStep {
  const base = { id, title: `Step ${id}`, when: null, kind: "action", action: `postgres.${id}`, input: {} } as const;
  return { ...base, risk: "reversible", repeat: "guarded", budget: BUDGET, retries: 0, ...more };
}

export function gate(id: string, more: Partial<Gate> = {}, when: PlanStep["when"] = null): PlanStep {
  return { id, title: `Gate ${id}`, when, kind: "gate", gate: { ...GATE, ...more } };
}

export function manual(id: string, role: string | null = null): PlanStep {
  return { id, title: `Manual ${id}`, when: null, kind: "manual", instructions: "Do it", role };
}

export function plan(stages: readonly (readonly PlanStep[])[], more: Partial<Plan> = {}): Plan {
  return {
    format: 1,
    system: "shop",
    systemTitle: "Shop",
    environment: "production",
    runbook: "shop.db-failover",
    title: "Failover of the database",
    summary: "",
    component: null,
    mode: "unplanned",
    kind: "real",
    target: "database: east to west",
    resources: ["postgres:orders"],
    rtoSeconds: 900,
    rpoSeconds: 60,
    pointOfNoReturn: "promote",
    stages: stages.map((steps, i) => ({ id: `stage-${i + 1}`, title: `Stage ${i + 1}`, parallel: false, steps })),
    afterwards: [],
    ...more,
  };
}

/** check, go ⛔, fence, promote, smoke, tell: the shape of most failovers. */
export function failover(more: Partial<Gate> = {}): Plan {
  return plan([
    [action("check", { risk: "read", repeat: "safe" })],
    [gate("go", more)],
    [action("fence"), action("promote", { risk: "irreversible" })],
    [action("smoke", { risk: "read", repeat: "safe", retries: 2 }), manual("tell", "comms-lead")],
  ]);
}

export const FACTS: Preflight = {
  ready: true,
  factsHash: "facts-1",
  facts: [],
  checks: [],
  loss: "about 3 s of writes",
};

export function byPerson(id: string, slackUser: string | null = null, system = SYSTEM): Actor {
  const person = system.people.find((one) => one.id === id);
  return {
    kind: "person",
    person: person?.id ?? null,
    slackUser: slackUser ?? person?.slack[0] ?? `U_${id}`,
    name: person?.name ?? id,
    door: "slack",
  };
}

/**
 * One incident under test. `given` what the log holds, `when` someone asks something, `then` events or a refusal. Every
 * event goes through the strict fold, so a test can't be built upon a log that could not be.
 */
export class IncidentScenario {
  readonly log: LogEvent[] = [];
  readonly plans = new Map<string, Plan>();
  system: System = SYSTEM;
  seconds = 0;
  state: IncidentState = fold("inc-1", [], new Map());
  #keys = 0;

  get now(): Date {
    return new Date(MIDNIGHT + this.seconds * 1000);
  }

  at(seconds: number): this {
    this.seconds = seconds;
    return this;
  }

  /** From now on the roster is this one. */
  roster(system: System): void {
    this.system = system;
  }

  run(id = "run-1"): RunState {
    const run = this.state.runs.get(id);
    if (run === undefined) throw new Error(`No run ${id}`);
    return run;
  }

  gateOf(step: string, run = "run-1"): GateState {
    const state = this.run(run).steps.get(step);
    if (state?.status !== "gate") throw new Error(`${step} is ${state?.status}`);
    return state.gate;
  }

  status(step: string, run = "run-1"): string | undefined {
    const state = this.run(run).steps.get(step);
    return state?.status === "gate" ? `gate ${state.gate.outcome}` : state?.status;
  }

  /** What the engine or the log says happened. */
  happened(event: Event, run: string | null = "run-1", actor: Actor = { kind: "bot" }): this {
    return this.write([{ ...event, key: `event-${++this.#keys}`, run, actor }]);
  }

  write(events: readonly NewEvent[]): this {
    for (const event of events) {
      if (this.log.some((one) => one.key === event.key)) continue;
      const recorded = { ...event, run: event.run ?? null, version: this.log.length + 1, at: this.now };
      this.state = evolveStrictly(this.state, recorded, this.plans);
      this.log.push(recorded);
    }
    return this;
  }

  context(who: string | Actor, more: Partial<DecideContext> = {}): DecideContext {
    const actor = typeof who === "string" ? byPerson(who, null, this.system) : who;
    return { now: this.now, actor, blocked: null, system: this.system, key: `request-${++this.#keys}`, ...more };
  }

  /** Someone asks; what comes of it is written, as the shell would. */
  asks(who: string | Actor, command: IncidentCommand, more: Partial<DecideContext> = {}): Worded {
    const outcome = worded(decide(command, this.state, this.context(who, more)));
    this.write(outcome.events);
    return outcome;
  }

  declared(kind: RecordKind = "real", impactStartedAt: Date | null = null): this {
    const announceIn = null;
    const title = "The database is down";
    this.asks("ana", { type: "declare", title, system: "shop", severity: "P1", kind, impactStartedAt, announceIn });
    return this;
  }

  requested(of: Plan = failover(), { run = "run-1", by = "ana", dryRun = false } = {}): this {
    const planHash = hashOf(of);
    this.plans.set(planHash, of);
    const mode = of.mode;
    this.asks(by, { type: "requestRun", run, plan: of, planHash, mode, dryRun, announceIn: null });
    return this;
  }

  preflighted(facts: Partial<Preflight> = {}, run = "run-1"): this {
    return this.happened({ type: "run.preflighted", data: { ...FACTS, ...facts } }, run);
  }

  done(step: string, run = "run-1", facts: { id: string; value: string | number | boolean }[] = []): this {
    const attempt = (this.run(run).steps.get(step)?.attempts ?? 0) + 1;
    if (this.status(step, run) !== "running") this.started(step, run);
    const shown = facts.map((fact) => ({ ...fact, step, label: fact.id, material: false }));
    const data = { step, attempt, says: `${step} is done`, facts: shown, rpo: null, seconds: 1 };
    return this.happened({ type: "step.verified", data }, run);
  }

  started(step: string, run = "run-1"): this {
    const attempt = (this.run(run).steps.get(step)?.attempts ?? 0) + 1;
    return this.happened({ type: "step.started", data: { step, attempt, epoch: "1" } }, run);
  }

  gateOpened(step = "go", ask = "ask-1", run = "run-1"): this {
    const key = `${ask}/opened`;
    return this.write([openGate(this.run(run), step, { ask, now: this.now, key, system: this.system })]);
  }

  /** Declared, requested by Ana, looked at, and asked: where most decisions begin. */
  static asking(of: Plan = failover()): IncidentScenario {
    return new IncidentScenario()
      .declared()
      .at(10)
      .requested(of)
      .at(20)
      .preflighted()
      .done("check")
      .at(60)
      .gateOpened();
  }

  approve(who: string | Actor, ask = "ask-1", more: Partial<DecideContext> = {}, run = "run-1"): Worded {
    return this.asks(who, { type: "approve", run, ask }, more);
  }

  deny(who: string | Actor, ask = "ask-1", more: Partial<DecideContext> = {}, run = "run-1"): Worded {
    return this.asks(who, { type: "deny", run, ask, reason: "not tonight" }, more);
  }

  startContext(more: Partial<StartContext> = {}, run = "run-1"): StartContext {
    const state = this.run(run);
    const accounts = new Map(this.system.people.map((person) => [person.id, null]));
    const factsHash = state.preflight?.factsHash ?? "";
    return { now: this.now, planHash: state.planHash, factsHash, system: this.system, accounts, ...more };
  }

  mayStart(step: string, more: Partial<StartContext> = {}, run = "run-1"): MayStart {
    return mayStart(this.state, this.run(run), step, this.startContext(more, run));
  }

  /** What the driver does: checks, and writes the start (or what the check found out) in one go. */
  starts(step: string, more: Partial<StartContext> = {}, run = "run-1"): MayStart {
    const may = this.mayStart(step, more, run);
    this.write(may.events);
    if (may.ok) this.started(step, run);
    return may;
  }

  timePasses(step = "go", run = "run-1"): this {
    return this.write(gateDue(this.run(run), step, this.now).events);
  }

  /** Every level of the chain has been asked. */
  silent(step = "go", run = "run-1"): this {
    const { ask, escalate, level } = this.gateOf(step, run);
    for (const [n, { role }] of escalate.entries())
      if (n >= level) this.happened({ type: "gate.escalated", data: { step, ask, level: n + 1, role } }, run);
    return this;
  }

  clockPasses(run = "run-1"): this {
    return this.write(clocksDue(this.run(run), this.now).events);
  }

  types(): readonly string[] {
    return this.log.map((event) => event.type);
  }
}

/** "accepted", or the code of the refusal. */
export function codeOf(outcome: Worded): string {
  return outcome.kind === "accepted" ? "accepted" : outcome.problem.code;
}

/** "ok", or the code of the refusal. */
export function startCode(may: MayStart): string {
  return may.ok ? "ok" : may.code;
}
