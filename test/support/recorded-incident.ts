import type { Plan, System } from "../../src/catalog/types.ts";
import type { IncidentCommand } from "../../src/incident/commands.ts";
import { decide } from "../../src/incident/decide.ts";
import type { Actor, Event, NewEvent } from "../../src/incident/events.ts";
import { blankIncident, evolveStrictly, type LogEvent } from "../../src/incident/evolve.ts";
import { openGate } from "../../src/incident/gates.ts";
import type { IncidentState } from "../../src/incident/state.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import { worded } from "../../templates/messages/refused.ts";

type Requested = Partial<
  Pick<Extract<IncidentCommand, { type: "requestRun" }>, "run" | "dryRun" | "moves" | "again" | "moved" | "failsBack">
>;

/** An incident told step by step by the real `decide` and `evolve`: what a test says happened could have happened. */
export class RecordedIncident {
  readonly events: (LogEvent & { hash: string })[] = [];
  readonly plans = new Map<string, Plan>();
  state: IncidentState;
  now = new Date("2026-11-21T02:44:00Z");
  readonly #system: System;

  constructor(system: System, id = "inc-7k2m9xqz") {
    this.#system = system;
    this.state = blankIncident(id);
  }

  /** Lets time pass, in seconds. */
  after(seconds: number): this {
    this.now = new Date(this.now.getTime() + seconds * 1000);
    return this;
  }

  /** What a person asks. Refusals are recorded too, as they are for real. */
  ask(person: string, command: IncidentCommand): this {
    if (command.type === "requestRun") this.plans.set(command.planHash, command.plan);
    const context = {
      now: this.now,
      actor: this.actor(person),
      blocked: null,
      system: this.#system,
      key: `request-${this.events.length + 1}`,
    };
    return this.#write(worded(decide(command, this.state, context)).events);
  }

  request(person: string, plan: Plan, more: Requested = {}): this {
    const { run = "run-4hx8w2pd", dryRun = false, ...rest } = more;
    const { mode } = plan;
    return this.ask(person, {
      type: "requestRun",
      ...{ run, plan, planHash: hashOf(plan), mode, dryRun, announceIn: null, ...rest },
    });
  }

  /** What the engine records. */
  engine(event: Event, run: string | null = "run-4hx8w2pd"): this {
    return this.#write([
      { ...event, key: `engine-${this.events.length + 1}`, run, actor: { kind: "bot" } } as NewEvent,
    ]);
  }

  /** A step from start to evidence, taking this many seconds. */
  step(
    step: string,
    seconds: number,
    says: string,
    rpo: { subject: string; seconds: number; rows: number; method: string } | null = null,
  ) {
    const attempt = (this.state.runs.get("run-4hx8w2pd")?.steps.get(step)?.attempts ?? 0) + 1;
    this.engine({ type: "step.started", data: { step, attempt, epoch: "1" } });
    this.after(seconds);
    return this.engine({ type: "step.verified", data: { step, attempt, says, facts: [], rpo, seconds } });
  }

  open(step: string, ask: string): this {
    const run = this.state.runs.get("run-4hx8w2pd");
    if (!run) throw new Error("There is no run yet.");
    return this.#write([openGate(run, step, { ask, now: this.now, key: ask, system: this.#system })]);
  }

  actor(person: string): Actor {
    const found = this.#system.people.find(({ id }) => id === person);
    const slackUser = found?.slack[0] ?? null;
    return { kind: "person", person: found ? person : null, slackUser, name: found?.name ?? person, door: "slack" };
  }

  #write(events: readonly NewEvent[]): this {
    for (const event of events) {
      const version = this.state.version + 1;
      const logged = { ...event, run: event.run ?? null, version, at: this.now, hash: hashOf([version]) };
      this.state = evolveStrictly(this.state, logged, this.plans);
      this.events.push(logged);
    }
    return this;
  }
}
