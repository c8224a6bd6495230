import type { Plan, Undone } from "../../catalog/types.ts";
import { hashOf } from "../../lib/canonical.ts";
import type { Problem } from "../../lib/errors.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { outlived, voids } from "../covered.ts";
import { uncoveredSteps } from "../order.ts";
import { allOf, personOf } from "../people.ts";
import { ASKED_MAX, askedBefore } from "../repeated.ts";
import type { IncidentState } from "../state.ts";
import { stateNow } from "../state-now.ts";
import { asksTheSame, changedSince, undoRefusal } from "../undo.ts";
import { isProblem, liveRun, mayNotSteer, notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { clock, LIMITS, line } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** The requester is a person on the roster: who asked must be known, because they may not approve. */
export function requestRun(command: Of<"requestRun">, state: IncidentState, context: DecideContext): Outcome {
  const person = personOf(context.actor, context.system);
  const problem =
    notOnRoster(context) ?? mayGoOn(state) ?? misfit(command, state) ?? tooOften(command, state, context, person?.id);
  if (problem !== null || person === null) return refuse(context, "run", problem ?? UNKNOWN);
  const { plan, planHash, mode, dryRun, announceIn } = command;
  const { runbook, title } = plan;
  const data = { runbook, title, planHash, mode, dryRun, requester: person.id, announceIn };
  return accept(context, [{ type: "run.requested", data }], command.run);
}

/** Anyone on the roster may stop a run from going on. */
export function pause(command: Of<"pause">, state: IncidentState, context: DecideContext): Outcome {
  const problem = notOnRoster(context);
  if (problem !== null) return refuse(context, "pause", problem);
  const run = liveRun(state, command.run);
  if (isProblem(run)) return refuse(context, "pause", run);
  if (run.paused)
    return refuse(
      context,
      "pause",
      { code: "run-paused", where: run.title, what: "The run is paused already" },
      run.id,
    );
  return accept(context, [{ type: "run.paused", data: { reason: line(command.reason, LIMITS.reason) } }], run.id);
}

export function resume(command: Of<"resume">, state: IncidentState, context: DecideContext): Outcome {
  const run = liveRun(state, command.run);
  if (isProblem(run)) return refuse(context, "resume", run);
  const problem = mayNotSteer(state, run, context);
  if (problem !== null) return refuse(context, "resume", problem, run.id);
  if (!run.paused && run.stuck === null)
    return refuse(
      context,
      "resume",
      { code: "run-not-paused", where: run.title, what: "The run is not paused" },
      run.id,
    );
  const resumed = accept(context, [{ type: "run.resumed", data: {} }], run.id);
  if (run.heldSince === undefined) return resumed;
  const why = `The run was held since ${clock(run.heldSince)}, longer than the approval is valid`;
  return { ...resumed, events: [...resumed.events, ...voids(run, outlived(run, run.heldSince, context.now), why)] };
}

export function abort(command: Of<"abort">, state: IncidentState, context: DecideContext): Outcome {
  const run = liveRun(state, command.run);
  if (isProblem(run)) return refuse(context, "abort", run);
  const problem = mayNotSteer(state, run, context);
  if (problem !== null) return refuse(context, "abort", problem, run.id);
  const reason = line(command.reason, LIMITS.reason);
  if (reason === null)
    return refuse(
      context,
      "abort",
      { code: "reason-missing", where: run.title, what: "Say why you abort it", next: "`/dr abort <why>`" },
      run.id,
    );
  return accept(context, [{ type: "run.aborted", data: { reason, stateNow: stateNow(run) } }], run.id);
}

/** The same people are not asked the same thing without end. */
function tooOften(
  { plan, dryRun }: Of<"requestRun">,
  state: IncidentState,
  { now }: DecideContext,
  requester: string | undefined,
): Problem | null {
  if (dryRun || requester === undefined) return null;
  if (askedBefore(state, { runbook: plan.runbook, requester, id: null }, now) < ASKED_MAX) return null;
  return {
    code: "asked-too-often",
    where: plan.title,
    what: `You have requested this ${ASKED_MAX} times within an hour`,
    allowed: "Someone else on the roster may request it",
    stateNow: "Nothing was requested",
    next: "Ask the approvers: `/dr ask`",
  };
}

/** What follows a resolved incident belongs to it, and maintenance goes on with its next run. */
function mayGoOn(state: IncidentState): Problem | null {
  if (state.declared?.kind === "maintenance" || state.status === "resolved") return null;
  return notOpen(state);
}

/** Why this plan is not one for this incident, or null. */
function misfit(command: Of<"requestRun">, state: IncidentState): Problem | null {
  const { plan, planHash, run, dryRun, mode } = command;
  const { declared } = state;
  if (declared === null) return UNKNOWN;
  if (state.runs.has(run)) return { code: "run-known", what: `There is a run ${run} already` };
  if (hashOf(plan) !== planHash || plan.mode !== mode)
    return { code: "plan-hash", what: "The plan is not the one its hash names", next: "Request the run again" };
  if (plan.system !== declared.system)
    return {
      code: "plan-system",
      what: `"${plan.title}" is for ${plan.systemTitle}, and this incident is about ${declared.system}`,
      allowed: "Each system has its own approvers",
      next: `Declare an incident for ${plan.systemTitle}`,
    };
  if ((plan.kind === "drill") !== (declared.kind === "drill"))
    return {
      code: "plan-kind",
      what: `This is a ${declared.kind === "drill" ? "drill" : "real incident"}, and the plan is ${plan.kind === "drill" ? "a drill" : "for real"}`,
      allowed: "Drills and real incidents don't mix",
    };
  if (plan.kind === "drill" && plan.drill === undefined)
    return {
      code: "drill-nowhere",
      where: plan.title,
      what: "The plan doesn't say where this drill runs",
      next: "Request the drill again",
    };
  const wrong = plan.undoes === undefined ? null : undoMisfit(plan.undoes, plan, state);
  if (wrong !== null) return wrong;
  const uncovered = uncoveredSteps(plan);
  if (uncovered.length > 0 && !dryRun)
    return {
      code: "plan-uncovered",
      what: `${allOf(uncovered.map((step) => `"${step.title}"`))} would change something without an approval before`,
      allowed: "Every change needs an approval before it",
      next: "Add a gate to the runbook; a dry run needs none",
    };
  return null;
}

/** Decided where the run is written: of two who ask for the same undo, one is refused. */
function undoMisfit({ run, step }: Undone, plan: Plan, state: IncidentState): Problem | null {
  const refused = undoRefusal(state, run, step) ?? changedSince(state, plan);
  if (refused !== null) return refused;
  if (asksTheSame(state, plan)) return null;
  return {
    code: "undo-gate",
    where: plan.title,
    what: "The plan doesn't ask the people who approved the step",
    next: "Request the undo again",
  };
}

const UNKNOWN: Problem = { code: "not-declared", what: "There is no such incident" };
