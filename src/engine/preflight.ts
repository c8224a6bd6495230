import { type Check, isWaitedFor } from "../actions/contract.ts";
import type { ActionStep, Plan, PlanStep } from "../catalog/types.ts";
import type { Preflight, ShownCheck, ShownFact } from "../incident/events.ts";
import { unbegun } from "../incident/evolve/run.ts";
import type { RunState, StepState } from "../incident/state.ts";
import { hashOf } from "../lib/canonical.ts";
import { messageOf } from "../lib/errors.ts";
import { evidencesOf } from "./evidence.ts";
import { type Job, jobOf, observe, type Surroundings } from "./look.ts";
import { stillUnchanged } from "./unchanged.ts";

/** What a look ahead needs of a run, and of the one it takes back a step of. */
type Ahead = Pick<RunState, "plan" | "steps"> & { readonly undone?: RunState | null };

/** The preflight of a plan of which nothing has begun, without a run: what a request for it would be shown now. */
export function lookAtPlan(plan: Plan, around: Surroundings, signal?: AbortSignal): Promise<Preflight> {
  return lookAhead({ plan, steps: unbegun(plan) }, around, signal);
}

/**
 * Looks at the target of every step that is still to come, all at once, and changes nothing. Never rejects for what it
 * finds: a target that can't be looked at is a failed check.
 *
 * A failed check that an earlier step of this run can still make true (`madeSoBy`) can't be answered yet, so it is left out
 * here; it counts when the step itself starts. Where no such step is to come, it counts at once: no one is asked to approve
 * what would stop at that step, with what comes before it done.
 */
export async function lookAhead(run: Ahead, around: Surroundings, signal?: AbortSignal): Promise<Preflight> {
  const ahead = [...run.steps.values()].filter(isAhead);
  // All of them first: a look that waits while another's libraries load would find its own target silent.
  for (const { step } of ahead) await around.actions.get((step as ActionStep).action)?.load?.();
  const looks = await Promise.all(ahead.map((state) => look(state.step as ActionStep, run, around, signal)));
  const facts = looks.flatMap((seen) => seen.facts);
  const checks = looks.flatMap((seen) => seen.checks);
  return {
    ready: checks.every((check) => check.ok || check.level === "warn"),
    factsHash: factsHashOf(facts),
    facts,
    checks,
    loss: lossOf(run.plan.givesUp ?? [], looks),
  };
}

/**
 * What was shown, brought up to date: steps looked at again show what they show now, steps that are settled since stay as
 * they were shown, so that an approval is not void because what it allowed has begun.
 */
export function renewed(shown: Preflight, fresh: Preflight, run: RunState): Preflight {
  const ahead = new Set([...run.steps.values()].filter(isAhead).map((state) => state.step.id));
  const facts = [...shown.facts.filter((fact) => !ahead.has(fact.step)), ...fresh.facts];
  return { ...fresh, facts, factsHash: factsHashOf(facts) };
}

/** What an approval binds to beside the plan: the material facts, in an order of their own. */
export function factsHashOf(facts: readonly ShownFact[]): string {
  const material = facts
    .filter((fact) => fact.material)
    .map(({ step, id, value }) => ({ step, id, value }))
    .sort((a, b) => compare(a.step, b.step) || compare(a.id, b.id));
  return hashOf(material);
}

/** Which material facts of `shown` are not so any more, as sentences' ends: `primary reachable: yes, now no`. */
export function changesBetween(shown: readonly ShownFact[], now: readonly ShownFact[]): readonly string[] {
  const key = (fact: ShownFact) => `${fact.step}\n${fact.id}`;
  const before = new Map(shown.filter((fact) => fact.material).map((fact) => [key(fact), fact]));
  const after = new Map(now.filter((fact) => fact.material).map((fact) => [key(fact), fact]));
  const changes: string[] = [];
  for (const fact of new Map([...before, ...after]).values()) {
    const [was, is] = [before.get(key(fact)), after.get(key(fact))];
    if (was && is && was.value === is.value) continue;
    changes.push(`${fact.label}: ${was ? say(was.value) : "not seen"}, now ${is ? say(is.value) : "not visible"}`);
  }
  return changes;
}

interface Look {
  readonly step: ActionStep;
  readonly facts: readonly ShownFact[];
  readonly checks: readonly ShownCheck[];
}

function isAhead(state: StepState): boolean {
  return state.step.kind === "action" && isToCome(state);
}

function isToCome({ status }: StepState): boolean {
  return !["done", "skipped", "passedOver"].includes(status);
}

async function look(step: ActionStep, run: Ahead, around: Surroundings, signal?: AbortSignal): Promise<Look> {
  try {
    const job = jobOf(step, around.actions, run.plan);
    const evidences = evidencesOf(() => run);
    const seen = await observe(job, around, evidences, signal);
    const facts = job.action.facts(seen, job.input).map((fact) => ({ step: step.id, ...fact }));
    // What is back already needs nothing to be as it was left.
    const back = job.action.apply !== undefined && job.action.done(seen, job.input, null) === "yes";
    const stands = back ? null : await stillUnchanged(run.plan, step, around, run.undone ?? null, signal);
    const checks = [...job.action.ready(seen, job.input, evidences), ...(stands ? [stands] : [])];
    return { step, facts, checks: shownChecks(job, checks, before(step, run, around)) };
  } catch (error) {
    const says = `"${step.title}" couldn't be checked: ${messageOf(error)}`;
    return { step, facts: [], checks: [{ step: step.id, id: "observed", ok: false, level: levelFor(step), says }] };
  }
}

function shownChecks(job: Job, checks: readonly Check[], earlier: readonly Earlier[]): readonly ShownCheck[] {
  return checks
    .filter((check) => check.ok || check.level === "warn" || !earlier.some((one) => makesSo(one, check)))
    .map(({ madeSoBy: _, next, ...check }) => ({
      step: job.step.id,
      ...check,
      ...(next !== undefined && !check.ok && { next }),
      level: check.level === "block" ? levelFor(job.step) : check.level,
    }));
}

/** A step before another one that is still to come, and what it will change. */
interface Earlier {
  readonly id: string;
  readonly action: string | null;
  readonly resources: readonly string[];
}

function before(step: ActionStep, run: Ahead, around: Surroundings): readonly Earlier[] {
  const all = [...run.steps.values()];
  const index = all.findIndex((state) => state.step.id === step.id);
  return all
    .slice(0, index)
    .filter((state) => isToCome(state))
    .map(({ step }) => earlier(step, run, around));
}

function earlier(step: PlanStep, run: Ahead, around: Surroundings): Earlier {
  if (step.kind !== "action" || step.risk === "read") return { id: step.id, action: null, resources: [] };
  try {
    const { action, input } = jobOf(step, around.actions, run.plan);
    return { id: step.id, action: step.action, resources: action.resources(input) };
  } catch {
    // Its own look says what is wrong with it.
    return { id: step.id, action: step.action, resources: [] };
  }
}

function makesSo({ id, action, resources }: Earlier, { madeSoBy }: Check): boolean {
  if (madeSoBy === undefined) return false;
  return (
    (madeSoBy.steps?.includes(id) ?? false) ||
    (action !== null && (madeSoBy.actions?.includes(action) ?? false)) ||
    resources.some((one) => madeSoBy.resources?.includes(one) ?? false)
  );
}

/** A step with a condition may never run, so what is wrong with it warns; it blocks when the step itself starts. */
function levelFor(step: ActionStep): "block" | "warn" {
  return step.when === null ? "block" : "warn";
}

/**
 * What would be lost: what the runbook itself says it gives up, and the `loss` fact of each step that changes something. Where
 * no one says anything, a step that can't be undone, or of which no one knows what it does twice, makes it unknown.
 */
function lossOf(givesUp: readonly string[], looks: readonly Look[]): string {
  const changing = looks.filter(({ step }) => step.risk !== "read");
  const told = changing
    .flatMap(({ facts }) => facts.find(({ id }) => id === "loss") ?? [])
    .map((fact) => figureOf(fact, looks));
  const isTold = givesUp.length > 0 || told.length > 0;
  const untold = changing.filter(
    ({ step, facts }) =>
      !facts.some(({ id }) => id === "loss") &&
      (step.risk === "irreversible" ? givesUp.length === 0 : step.repeat === "destructive" && !isTold),
  );
  const unknown = untold.map(({ step, facts }) =>
    facts.length === 0 ? `unknown: "${step.title}" couldn't be checked` : `unknown: "${step.title}" does not say`,
  );
  const worth = [...new Set([...givesUp, ...told, ...unknown])].filter((loss) => !/^nothing(:|$)/.test(loss));
  return worth.length === 0 ? "nothing" : worth.join("; ");
}

/**
 * One figure for one thing: of the step that waits until nothing is lost, else of the first look in the plan that knows it of the same
 * data, also one that only reads.
 */
function figureOf(told: ShownFact, looks: readonly Look[]): string {
  const same = looks.flatMap(({ facts }) =>
    facts.filter(({ id, of }) => id === "loss" && of !== undefined && of === told.of),
  );
  const known =
    same.find(({ value }) => isWaitedFor(value)) ?? same.find(({ value }) => !String(value).startsWith("unknown"));
  return String((known ?? same[0] ?? told).value);
}

function say(value: ShownFact["value"]): string {
  if (value === null) return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
