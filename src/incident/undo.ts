import type { ActionStep, GateStep, Plan, PlanStep, WayBack } from "../catalog/types.ts";
import { hashOf } from "../lib/canonical.ts";
import { askedTogether, changesThings, gatesBefore, stepsBefore, stepsInOrder } from "./order.ts";
import type { Refusal } from "./refusal.ts";
import { serviceOf } from "./service.ts";
import type { IncidentState, RunState, StepState } from "./state.ts";

/**
 * Whether a step of a plan can be taken back, by its action's own word. Null: it changes nothing by itself, or its plan
 * is one of 0.1, where no one asked its action.
 */
export function wayBackOf(step: PlanStep): WayBack | null {
  if (step.kind === "manual") return { kind: "by-hand", says: "It was done by hand." };
  if (!changesThings(step)) return null;
  if (step.undo !== undefined) return step.undo;
  return step.risk === "irreversible" ? { kind: "never", says: "What was there before is gone." } : null;
}

/** A step that changed something, or may have, and no one has taken back. */
export interface Changed {
  readonly step: StepState & { readonly step: ActionStep };
  /** What was there before its first attempt. */
  readonly before: unknown;
  readonly way: WayBack | null;
}

/** Steps of a run that changed something and still stand, in the order in which they are taken back: the last one first. */
export function changedSteps(state: IncidentState, run: RunState): readonly Changed[] {
  if (run.dryRun) return [];
  return stepsInOrder(run.plan)
    .toReversed()
    .flatMap(({ step }): Changed[] => {
      const found = run.steps.get(step.id);
      if (found?.origin === undefined || !changesThings(step)) return [];
      if (undoneBy(state, run.id, step.id) !== null) return [];
      return [{ step: { ...found, step }, before: found.origin.before, way: wayBackOf(step) }];
    });
}

/** What of a run is undone first where no step is named: what left nothing behind is nothing to undo. Null: nothing stands. */
export function firstToUndo(state: IncidentState, run: RunState): Changed | null {
  return changedSteps(state, run).find(({ way }) => way?.kind !== "nothing") ?? null;
}

/** The run that took this step back; null: none did, or that was taken back itself. */
export function undoneBy(state: IncidentState, run: string, step: string): RunState | null {
  for (const other of state.runs.values()) {
    const { undoes } = other.plan;
    if (other.dryRun || undoes?.run !== run || undoes.step !== step) continue;
    const undo = [...other.steps.values()].find((one) => one.step.kind === "action");
    if (undo?.status !== "done" || undoneBy(state, other.id, undo.step.id) !== null) continue;
    return other;
  }
  return null;
}

/** The approval that let a step happen: the nearest gate before it that was asked, and those that were asked together with it. */
export function coveringGates(run: RunState, step: string): readonly GateStep[] {
  const gates = gatesBefore(run.plan, step);
  const nearest = gates.findLast(({ id }) => run.steps.get(id)?.status === "gate") ?? gates.at(-1);
  if (nearest === undefined) return [];
  const together = new Set([nearest, ...askedTogether(run.plan, nearest.id)].map(({ id }) => id));
  return gates.filter(({ id }) => together.has(id));
}

/** What came after a step of its run and only people can take back: what they did by hand, and what an action leaves to them. */
export function byHandAfter(
  state: IncidentState,
  run: RunState,
  step: string,
): readonly { title: string; says: string }[] {
  const manual = stepsInOrder(run.plan)
    .toReversed()
    .filter(
      ({ step: { id, kind } }) => kind === "manual" && run.steps.get(id)?.status === "done" && isAfter(run, id, step),
    )
    .flatMap(({ step: one }) =>
      one.kind === "manual" ? [{ title: one.title, says: `What was done: ${one.instructions}` }] : [],
    );
  const left = changedSteps(state, run)
    .filter((one) => one.way?.kind === "by-hand" && isAfter(run, one.step.step.id, step))
    .map((one) => ({ title: one.step.step.title, says: one.way && "says" in one.way ? one.way.says : "" }));
  return [...manual, ...left];
}

/** Why a step can't be taken back now, or null. Whether the world still is as it left it is looked at when it starts. */
export function undoRefusal(state: IncidentState, runId: string, stepId: string): Refusal | null {
  const run = state.runs.get(runId);
  const step = run?.steps.get(stepId);
  if (run === undefined || step === undefined) return { code: "undo-unknown" };
  const where = step.step.title;
  if (run.ending === null) return { code: "undo-live", where, run: run.plan.title, runId: run.id };
  if (step.status === "running") return { code: "undo-running", where };
  if (!changesThings(step.step))
    return { code: "undo-nothing", where, because: step.step.kind === "manual" ? "manual" : "read-only" };
  const done = undoneBy(state, runId, stepId);
  if (done !== null) return { code: "undo-done", where, runId: done.id };
  const live = [...state.runs.values()].find(
    (other) => other.ending === null && other.plan.undoes?.run === runId && other.plan.undoes.step === stepId,
  );
  if (live !== undefined) return { code: "undo-under-way", where, runId: live.id };
  if (step.origin === undefined) return { code: "undo-nothing", where, because: "unchanged" };
  return promotedBefore(state, run, stepId) ?? builtUpon(state, run, stepId);
}

/**
 * Where a server was promoted before it and stays so, what brought users there isn't taken back alone: they would be led to a
 * server that is fenced, or find nothing running. Null: it isn't so.
 */
export function promotedBefore(state: IncidentState, run: RunState, stepId: string): Refusal | null {
  const step = run.steps.get(stepId)?.step;
  if (step?.kind !== "action" || !bringsUsers(step)) return null;
  const promoted = changedSteps(state, run).find(
    ({ step: one, way }) => one.step.promotes && way?.kind === "never" && isAfter(run, stepId, one.step.id),
  );
  if (promoted === undefined) return null;
  const failback = run.moves !== undefined && run.ending?.as === "verified" ? run.id : null;
  return { code: "undo-past", where: step.title, earlier: promoted.step.step.title, failback };
}

/** What users are served by afterwards. A fence and its end are not: who may write is looked at when they are taken back. */
function bringsUsers(step: ActionStep): boolean {
  return step.leads === true || (step.opens !== true && serviceOf(step) === "restores");
}

/** Steps are taken back in reverse order: what was built on this one, and has to be undone first; null: nothing. */
export function builtUpon(state: IncidentState, run: RunState, stepId: string): Refusal | null {
  const where = run.steps.get(stepId)?.step.title ?? stepId;
  const later = changedSteps(state, run).filter(({ step, way }) => isAfter(run, step.step.id, stepId) && isBuilt(way));
  const [first] = later;
  const never = later.find(({ way }) => way?.kind === "never");
  if (never !== undefined) return { code: "undo-behind", where, later: never.step.step.title };
  if (first === undefined) return null;
  const { title, id } = first.step.step;
  return { code: "undo-order", where, later: { title, id, runId: run.id, otherRun: null, never: null } };
}

/** Something could depend on it: it is not of a kind that leaves nothing, and not one people take back in the same plan. */
function isBuilt(way: WayBack | null): boolean {
  return way === null || way.kind === "step" || way.kind === "never";
}

/**
 * Another run of the incident that changed the same target since, and was not taken back itself. Undos are left out: with what
 * they took back they come to nothing.
 */
export function changedSince(state: IncidentState, plan: Plan): Refusal | null {
  const { undoes } = plan;
  const own = undoes && state.runs.get(undoes.run);
  if (!undoes || !own?.endedAt) return null;
  for (const other of [...state.runs.values()].toReversed()) {
    if (other.id === own.id || other.requestedAt < own.requestedAt || other.plan.undoes !== undefined) continue;
    if (!other.plan.resources.some((resource) => plan.resources.includes(resource))) continue;
    const changed = changedSteps(state, other).find(({ way }) => isBuilt(way));
    if (changed === undefined) continue;
    const { step, way } = changed;
    const { title, id } = step.step;
    const never = way?.kind === "never" ? way.says : null;
    const later = { title, id, runId: other.id, otherRun: other.plan.title, never };
    return { code: "undo-order", where: plan.title, later };
  }
  return null;
}

/** The plan asks the same people that the step needed. */
export function asksTheSame(state: IncidentState, plan: Plan): boolean {
  const { undoes } = plan;
  const run = undoes && state.runs.get(undoes.run);
  const needed = run === undefined || undoes === undefined ? [] : coveringGates(run, undoes.step);
  const asked = stepsInOrder(plan).flatMap(({ step }) => (step.kind === "gate" ? [step.gate] : []));
  return needed.length > 0 && hashOf(asked) === hashOf(needed.map(({ gate }) => gate));
}

function isAfter(run: RunState, later: string, step: string): boolean {
  return stepsBefore(run.plan, later).some(({ id }) => id === step);
}
