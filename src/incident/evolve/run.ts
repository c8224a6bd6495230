import type { Condition, Plan, PlanStep } from "../../catalog/types.ts";
import { needsPeople } from "../ahead.ts";
import type { Recorded } from "../events.ts";
import type { RunState, StepState } from "../state.ts";
import { problemOf, statusOf } from "../status.ts";

export function startRun(
  id: string,
  event: Extract<Recorded, { type: "run.requested" }>,
  plans: ReadonlyMap<string, Plan>,
): RunState {
  const { runbook, title, planHash, mode, dryRun, requester, moves, again, failsBack, ahead } = event.data;
  const plan = plans.get(planHash) ?? closedPlan(event);
  return {
    id,
    runbook,
    title,
    plan,
    planHash,
    mode,
    dryRun,
    requester,
    requestedAt: event.at,
    ...(moves && { moves }),
    ...(again && { again }),
    ...(failsBack && { failsBack }),
    ...(ahead && { ahead }),
    preflight: null,
    status: "preflight",
    paused: false,
    ending: null,
    endedAt: null,
    stuck: null,
    problem: null,
    breaks: [],
    worked: [],
    workingSince: null,
    steps: unbegun(plan),
  };
}

/** The steps of a plan of which nothing has begun. */
export function unbegun({ stages }: Plan): ReadonlyMap<string, StepState> {
  return new Map(stages.flatMap((stage) => stage.steps.map((step) => [step.id, waiting(step, stage.id)])));
}

/** Everything about a run that follows from its steps: what is passed over, its status, its problem. */
export function judge(run: RunState): RunState {
  const settled = passOver(run);
  const judged = { ...settled, status: statusOf(settled), problem: problemOf(settled) };
  return judged.ahead && !judged.needed && needsPeople(judged) ? { ...judged, needed: true } : judged;
}

export function withStep(run: RunState, id: string, change: (step: StepState) => StepState): RunState {
  const step = run.steps.get(id);
  return step === undefined ? run : { ...run, steps: new Map(run.steps).set(id, change(step)) };
}

function waiting(step: PlanStep, stage: string): StepState {
  return { step, stage, attempts: 0, forgiven: 0, status: "waiting", before: null, askedAt: null };
}

/** In plan order, so that a step passed over can settle the conditions behind it. */
function passOver(run: RunState): RunState {
  let after = run;
  for (const step of run.steps.values())
    if (step.status === "waiting" && step.step.when !== null && isOff(after, step.step, step.step.when))
      after = withStep(after, step.step.id, ({ step, stage, attempts, forgiven, origin }) => ({
        ...{ step, stage, attempts, forgiven, ...(origin && { origin }) },
        status: "passedOver",
      }));
  return after;
}

/**
 * Is the condition known to be false? Where its evidence will never come (the step was skipped or passed over), work is
 * not done, but a gate is asked all the same: missing evidence never opens a way.
 */
function isOff(run: RunState, step: PlanStep, when: Condition): boolean {
  const evidence = run.steps.get(when.step);
  if (evidence?.status === "done")
    return !evidence.facts.some((fact) => fact.id === when.fact && fact.value === when.is);
  const neverComes = evidence === undefined || evidence.status === "skipped" || evidence.status === "passedOver";
  return neverComes && step.kind !== "gate";
}

/** Stands in for a plan whose bytes were not at hand: no steps, so nothing of it can start. */
function closedPlan({ data }: Extract<Recorded, { type: "run.requested" }>): Plan {
  return {
    format: 1,
    system: "",
    systemTitle: "",
    environment: "production",
    runbook: data.runbook,
    title: data.title,
    summary: "",
    component: null,
    mode: data.mode,
    kind: "real",
    target: "",
    resources: [],
    rtoSeconds: null,
    rpoSeconds: null,
    pointOfNoReturn: null,
    stages: [],
    afterwards: [],
  };
}
