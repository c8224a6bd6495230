import type { Person } from "../../catalog/types.ts";
import type { DecideContext } from "../commands.ts";
import { isRequester } from "../delegation.ts";
import { stepsInOrder } from "../order.ts";
import { COMMANDER, holdersOf, holds, nameOf, personOf, reachableNames } from "../people.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState, RunState } from "../state.ts";
import { isLive } from "../status.ts";

/** Why this actor may do nothing here, or null. Asked before anything else. */
export function blockedRefusal({ blocked }: DecideContext): Refusal | null {
  return blocked === null ? null : { code: "account-blocked", why: blocked };
}

export function notOnRoster(context: DecideContext): Refusal | null {
  return personOf(context.actor, context.system) === null ? strangerTo(context) : null;
}

/** Where the actor is known to be no one person of the roster. */
export function strangerTo({ system }: Pick<DecideContext, "system">): Refusal {
  return { code: "not-on-roster", system: system.title };
}

export const NO_INCIDENT: Refusal = { code: "not-declared", what: "incident" };

export function notOpen({ declared, status }: IncidentState): Refusal | null {
  if (declared === null) return NO_INCIDENT;
  return status === "resolved" || status === "closed" ? { code: "incident-over", status } : null;
}

/** The live run, or why there is none to act on. */
export function liveRun(state: IncidentState, id: string): RunState | Refusal {
  const run = state.runs.get(id);
  if (run === undefined) return { code: "run-unknown", runId: id };
  return isLive(run) ? run : { code: "run-ended", run: run.title, status: run.status };
}

/**
 * Why this person may not steer the run (abort, resume, skip), or null. It is for the requester, the incident commander,
 * and everyone who may decide one of its gates.
 */
export function mayNotSteer(state: IncidentState, run: RunState, context: DecideContext): Refusal | null {
  const person = personOf(context.actor, context.system);
  if (person === null) return strangerTo(context);
  if (isRequester(person, run) || holds(person, COMMANDER, state) || decidesOneOf(run, person)) return null;
  const held = state.roles.get(COMMANDER);
  const commanders =
    held === undefined ? reachableNames(holdersOf(COMMANDER, context.system), context.unreachable) : [];
  const able = [nameOf(run.requester, context.system), ...(held ? [nameOf(held, context.system)] : commanders)];
  return { code: "not-steering", run: run.title, able: [...new Set(able)] };
}

function decidesOneOf(run: RunState, person: Person): boolean {
  return stepsInOrder(run.plan).some(
    ({ step }) =>
      step.kind === "gate" &&
      [step.gate.role, ...step.gate.escalate.map((level) => level.role)].some((role) => person.roles.includes(role)),
  );
}
