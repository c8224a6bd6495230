import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Gate, Plan, PlanStep, System } from "../../src/catalog/types.ts";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import type { IncidentCommand } from "../../src/incident/commands.ts";
import { decide } from "../../src/incident/decide.ts";
import { fold } from "../../src/incident/evolve.ts";
import type { GateState, IncidentState, RunState, StepState } from "../../src/incident/state.ts";
import { canonicalBytes, hashOf } from "../../src/lib/canonical.ts";
import { newId } from "../../src/lib/ids.ts";
import type { Store } from "../../src/timeline/index.ts";
import { type Worded, worded } from "../../templates/messages/refused.ts";
import { byPerson, gate as gateStep, plan, SYSTEM } from "./incident-scenario.ts";
import { actions } from "./ledger-actions.ts";
import { quiet } from "./postgres.ts";

export const incident = "inc-1";

/** One line of a plan: `put("fence")`. The title is the id, the target a file of that name. */
export function ledgerStep(dir: string, verb: string, id: string, more: Partial<ActionLine> = {}): PlanStep {
  const action = actions.get(`folder.${verb}`);
  if (!action) throw new Error(`No action ${verb}`);
  const { needs, ...rest } = more;
  const input = { dir, name: id, ...(needs === undefined ? {} : { needs }) };
  const { risk, repeat, budget } = action;
  return {
    id,
    title: id,
    when: null,
    kind: "action",
    action: action.id,
    input,
    risk,
    repeat,
    budget,
    retries: 0,
    ...rest,
  };
}
type ActionLine = Extract<PlanStep, { kind: "action" }> & { needs: string };

export const go = (more: Partial<Gate> = {}): PlanStep => gateStep("go", more);
export const wait = (id: string, seconds: number): PlanStep => ({ id, title: id, when: null, kind: "wait", seconds });

export function planOf(stages: readonly (readonly PlanStep[])[], more: Partial<Plan> = {}): Plan {
  return plan(stages, { resources: [newId("res")], ...more });
}

export async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "lifeboat-deeds-"));
  await chmod(dir, 0o755);
  return dir;
}

export const away = (dir: string) => rm(dir, { recursive: true, force: true });

/** What the shell around commands does: one request, decided and written in one transaction. */
export async function requestsRun(
  store: Store,
  who: string,
  command: IncidentCommand,
  plans: ReadonlyMap<string, Plan>,
  stream = incident,
  system = SYSTEM,
): Promise<Worded> {
  const key = newId("req", 12);
  const decided = await store.timeline.decide(stream, (events, now) => {
    const state = fold(stream, events, plans);
    const context = { now, actor: byPerson(who, null, system), blocked: null, system, key };
    const outcome = worded(decide(command, state, context));
    const accepted = outcome.kind === "accepted" && command.type === "requestRun";
    return { events: outcome.events, value: outcome, ...(accepted ? { runs: [newRun(command)] } : {}) };
  });
  if (decided.kind !== "written") throw new Error(`Not written: ${decided.kind}`);
  return decided.value;
}

function newRun({ run, plan: of, planHash }: Extract<IncidentCommand, { type: "requestRun" }>) {
  return { id: run, planHash, planBytes: canonicalBytes(of), resources: of.resources };
}

/** One incident on a real store, and the people who talk to it. */
export class EngineScenario {
  readonly plans = new Map<string, Plan>();
  readonly store: Store;
  readonly stream: string;
  /** The roster as it is now. */
  system: () => System = () => SYSTEM;
  constructor(store: Store, stream = incident) {
    this.store = store;
    this.stream = stream;
  }

  asks(who: string, command: IncidentCommand): Promise<Worded> {
    return requestsRun(this.store, who, command, this.plans, this.stream, this.system());
  }

  async requested(of: Plan, run = "run-1", { dryRun = false, by = "ana" } = {}): Promise<void> {
    const planHash = hashOf(of);
    this.plans.set(planHash, of);
    const declare = { title: "It is down", system: "shop", severity: "P1", kind: "real" } as const;
    if ((await this.state()).declared === null)
      await this.asks("ana", { type: "declare", ...declare, impactStartedAt: null, announceIn: null });
    const asked = { type: "requestRun", run, plan: of, planHash, mode: of.mode, dryRun, announceIn: null } as const;
    const outcome = await this.asks(by, asked);
    if (outcome.kind !== "accepted") throw new Error(`Refused: ${JSON.stringify(outcome.problem)}`);
  }

  async state(): Promise<IncidentState> {
    return fold(this.stream, await this.store.timeline.read(this.stream), this.plans);
  }

  async run(id = "run-1"): Promise<RunState> {
    const run = (await this.state()).runs.get(id);
    if (!run) throw new Error(`No run ${id}`);
    return run;
  }

  async step(id: string, run = "run-1"): Promise<StepState> {
    const step = (await this.run(run)).steps.get(id);
    if (!step) throw new Error(`No step ${id}`);
    return step;
  }

  async gate(id = "go", run = "run-1"): Promise<GateState> {
    const step = await this.step(id, run);
    if (step.status !== "gate") throw new Error(`${id} is ${step.status}`);
    return step.gate;
  }

  /** Waits until the state is so; looks when the timeline changes, and every 50 ms. */
  async until(what: (run: RunState) => boolean, id = "run-1", seconds = 15): Promise<RunState> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const run = await this.run(id);
      if (what(run)) return run;
      if (performance.now() > end) throw new Error(`Not so after ${seconds} s: ${what}\n${await this.print()}`);
      await this.change(50);
    }
  }

  untilStep(step: string, status: StepState["status"], run = "run-1", seconds = 15): Promise<RunState> {
    return this.until((one) => one.steps.get(step)?.status === status, run, seconds);
  }

  untilApprovalRequested(step = "go", run = "run-1"): Promise<RunState> {
    return this.until((one) => {
      const state = one.steps.get(step);
      return state?.status === "gate" && state.gate.outcome === "open";
    }, run);
  }

  async approve(who = "bo", step = "go", run = "run-1"): Promise<void> {
    const { ask } = await this.gate(step, run);
    const outcome = await this.asks(who, { type: "approve", run, ask });
    if (outcome.kind !== "accepted") throw new Error(`Refused: ${JSON.stringify(outcome.problem)}`);
  }

  async types(run = "run-1"): Promise<readonly string[]> {
    const events = await this.store.timeline.read(this.stream);
    return events.filter((event) => event.run === run).map((event) => `${event.type}${stepOf(event.data)}`);
  }

  async print(): Promise<string> {
    const events = await this.store.timeline.read(this.stream);
    return events.map((event) => `${event.type} ${JSON.stringify(event.data)}`).join("\n");
  }

  private change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const unfollow = this.store.timeline.follow((stream) => stream === this.stream && over());
      const timer = setTimeout(over, ms);
      function over() {
        clearTimeout(timer);
        unfollow();
        resolve();
      }
    });
  }
}

function stepOf(data: unknown): string {
  const step = (data as { step?: unknown }).step;
  return typeof step === "string" ? ` ${step}` : "";
}

export function engineOn(store: Store, more: Partial<EnginePorts> = {}): Engine {
  return createEngine({
    timeline: store.timeline,
    leases: store.leases,
    actions,
    systems: new Map([[SYSTEM.id, SYSTEM]]),
    accountStatus: { check: async () => null },
    // The plans of these tests are of no catalogue.
    conformance: () => ({ gates: new Map(), differences: [] }),
    log: quiet,
    practice: true,
    drillLimits: () => null,
    secret: (name) => {
      throw new Error(`No secret ${name}`);
    },
    ...more,
  });
}
