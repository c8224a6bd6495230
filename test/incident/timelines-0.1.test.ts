import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { reportOfRun } from "../../practice/session/run-report.ts";
import { actions } from "../../src/actions/index.ts";
import type { ActionStep, Plan } from "../../src/catalog/types.ts";
import { jobOf } from "../../src/engine/look.ts";
import { next } from "../../src/engine/next.ts";
import { account } from "../../src/incident/accounting.ts";
import { evolveStrictly, fold, type LogEvent } from "../../src/incident/evolve.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import { orders } from "../support/orders-system.ts";
import { around } from "../support/surroundings.ts";

/**
 * Timelines and plans that version 0.1 wrote in practice: a planned failover, the rejoin after it and a region failover. What was
 * written then is read now, and a run that was in progress goes on.
 */
interface Kept {
  readonly stream: string;
  readonly events: readonly (Omit<LogEvent, "at"> & { readonly at: string })[];
  readonly plans: readonly { readonly run: string; readonly planHash: string; readonly plan: Plan }[];
}

const kept: readonly Kept[] = JSON.parse(
  readFileSync(join(projectRoot(), "test/incident/fixtures/timelines-0.1.json"), "utf8"),
);
const timelines = kept.map((one) => ({
  ...one,
  runbook: one.plans[0]?.plan.runbook ?? "",
  events: one.events.map((event) => ({ ...event, at: new Date(event.at) })) as unknown as LogEvent[],
  plans: new Map(one.plans.map(({ planHash, plan }) => [planHash, plan])),
}));

describe.each(timelines)("$runbook of 0.1", ({ stream, events, plans }) => {
  const until = (count: number) =>
    events.slice(0, count).reduce((state, event) => evolveStrictly(state, event, plans), fold(stream, [], plans));
  const whole = until(events.length);

  test("ends as it ended", () => {
    expect(whole.status).toBe("resolved");
    const runs = [...whole.runs.values()];
    expect(runs.map(({ ending }) => ending?.as)).toEqual(["verified"]);
    for (const run of runs) expect(reportOfRun(whole, run)).toMatchObject({ outcome: "verified" });
  });

  test("each of its moments can be shown, accounted for and gone on from", () => {
    for (let count = 1; count <= events.length; count++) {
      const state = until(count);
      const now = (events[count - 1] as LogEvent).at;
      const view = renderIncident(state, { ...around({ system: orders, now } as never), now });
      expect(JSON.stringify(view)).not.toMatch(/undefined|\[object Object\]/);
      for (const run of state.runs.values()) {
        const sums = account(state, run, now);
        if (sums !== null)
          expect(sums.phases.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(sums.totalSeconds, 3);
        expect(next(run, { epoch: "1", now }).intents.every(({ do: what }) => what.length > 0)).toBe(true);
      }
    }
  });

  test("every step of its plans is one that today's actions take", () => {
    for (const plan of plans.values()) {
      const steps = plan.stages.flatMap((stage) => stage.steps);
      const acting = steps.filter((step): step is ActionStep => step.kind === "action");
      expect(acting.length).toBeGreaterThan(0);
      for (const step of acting) expect(jobOf(step, actions, plan).action.id).toBe(step.action);
    }
  });
});
