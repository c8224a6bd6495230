import type { Action, ApplyContext, Check, Evidences, Fact, ReadContext } from "../actions/contract.ts";
import type { Touch } from "../catalog/drill.ts";
import type { ActionStep, Plan } from "../catalog/types.ts";
import { withDeadline } from "../lib/deadline.ts";
import { LifeboatError, messageOf, type Problem } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";

/** What actions are given of this process, whatever step they perform. */
export interface Surroundings {
  readonly actions: ReadonlyMap<string, Action>;
  readonly log: Logger;
  readonly practice: boolean;
  readonly secret: (name: string) => string;
  /** Why a run of this plan may not touch this; null: it may. */
  readonly drillLimits: (plan: Plan, touch: Touch) => string | null;
  readonly observeSeconds: number;
  readonly scriptUser?: ApplyContext["scriptUser"];
}

/** A step with the action that performs it and its input as the action reads it. */
export interface Job {
  readonly plan: Plan;
  readonly step: ActionStep;
  readonly action: Action;
  readonly input: unknown;
}

/** Binds a step of a stored plan to today's action; a version may have changed in the middle of a run. */
export function jobOf(step: ActionStep, actions: ReadonlyMap<string, Action>, plan: Plan): Job {
  const action = actions.get(step.action);
  if (!action) {
    throw new LifeboatError({
      code: "action-unknown",
      where: step.title,
      what: `This version knows no action "${step.action}"`,
      next: "Run the version the plan was made with, or abort and replan.",
    });
  }
  const parsed = action.input.safeParse(step.input);
  if (!parsed.success) {
    throw new LifeboatError({
      code: "input-refused",
      where: step.title,
      what: `"${step.action}" no longer accepts its input: ${parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")}`,
      next: "Run the version the plan was made with, or abort and replan.",
    });
  }
  return { plan, step, action, input: parsed.data };
}

/** Looks at a step's target once, within its deadline. */
export async function observe(
  job: Job,
  around: Surroundings,
  evidences: Evidences,
  parent?: AbortSignal,
): Promise<unknown> {
  await job.action.load?.();
  const seconds = Math.min(around.observeSeconds, job.step.budget.failSeconds);
  return await withDeadline(
    `Looking at "${job.step.title}"`,
    seconds,
    (signal) => job.action.observe(readContext(job, around, evidences, signal), job.input),
    parent,
  );
}

export function readContext(job: Job, around: Surroundings, evidences: Evidences, signal: AbortSignal): ReadContext {
  return {
    ...kindOf(job.plan, around),
    evidenceOf: (step) => evidences.evidenceOf(step),
    signal,
    log: around.log.child({ step: job.step.id, action: job.action.id }),
    practice: around.practice,
  };
}

/** In a drill environment production's secrets are not at hand: each has its own, `DRILL_` and the name. */
export function kindOf(
  plan: Plan,
  { drillLimits, secret }: Pick<Surroundings, "drillLimits" | "secret">,
): Pick<ReadContext, "kind" | "drill" | "secret"> {
  if (plan.kind === "real") return { kind: "real", secret };
  const own = plan.drill?.on === "environment";
  return {
    kind: "drill",
    drill: (touch) => drillLimits(plan, touch),
    secret: own ? (name) => secret(`DRILL_${name}`) : secret,
  };
}

export function applyContext(
  read: ReadContext,
  job: Job,
  { scriptUser }: Pick<Surroundings, "scriptUser">,
  says: Pick<ApplyContext, "progress" | "launched">,
): ApplyContext {
  return { ...read, budget: job.step.budget, ...says, ...(scriptUser && { scriptUser }) };
}

/** The state a target is in, for the end of every sentence about a failure. */
export function sayState(job: Job, seen: unknown): string {
  const facts = job.action.facts(seen, job.input);
  if (facts.length === 0) return `"${job.step.title}" was checked again; nothing to report.`;
  return `Now: ${facts.map((fact) => `${fact.label}: ${sayValue(fact.value)}`).join("; ")}.`;
}

function sayValue(value: Fact["value"]): string {
  if (value === null) return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}

/** The problem of whatever was thrown; `stateNow` is always there. */
export function problemOf(error: unknown, fallback: { code: string; where: string }, stateNow: string): Problem {
  if (error instanceof LifeboatError) {
    return { where: fallback.where, ...error.problem, stateNow: error.problem.stateNow ?? stateNow };
  }
  return { code: fallback.code, where: fallback.where, what: messageOf(error), stateNow };
}

export function blocking(checks: readonly Check[]): readonly Check[] {
  return checks.filter((check) => check.level === "block" && !check.ok);
}
