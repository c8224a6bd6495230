import type { Plan, Undone } from "../../catalog/types.ts";
import { hashOf } from "../../lib/canonical.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { outlived, voids } from "../covered.ts";
import { againAfter, movedBefore, movedRecently, type RecentMove, verifiedMoves } from "../moves.ts";
import { uncoveredSteps } from "../order.ts";
import { personOf } from "../people.ts";
import { isOffered } from "../probation.ts";
import { isRefusal, type Refusal } from "../refusal.ts";
import { ASKED_MAX, askedBefore } from "../repeated.ts";
import type { IncidentState } from "../state.ts";
import { stateNow } from "../state-now.ts";
import { asksTheSame, changedSince, undoRefusal } from "../undo.ts";
import { liveRun, mayNotSteer, NO_INCIDENT, notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { clock, LIMITS, line } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** The requester is a person on the roster: who asked must be known, because they may not approve. */
export function requestRun(command: Of<"requestRun">, state: IncidentState, context: DecideContext): Outcome {
  const person = personOf(context.actor, context.system);
  const refusal =
    notOnRoster(context) ??
    mayGoOn(state) ??
    misfit(command, state) ??
    tooOften(command, state, context, person?.id) ??
    tooSoon(command, state, context);
  if (refusal !== null || person === null) return refuse(context, "run", refusal ?? NO_INCIDENT);
  const { plan, planHash, mode, dryRun, announceIn, moves } = command;
  const { runbook, title } = plan;
  const last = freshMove(command, state, context);
  const again = last && againAfter(last, command.again);
  const failsBack = command.failsBack ?? null;
  const data = {
    ...{ runbook, title, planHash, mode, dryRun, requester: person.id, announceIn },
    ...(moves && { moves }),
    ...(again && { again }),
    ...(failsBack !== null && { failsBack }),
    ...(command.ahead && { ahead: command.ahead }),
  };
  return accept(context, [{ type: "run.requested", data }], command.run);
}

/** Anyone on the roster may stop a run from going on. */
export function pause(command: Of<"pause">, state: IncidentState, context: DecideContext): Outcome {
  const refusal = notOnRoster(context);
  if (refusal !== null) return refuse(context, "pause", refusal);
  const run = liveRun(state, command.run);
  if (isRefusal(run)) return refuse(context, "pause", run);
  if (run.paused) return refuse(context, "pause", { code: "run-paused", run: run.title }, run.id);
  return accept(context, [{ type: "run.paused", data: { reason: line(command.reason, LIMITS.reason) } }], run.id);
}

export function resume(command: Of<"resume">, state: IncidentState, context: DecideContext): Outcome {
  const run = liveRun(state, command.run);
  if (isRefusal(run)) return refuse(context, "resume", run);
  const refusal = mayNotSteer(state, run, context);
  if (refusal !== null) return refuse(context, "resume", refusal, run.id);
  if (!run.paused && run.stuck === null)
    return refuse(context, "resume", { code: "run-not-paused", run: run.title }, run.id);
  const resumed = accept(context, [{ type: "run.resumed", data: {} }], run.id);
  if (run.heldSince === undefined) return resumed;
  const why = `The run was held since ${clock(run.heldSince)}, longer than the approval is valid`;
  return { ...resumed, events: [...resumed.events, ...voids(run, outlived(run, run.heldSince, context.now), why)] };
}

export function abort(command: Of<"abort">, state: IncidentState, context: DecideContext): Outcome {
  const run = liveRun(state, command.run);
  if (isRefusal(run)) return refuse(context, "abort", run);
  const missing = { code: "reason-missing", reason: { for: "abort", where: run.title } } as const;
  const reason = line(command.reason, LIMITS.reason);
  const refusal = mayNotSteer(state, run, context) ?? (reason === null ? missing : null);
  if (refusal !== null || reason === null) return refuse(context, "abort", refusal ?? missing, run.id);
  return accept(context, [{ type: "run.aborted", data: { reason, stateNow: stateNow(run) } }], run.id);
}

/** The same people are not asked the same thing without end. */
function tooOften(
  { plan, dryRun }: Of<"requestRun">,
  state: IncidentState,
  { now }: DecideContext,
  requester: string | undefined,
): Refusal | null {
  if (dryRun || requester === undefined) return null;
  if (askedBefore(state, { runbook: plan.runbook, requester, id: null }, now) < ASKED_MAX) return null;
  return { code: "asked-too-often", where: plan.title, what: "run", times: ASKED_MAX };
}

/** What was moved shortly before is moved again with a reason only; a dry run moves nothing. */
function tooSoon(command: Of<"requestRun">, state: IncidentState, context: DecideContext): Refusal | null {
  const last = freshMove(command, state, context);
  if (last === null || againAfter(last, command.again) !== null || isOffered(state, command)) return null;
  return movedRecently(last, command.plan.title, context.now);
}

function freshMove(
  { plan, dryRun, moves, moved = [] }: Of<"requestRun">,
  state: IncidentState,
  { now }: DecideContext,
): RecentMove | null {
  return dryRun || !moves ? null : movedBefore(plan, [...moved, ...verifiedMoves(state)], now);
}

/** What follows a resolved incident belongs to it, and maintenance goes on with its next run. */
function mayGoOn(state: IncidentState): Refusal | null {
  if (state.declared?.kind === "maintenance" || state.status === "resolved") return null;
  return notOpen(state);
}

/** Why this plan is not one for this incident, or null. */
function misfit(command: Of<"requestRun">, state: IncidentState): Refusal | null {
  const { plan, planHash, run, dryRun, mode } = command;
  const { declared } = state;
  if (declared === null) return NO_INCIDENT;
  if (state.runs.has(run)) return { code: "run-known", runId: run };
  if (hashOf(plan) !== planHash || plan.mode !== mode) return { code: "plan-hash" };
  if (plan.system !== declared.system)
    return { code: "plan-system", run: plan.title, system: plan.systemTitle, incidentSystem: declared.system };
  const incident = declared.kind === "drill" ? "drill" : "real";
  const kind = plan.kind === "drill" ? "drill" : "real";
  if (kind !== incident) return { code: "plan-kind", incident, plan: kind };
  if (kind === "drill" && plan.drill === undefined) return { code: "drill-nowhere", run: plan.title };
  const wrong = plan.undoes === undefined ? null : undoMisfit(plan.undoes, plan, state);
  if (wrong !== null) return wrong;
  const uncovered = uncoveredSteps(plan);
  if (uncovered.length > 0 && !dryRun) return { code: "plan-uncovered", steps: uncovered.map(({ title }) => title) };
  return null;
}

/** Decided where the run is written: of two who ask for the same undo, one is refused. */
function undoMisfit({ run, step }: Undone, plan: Plan, state: IncidentState): Refusal | null {
  const refused = undoRefusal(state, run, step) ?? changedSince(state, plan);
  if (refused !== null) return refused;
  return asksTheSame(state, plan) ? null : { code: "undo-gate", where: plan.title };
}
