import { setTimeout as pause } from "node:timers/promises";
import type { Plan, PlanStep } from "../../src/catalog/types.ts";
import { newId } from "../../src/lib/ids.ts";
import type { Store } from "../../src/timeline/index.ts";
import { EngineScenario, go, planOf } from "../support/engine-harness.ts";

/** A run that takes longer counts as one that does not end. */
const PATIENCE_MS = 45_000;

/** A run that was requested and stands at its gate; the clock has not begun. */
export interface AtGate {
  readonly run: string;
  /** The commander says yes. Resolves when that is recorded. */
  approve(): Promise<void>;
  /** Milliseconds from the recorded approval to the recorded end, by the timeline's own clock. */
  verified(): Promise<number>;
}

export function gated(stages: readonly (readonly PlanStep[])[], parallel = false): Plan {
  const plan = planOf([[go()], ...stages]);
  return { ...plan, stages: plan.stages.map((stage, i) => ({ ...stage, parallel: parallel && i > 0 })) };
}

export async function atGate(store: Store, plan: Plan): Promise<AtGate> {
  const run = newId("run");
  const scenario = new EngineScenario(store, newId("inc"));
  await scenario.requested(plan, run);
  await scenario.untilApprovalRequested("go", run);
  const { ask } = await scenario.gate("go", run);
  return {
    run,
    async approve() {
      const outcome = await scenario.asks("bo", { type: "approve", run, ask });
      if (outcome.kind !== "accepted") throw new Error(`Refused: ${JSON.stringify(outcome.problem)}`);
    },
    async verified() {
      // A light look: who waits here must not be what is measured.
      const end = performance.now() + PATIENCE_MS;
      while (!(await isDone(store, run))) {
        if (performance.now() > end)
          throw new Error(`No end after ${PATIENCE_MS / 1000} s:\n${await scenario.print()}`);
        await pause(40);
      }
      const events = await store.timeline.read(scenario.stream);
      const approved = events.find(({ type }) => type === "gate.approved");
      const verified = events.find(({ type }) => type === "run.verified");
      if (!approved || !verified) throw new Error(`It did not end well:\n${await scenario.print()}`);
      return verified.at.getTime() - approved.at.getTime();
    },
  };
}

async function isDone(store: Store, run: string): Promise<boolean> {
  const { rows } = await store.pool.query<{ done: boolean }>("select done from lifeboat.run where id = $1", [run]);
  return rows[0]?.done ?? false;
}

/** From the approval to the end of one run of the plan. */
export async function runOf(store: Store, plan: Plan): Promise<number> {
  const waiting = await atGate(store, plan);
  await waiting.approve();
  return waiting.verified();
}
