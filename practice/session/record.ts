import { ONLY_LOOKS } from "../../src/catalog/plan.ts";
import type { Plan, PlanStep } from "../../src/catalog/types.ts";
import { fold } from "../../src/incident/evolve.ts";
import { isFence } from "../../src/incident/fences.ts";
import { failedOf, inFull } from "../../src/incident/findings.ts";
import { decodePlan } from "../../src/incidents/index.ts";
import { createLog } from "../../src/lib/log.ts";
import type { Timeline } from "../../src/timeline/contract.ts";
import { openStore } from "../../src/timeline/index.ts";
import type { Mark } from "./invariant.ts";
import { type RunReport, reportOfRun } from "./run-report.ts";

/** What the timeline says of one run. */
export interface RunRecord {
  readonly report: RunReport;
  /** Of its incident, and whether the chain of everything holds. */
  readonly timeline: { readonly events: number; readonly verified: boolean };
  /** What its newest preflight found wrong, each as "Details" has it. */
  readonly findings: readonly string[];
  /** What it did to servers that must not take writes. */
  readonly marks: readonly Mark[];
  /** False: no step of it was begun, so nothing was changed. */
  readonly begun: boolean;
  /** False: every action of its plan only looks, and what people do with their hands changes nothing of the system. */
  readonly changes: boolean;
}

/** Reads a run from the store in a bot's data folder, beside the bot; null: there is no such run. */
export async function recordOf(dataFolder: string, run: string): Promise<RunRecord | null> {
  const store = await openStore({ dataFolder, log: createLog("error"), openSeconds: 15 });
  try {
    return await recordIn(store.timeline, run);
  } finally {
    await store.close();
  }
}

/** The same from a store that is open. */
export async function recordIn(timeline: Timeline, run: string): Promise<RunRecord | null> {
  const stream = await timeline.streamOfRun(run);
  if (stream === null) return null;
  const events = await timeline.read(stream);
  const asked = [...new Set(events.flatMap((event) => (event.type === "run.requested" ? [event.run ?? ""] : [])))];
  const plans = new Map<string, Plan>();
  for (const id of asked) {
    const plan = await timeline.planOf(id);
    if (plan) plans.set(plan.planHash, decodePlan(plan.planBytes));
  }
  const state = fold(stream, events, plans);
  const found = state.runs.get(run);
  if (found === undefined) return null;
  const chain = await timeline.verify();
  const own = events.filter((event) => event.run === run);
  return {
    report: reportOfRun(state, found),
    timeline: { events: events.length, verified: chain.ok },
    findings: failedOf(found.preflight?.checks ?? []).map(inFull),
    marks: marksOf(found.plan, own),
    begun: own.some(({ type }) => type === "step.started"),
    changes: stepsOf(found.plan).some((step) => byHand(step, found.plan) || isChange(step)),
  };
}

interface Written {
  readonly type: string;
  readonly at: Date;
  readonly data: unknown;
}

/** A fence counts from when it was verified; what may open a server counts from when it began. */
export function marksOf(plan: Plan, events: readonly Written[]): readonly Mark[] {
  const steps = new Map(stepsOf(plan).map((step) => [step.id, step]));
  return events.flatMap(({ type, at, data }): Mark[] => {
    const step = steps.get((data as { step?: string }).step ?? "");
    if (step === undefined || !isChange(step)) return [];
    const does = isFence(step) ? "fence" : "open";
    if (type !== (does === "fence" ? "step.verified" : "step.started")) return [];
    const ports = portsIn(step.input);
    if (ports.length > 0) return [{ step: step.id, does, at: at.getTime(), ports }];
    // It may open a server that it names in another way than by its port.
    return step.opens === true ? [{ step: step.id, does, at: at.getTime(), ports: "all" }] : [];
  });
}

function stepsOf({ stages }: Plan): readonly PlanStep[] {
  return stages.flatMap(({ steps }) => steps);
}

function byHand(step: PlanStep, { target }: Plan): boolean {
  return step.kind === "manual" && target !== ONLY_LOOKS;
}

function isChange(step: PlanStep): step is Extract<PlanStep, { kind: "action" }> {
  return step.kind === "action" && step.risk !== "read";
}

/** Of the servers an input names, without the one something moves away from and the one a fence leaves the writes to. */
function portsIn(input: unknown): readonly number[] {
  if (Array.isArray(input)) return input.flatMap(portsIn);
  if (typeof input !== "object" || input === null) return [];
  return Object.entries(input).flatMap(([key, value]) => {
    if (key === "port" && typeof value === "number") return [value];
    return key === "from" || key === "peer" ? [] : portsIn(value);
  });
}
