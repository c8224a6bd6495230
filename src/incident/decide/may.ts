import type { Person } from "../../catalog/types.ts";
import type { Problem } from "../../lib/errors.ts";
import type { DecideContext } from "../commands.ts";
import { isRequester } from "../delegation.ts";
import { stepsInOrder } from "../order.ts";
import { COMMANDER, holdersOf, holds, nameOf, oneOf, personOf, reachableNames, roleTitle } from "../people.ts";
import type { IncidentState, RunState } from "../state.ts";
import { isLive } from "../status.ts";

/** Why this actor may do nothing here, or null. Asked before anything else. */
export function blockedProblem(context: DecideContext): Problem | null {
  if (context.blocked === null) return null;
  return {
    code: "barred",
    what: `You can't do this: ${context.blocked}`,
    allowed: "Members of this workspace who are on the system's roster may do it",
  };
}

export function notOnRoster(context: DecideContext): Problem | null {
  if (personOf(context.actor, context.system) !== null) return null;
  return {
    code: "not-on-roster",
    what: `You are not on the roster of ${context.system.title}`,
    allowed: "Only people on the roster may do this",
    next: "Ask someone on the roster, or have your Slack account added to the system's people",
  };
}

export function notOpen(state: IncidentState): Problem | null {
  if (state.declared === null) return { code: "not-declared", what: "There is no such incident" };
  if (state.status !== "resolved" && state.status !== "closed") return null;
  return {
    code: "incident-over",
    what: `The incident is ${state.status}`,
    allowed: "This needs an open incident",
    next: "Reopen it first: `/dr reopen <why>`",
  };
}

/** The live run, or why there is none to act on. */
export function liveRun(state: IncidentState, id: string): RunState | Problem {
  const run = state.runs.get(id);
  if (run === undefined)
    return { code: "run-unknown", what: `This incident has no run ${id}`, next: "`/dr status` lists its runs" };
  if (isLive(run)) return run;
  return {
    code: "run-ended",
    where: run.title,
    what: `The run is ${run.status} and can't be changed any more`,
    allowed: "Only a live run can be changed",
    next: "Start a new run if more is needed",
  };
}

export function isProblem(value: object): value is Problem {
  return "code" in value && "what" in value;
}

/**
 * Why this person may not steer the run (abort, resume, skip), or null. It is for the requester, the incident commander,
 * and everybody who may decide one of its gates.
 */
export function mayNotSteer(state: IncidentState, run: RunState, context: DecideContext): Problem | null {
  const person = personOf(context.actor, context.system);
  if (person === null) return notOnRoster(context);
  if (isRequester(person, run) || holds(person, COMMANDER, state) || decidesOneOf(run, person)) return null;
  const held = state.roles.get(COMMANDER);
  const commanders =
    held === undefined ? reachableNames(holdersOf(COMMANDER, context.system), context.unreachable) : [];
  const able = [nameOf(run.requester, context.system), ...(held ? [nameOf(held, context.system)] : commanders)];
  return {
    code: "not-steering",
    where: run.title,
    what: "Only the requester, the incident commander and the approvers may do this",
    allowed: `${oneOf([...new Set(able)])} may do it; anyone on the roster may pause the run`,
    next: "`/dr pause` holds it while you ask them",
  };
}

function decidesOneOf(run: RunState, person: Person): boolean {
  return stepsInOrder(run.plan).some(
    ({ step }) =>
      step.kind === "gate" &&
      [step.gate.role, ...step.gate.escalate.map((level) => level.role)].some((role) => person.roles.includes(role)),
  );
}

/** "Ana or Bo (database administrator)" */
export function whoHolds(role: string, context: DecideContext): string {
  const names = reachableNames(holdersOf(role, context.system), context.unreachable);
  return `${names.length === 0 ? "No one" : oneOf(names)} (${roleTitle(role, context.system)})`;
}
