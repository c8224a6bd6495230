import type { Person } from "../../catalog/types.ts";
import type { Problem } from "../../lib/errors.ts";
import {
  countsAlready,
  entitled,
  isExpired,
  isOneWithRequester,
  needsSecondFactor,
  policyOf,
  quorumSlotOf,
  slotsFilled,
  wasThere,
} from "../authority.ts";
import type { DecideContext } from "../commands.ts";
import { type Delegations, delegationsNow, isRequester } from "../delegation.ts";
import { staleness } from "../gates.ts";
import { allOf, nameOf, oneOf, reachable, roleTitle } from "../people.ts";
import type { GateState, IncidentState, RunState } from "../state.ts";
import { stateNow } from "../state-now.ts";
import { isProblem, liveRun } from "./may.ts";

/** What a vote is about, once it is clear that there is such a question. */
export interface Question {
  readonly run: RunState;
  readonly gate: GateState;
  readonly title: string;
  /** What is delegated now in this incident. */
  readonly delegations: Delegations;
}

/** The gate this ask belongs to, its newest or an earlier one. Asks of other runs and incidents are unknown here. */
export function questionOf(
  command: { run: string; ask: string },
  state: IncidentState,
  { now }: DecideContext,
): Question | Problem {
  const run = liveRun(state, command.run);
  if (isProblem(run)) return run;
  for (const step of run.steps.values())
    if (step.status === "gate" && (step.gate.ask === command.ask || step.gate.earlier.includes(command.ask)))
      return { run, gate: step.gate, title: step.step.title, delegations: delegationsNow(state, now) };
  return {
    code: "ask-unknown",
    where: run.title,
    what: "This approval request doesn't exist here",
    allowed: "Approve in the run's thread",
    next: "`/dr status` shows open approvals",
  };
}

/** Why this person decides nothing here, or null. */
export function mayNotVote(question: Question, person: Person, context: DecideContext): Problem | null {
  const { run, gate, title, delegations } = question;
  const { system, unreachable } = context;
  if (quorumSlotOf(person, run, gate, system, delegations) !== null) return null;
  const policy = policyOf(run, gate);
  const able = reachable(entitled(run, gate, system, delegations), unreachable).map((one) => one.name);
  return {
    code: "gate-role",
    where: title,
    what: `You don't hold a role that decides this (${oneOf(policy.roles.map((role) => roleTitle(role, system)))})`,
    allowed: able.length === 0 ? "No one on the roster may decide it now" : `${oneOf(able)} may decide it`,
  };
}

/** Why nobody may decide this ask any more, or null. */
export function notDecidable(
  { run, gate, title }: Question,
  ask: string,
  { now, system }: DecideContext,
): Problem | null {
  if (gate.ask !== ask)
    return {
      code: "ask-superseded",
      where: title,
      what: "This approval request was replaced by a newer one",
      allowed: "Only the newest request can be decided",
      next: "Use the newest request in the run's thread",
    };
  switch (gate.outcome) {
    case "passed":
      return {
        code: "too-late",
        where: title,
        what: `Already decided by ${approvers(gate, system)}, and its steps have started`,
        allowed: "The run can be paused or aborted instead",
        stateNow: stateNow(run),
      };
    case "denied":
      return { code: "already-decided", where: title, what: `Already decided: ${gate.says ?? "denied"}` };
    case "voided":
      return {
        code: "ask-void",
        where: title,
        what: `This request is void: ${gate.says ?? "it was requested again"}`,
        next: "Use the newest request in the run's thread",
      };
    case "expired":
      return expiredProblem(title);
    case "open":
      return isExpired(policyOf(run, gate), now) ? expiredProblem(title) : null;
    default:
      return gate.outcome satisfies never;
  }
}

/** Two people decide: the one who asked is never one of them. */
export function ownRequest(question: Question, person: Person, { system, unreachable }: DecideContext): Problem | null {
  const { run, gate, title, delegations } = question;
  if (!isRequester(person, run)) return null;
  const able = reachable(entitled(run, gate, system, delegations), unreachable).map((one) => one.name);
  return {
    code: "gate-requester",
    where: title,
    what: "You requested this run, so you can't approve it from any account",
    allowed: able.length === 0 ? "Someone else must approve, and no one else may" : `${oneOf(able)} may approve it`,
  };
}

/** Why this person may decide, but not by approving, or null. */
export function mayNotApprove(question: Question, person: Person, context: DecideContext): Problem | null {
  const { run, gate, title, delegations } = question;
  const { system, unreachable } = context;
  const able = entitled(run, gate, system, delegations);
  const counted = gate.approvals.filter((approval) => able.some((one) => one.id === approval.person));
  const others = reachable(able, unreachable).flatMap(({ id, name }) => (id === person.id ? [] : [name]));
  const seat = quorumSlotOf(person, run, gate, system, delegations);
  if (seat === null || !wasThere(person.id, seat, gate))
    return {
      code: "gate-added-later",
      where: title,
      what: "You didn't hold an approving role when this was requested",
      allowed: others.length === 0 ? "No one else may decide it" : `${oneOf(others)} may approve it`,
      next: "If you should, have it denied and requested again",
    };
  if (gate.approvals.some((approval) => approval.person === person.id))
    return { code: "already-decided", where: title, what: `You already approved; one person counts once` };
  if (gate.broken !== null || slotsFilled(counted) >= policyOf(run, gate).quorum)
    return {
      code: "already-decided",
      where: title,
      what: `Already decided by ${approvers(gate, system)}`,
    };
  const place = seat.onBehalfOf ?? person.id;
  const together = countsAlready(run, gate.step, place, "any") ?? countsAlready(run, gate.step, person.id, "any");
  if (together !== null)
    return {
      code: "counts-already",
      where: title,
      what: `You approved "${together}", part of the same decision; one person counts once`,
      allowed: others.length === 0 ? "No one else may decide it" : `${oneOf(others)} may approve it`,
    };
  const shared = gate.approvals.find((one) => (one.onBehalfOf ?? one.person) === place);
  if (shared !== undefined)
    return {
      code: "place-taken",
      where: title,
      what: `${nameOf(shared.person, system)} already approved for ${nameOf(place, system)}; a delegate and the delegator count once`,
      allowed: others.length === 0 ? "No one else may decide it" : "Another person with the role may approve it",
    };
  const stale = staleness(run, gate);
  if (stale !== null)
    return { code: stale.code, where: title, what: stale.why, next: "It was requested again; decide the new request" };
  const vouched = endorsementProblem(question, person, context);
  if (vouched !== null) return vouched;
  if (needsSecondFactor(run, gate) && context.provedAfresh !== true)
    return {
      code: "step-up-needed",
      where: title,
      what: "This approval needs an authenticator code",
      allowed: "Denying needs no code",
    };
  return null;
}

/**
 * Why the word by which a new proof counts is not enough here, or null: who vouches and who proves by it are one person's word as
 * long as nobody else says so, and the word of who asked for the run is worth nothing.
 */
export function endorsementProblem(
  { run, gate, title }: Question,
  person: Person,
  { vouchedBy, system }: Pick<DecideContext, "vouchedBy" | "system">,
): Problem | null {
  const tied = gate.approvals.find((one) => one.person === vouchedBy || one.vouchedBy === person.id);
  const own = gate.breaking?.person === vouchedBy || gate.breaking?.vouchedBy === person.id ? gate.breaking : null;
  const by = tied ?? own ?? null;
  const requester = vouchedBy != null && isOneWithRequester(vouchedBy, run, system);
  const self = vouchedBy === person.id;
  if (by === null && !requester && !self) return null;
  return {
    code: "proof-vouched-by-same",
    where: title,
    what: self
      ? "You can't vouch for your own new authenticator"
      : requester
        ? `${nameOf(vouchedBy, system)} vouched for you and requested this run, so your authenticator doesn't count here yet`
        : `${nameOf(by?.person ?? "", system)} and you count as one here: one of you vouched for the other's new authenticator`,
    allowed: "Someone else with an authenticator",
  };
}

function expiredProblem(where: string): Problem {
  return {
    code: "gate-expired",
    where,
    what: "The approval has expired",
    next: "Request it again: retry the approval in the run's thread",
  };
}

function approvers(gate: GateState, system: DecideContext["system"]): string {
  if (gate.broken !== null) return `${nameOf(gate.broken.person, system)}, by break-glass`;
  return allOf(gate.approvals.map(({ person }) => nameOf(person, system)));
}
