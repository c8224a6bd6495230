import type { Person } from "../../catalog/types.ts";
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
import { nameOf, reachable, roleTitle } from "../people.ts";
import type { Vouched } from "../refusal/approval.ts";
import type { Deciders } from "../refusal/run.ts";
import { isRefusal, type Refusal } from "../refusal.ts";
import type { GateState, IncidentState, RunState } from "../state.ts";
import { stateNow } from "../state-now.ts";
import { liveRun } from "./may.ts";

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
): Question | Refusal {
  const run = liveRun(state, command.run);
  if (isRefusal(run)) return run;
  for (const step of run.steps.values())
    if (step.status === "gate" && (step.gate.ask === command.ask || step.gate.earlier.includes(command.ask)))
      return { run, gate: step.gate, title: step.step.title, delegations: delegationsNow(state, now) };
  return { code: "ask-unknown", run: run.title };
}

/** Why this person decides nothing here, or null. */
export function mayNotVote(question: Question, person: Person, context: DecideContext): Refusal | null {
  const { run, gate, title, delegations } = question;
  const { system, unreachable } = context;
  if (quorumSlotOf(person, run, gate, system, delegations) !== null) return null;
  const policy = policyOf(run, gate);
  const able = reachable(entitled(run, gate, system, delegations), unreachable).map((one) => one.name);
  return { code: "gate-role", where: title, roles: policy.roles.map((role) => roleTitle(role, system)), able };
}

/** Why no one may decide this ask any more, or null. */
export function notDecidable(
  { run, gate, title }: Question,
  ask: string,
  { now, system }: DecideContext,
): Refusal | null {
  const where = title;
  if (gate.ask !== ask) return { code: "ask-superseded", where };
  switch (gate.outcome) {
    case "passed":
      return { code: "too-late", where, by: decidersOf(gate, system), stateNow: stateNow(run) };
    case "denied":
      return { code: "already-decided", where, how: { kind: "denied", says: gate.says } };
    case "voided":
      return { code: "ask-void", where, why: gate.says };
    case "expired":
      return { code: "gate-expired", where };
    case "open":
      return isExpired(policyOf(run, gate), now) ? { code: "gate-expired", where } : null;
    default:
      return gate.outcome satisfies never;
  }
}

/** Two people decide: the one who asked is never one of them. */
export function ownRequest(question: Question, person: Person, { system, unreachable }: DecideContext): Refusal | null {
  const { run, gate, title, delegations } = question;
  if (!isRequester(person, run)) return null;
  const able = reachable(entitled(run, gate, system, delegations), unreachable).map((one) => one.name);
  return { code: "gate-requester", where: title, able };
}

/** Why this person may decide, but not by approving, or null. */
export function mayNotApprove(question: Question, person: Person, context: DecideContext): Refusal | null {
  const { run, gate, title, delegations } = question;
  const { system, unreachable } = context;
  const able = entitled(run, gate, system, delegations);
  const counted = gate.approvals.filter((approval) => able.some((one) => one.id === approval.person));
  const others = reachable(able, unreachable).flatMap(({ id, name }) => (id === person.id ? [] : [name]));
  const seat = quorumSlotOf(person, run, gate, system, delegations);
  const where = title;
  if (seat === null || !wasThere(person.id, seat, gate)) return { code: "gate-added-later", where, able: others };
  if (gate.approvals.some((approval) => approval.person === person.id))
    return { code: "already-decided", where, how: { kind: "by-you" } };
  if (gate.broken !== null || slotsFilled(counted) >= policyOf(run, gate).quorum)
    return { code: "already-decided", where, how: { kind: "by", by: decidersOf(gate, system) } };
  const place = seat.onBehalfOf ?? person.id;
  const together = countsAlready(run, gate.step, place, "any") ?? countsAlready(run, gate.step, person.id, "any");
  if (together !== null) return { code: "counts-already", where, gate: together, able: others };
  const shared = gate.approvals.find((one) => (one.onBehalfOf ?? one.person) === place);
  if (shared !== undefined) {
    const by = nameOf(shared.person, system);
    return { code: "place-taken", where, by, place: nameOf(place, system), able: others };
  }
  const stale = staleness(run, gate);
  if (stale !== null) return { code: stale.code, where };
  const vouched = endorsementRefusal(question, person, context);
  if (vouched !== null) return vouched;
  if (needsSecondFactor(run, gate) && context.provedAfresh !== true)
    return { code: "step-up-needed", where, wish: "approve" };
  return null;
}

/**
 * Why the word by which a new proof counts is not enough here, or null: who vouches and who proves by it are one person's word as
 * long as no one else says so, and the word of the requester of the run is worth nothing.
 */
export function endorsementRefusal(
  { run, gate, title }: Question,
  person: Person,
  { vouchedBy, system }: Pick<DecideContext, "vouchedBy" | "system">,
): Refusal | null {
  const tied = gate.approvals.find((one) => one.person === vouchedBy || one.vouchedBy === person.id);
  const own = gate.breaking?.person === vouchedBy || gate.breaking?.vouchedBy === person.id ? gate.breaking : null;
  const by = tied ?? own ?? null;
  const requester = vouchedBy != null && isOneWithRequester(vouchedBy, run, system);
  const self = vouchedBy === person.id;
  if (by === null && !requester && !self) return null;
  const vouched: Vouched = self
    ? { kind: "self" }
    : requester
      ? { kind: "by-requester", person: nameOf(vouchedBy, system) }
      : { kind: "counted-once", person: nameOf(by?.person ?? "", system) };
  return { code: "proof-vouched-by-same", where: title, vouched };
}

function decidersOf({ broken, approvals }: GateState, system: DecideContext["system"]): Deciders {
  if (broken !== null) return { people: [nameOf(broken.person, system)], breakGlass: true };
  return { people: approvals.map(({ person }) => nameOf(person, system)), breakGlass: false };
}
