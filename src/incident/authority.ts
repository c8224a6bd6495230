import type { Gate, Person, System } from "../catalog/types.ts";
import { type Delegations, delegatedTo, isRequester, standsFor } from "./delegation.ts";
import { askedTogether } from "./order.ts";
import { holdersOf, personById } from "./people.ts";
import type { Approval, GateState, RunState } from "./state.ts";

/**
 * Who may decide a gate. Authority comes from the roster alone: the gate's role, or a role the escalation names, held
 * today *and* when the question was asked. Roles outside that list decide nothing, so a lower level never stands in for
 * a higher one, while a higher one may always decide. An empty list means no one. Who holds such a role may lend it for a while
 * (`delegation.ts`): the borrower then decides in the lender's place, and the two count once.
 */
export interface Policy {
  /** The gate's role first, then the escalation's, each once. */
  readonly roles: readonly string[];
  /** Distinct people, at least 1. */
  readonly quorum: number;
  /** The first moment at which nothing counts any more. */
  readonly expiresAt: Date;
}

/**
 * The stricter of what was pinned when it was asked and what the plan says: fewer roles, more people, less time. Where the catalogue
 * asked for more than the plan when it was asked, its roles stand in the place of the plan's.
 */
export function policyOf(run: Pick<RunState, "steps">, gate: GateState): Policy {
  const planned = plannedGate(run, gate.step);
  const pinned = [gate.role, ...gate.escalate.map((level) => level.role)];
  if (planned === null) return { roles: [], quorum: Number.POSITIVE_INFINITY, expiresAt: gate.openedAt };
  const allowed = gate.today?.roles ?? [planned.role, ...planned.escalate.map((level) => level.role)];
  const planExpiry = gate.openedAt.getTime() + planned.expiresSeconds * 1000;
  return {
    roles: [...new Set(pinned)].filter((role) => allowed.includes(role)),
    quorum: Math.max(1, gate.quorum, planned.quorum),
    expiresAt: new Date(Math.min(gate.expiresAt.getTime(), planExpiry)),
  };
}

export function plannedGate(run: Pick<RunState, "steps">, step: string): Gate | null {
  const planned = run.steps.get(step)?.step;
  return planned?.kind === "gate" ? planned.gate : null;
}

/** Who decides has to have proved once more who they are: the plan says so, or today's catalogue does. */
export function needsSecondFactor(run: RunState, gate: GateState): boolean {
  return plannedGate(run, gate.step)?.stepUp === true || gate.today?.stepUp === true;
}

/** The first of the roles that decide this gate which the person holds today, or null. */
export function decidingRole(person: Person, policy: Policy): string | null {
  return policy.roles.find((role) => person.roles.includes(role)) ?? null;
}

/** In whose place, and as what, a person decides a question. */
export interface QuorumSlot {
  readonly role: string;
  /** The lender; null: their own place. */
  readonly onBehalfOf: string | null;
}

/**
 * What of the delegations counts at this gate: where it asks for a second factor, those that were given with one. The one who has taken over an
 * account could else hand its role to themselves, and prove with a code of their own.
 */
export function delegatedAt(run: RunState, gate: GateState, delegated: Delegations): Delegations {
  return needsSecondFactor(run, gate) ? delegated.filter(({ proved }) => proved) : delegated;
}

/** Their own role first, else one delegated to them; null: they decide nothing here. */
export function quorumSlotOf(
  person: Person,
  run: RunState,
  gate: GateState,
  system: System,
  delegated: Delegations,
): QuorumSlot | null {
  const policy = policyOf(run, gate);
  const own = decidingRole(person, policy);
  if (own !== null) return { role: own, onBehalfOf: null };
  const loans = delegatedTo(person, run, system, delegatedAt(run, gate, delegated));
  const loan = loans.find(({ role }) => policy.roles.includes(role));
  return loan === undefined ? null : { role: loan.role, onBehalfOf: loan.from };
}

/** They, or who delegated the role to them, held it when the question was asked. */
export function wasThere(person: string, seat: QuorumSlot, gate: GateState): boolean {
  return gate.approvers.includes(seat.onBehalfOf ?? person);
}

/** Distinct places among approvals: a lender and a borrower share one. */
export function slotsFilled(approvals: readonly Approval[]): number {
  return new Set(approvals.map(({ person, onBehalfOf }) => onBehalfOf ?? person)).size;
}

/** Enough have approved, or break-glass was used. Whether it still counts is judged when it is used. */
export function isAnswered(run: Pick<RunState, "steps">, gate: GateState): boolean {
  return gate.broken !== null || slotsFilled(gate.approvals) >= policyOf(run, gate).quorum;
}

/** Expired from its first moment on: at `expiresAt` itself nothing counts. */
export function isExpired(policy: Policy, now: Date): boolean {
  return !(now.getTime() < policy.expiresAt.getTime());
}

/** People who could approve this ask today, whether or not they have. */
export function entitled(
  run: RunState,
  gate: GateState,
  system: System,
  delegated: Delegations = [],
): readonly Person[] {
  return system.people.filter((person) => {
    const seat = quorumSlotOf(person, run, gate, system, delegated);
    return seat !== null && wasThere(person.id, seat, gate) && !isRequester(person, run);
  });
}

export interface Flaw {
  /** False: it could not be found out, and may yet turn out well. */
  readonly sure: boolean;
  readonly why: string;
}

/** Why an approval given earlier does not count now, or null. `standing`: see `mayStart`. */
export function flawOf(
  approval: Approval,
  run: RunState,
  gate: GateState,
  system: System,
  accounts: ReadonlyMap<string, string | null>,
  delegated: Delegations = [],
): Flaw | null {
  const { person: id, onBehalfOf } = approval;
  const person = personById(id, system);
  if (person === null) return { sure: true, why: `${id} is no longer on the roster` };
  if (isRequester(person, run)) return { sure: true, why: `${person.name} requested this run` };
  const twice = countsAlready(run, gate.step, onBehalfOf ?? id, "before");
  if (twice !== null) return { sure: true, why: `${person.name} counts in "${twice}", part of the same decision` };
  const policy = policyOf(run, gate);
  const counting = delegatedAt(run, gate, delegated);
  if (onBehalfOf !== null && !standsFor(person, onBehalfOf, policy.roles, run, system, counting))
    return { sure: true, why: `${person.name} no longer decides for ${onBehalfOf}` };
  if (onBehalfOf === null && decidingRole(person, policy) === null)
    return { sure: true, why: `${person.name} no longer holds a role that decides this` };
  if (!wasThere(id, { role: approval.role, onBehalfOf }, gate))
    return { sure: true, why: `${person.name} had no such role when it was requested` };
  if (needsSecondFactor(run, gate) && !approval.proved)
    return { sure: true, why: `${person.name} gave no authenticator code` };
  if (approval.vouchedBy === id) return { sure: true, why: `${person.name} vouched for their own authenticator` };
  if (approval.vouchedBy !== null && isOneWithRequester(approval.vouchedBy, run, system))
    return { sure: true, why: `${person.name} proved who it was by the word of who requested this run` };
  return accountFlaw(id, system, accounts) ?? (onBehalfOf === null ? null : accountFlaw(onBehalfOf, system, accounts));
}

/**
 * The title of a gate asked together with this one in which this place has approved already; null: none. Where it approved in both
 * (two presses at once), it counts in the first of the plan: `before` looks at those only.
 */
export function countsAlready(run: RunState, gate: string, place: string, which: "any" | "before"): string | null {
  const order = run.plan.stages.flatMap(({ steps }) => steps.map(({ id }) => id));
  for (const other of askedTogether(run.plan, gate)) {
    if (which === "before" && order.indexOf(other.id) > order.indexOf(gate)) continue;
    const state = run.steps.get(other.id);
    if (state?.status !== "gate") continue;
    if (state.gate.approvals.some((one) => (one.onBehalfOf ?? one.person) === place || one.person === place))
      return other.title;
  }
  return null;
}

/** Who asked for the run, or no one any more: their word is worth nothing in it. */
export function isOneWithRequester(id: string, run: RunState, system: System): boolean {
  const person = personById(id, system);
  return person === null || isRequester(person, run);
}

/** Why this person counts for nothing now, by a look-up made for this very moment. */
export function accountFlaw(id: string, system: System, accounts: ReadonlyMap<string, string | null>): Flaw | null {
  const why = accounts.get(id);
  if (why === null) return null;
  const name = personById(id, system)?.name ?? id;
  if (why === undefined) return { sure: false, why: `${name}'s right to decide couldn't be checked` };
  return { sure: true, why: `${name} may no longer decide: ${why}` };
}

/** Who a gate is waiting for, and who comes next. */
export interface Awaited {
  /** The levels asked so far, the gate's own first. */
  readonly asked: readonly {
    readonly role: string;
    readonly since: Date;
    /** Who of this role could still approve. */
    readonly people: readonly Person[];
  }[];
  readonly approved: readonly { readonly person: string; readonly role: string; readonly at: Date }[];
  /** How many more distinct people are needed; 0: enough have approved. */
  readonly missing: number;
  /** False: even if everyone entitled approved, it would not be enough. */
  readonly possible: boolean;
  readonly next: { readonly role: string; readonly at: Date; readonly people: readonly Person[] } | null;
  readonly expiresAt: Date;
  readonly expired: boolean;
}

export function awaited(
  run: RunState,
  gate: GateState,
  system: System,
  now: Date,
  delegated: Delegations = [],
): Awaited {
  const policy = policyOf(run, gate);
  const able = entitled(run, gate, system, delegated);
  const approved = gate.approvals.filter(({ person }) => able.some((one) => one.id === person));
  const missing = gate.broken === null ? Math.max(0, policy.quorum - slotsFilled(approved)) : 0;
  const taken = new Set(approved.map(({ person, onBehalfOf }) => onBehalfOf ?? person));
  const open = able.filter(
    (person) =>
      !taken.has(quorumSlotOf(person, run, gate, system, delegated)?.onBehalfOf ?? person.id) && !taken.has(person.id),
  );
  const peopleOf = (role: string) => {
    if (!policy.roles.includes(role)) return [];
    const borrowers = open.filter((person) =>
      delegatedTo(person, run, system, delegated).some((loan) => loan.role === role && loan.to === person.id),
    );
    return [...new Set([...holdersOf(role, system).filter((person) => open.includes(person)), ...borrowers])];
  };
  const levels = [{ role: gate.role, at: gate.openedAt }, ...gate.escalate];
  const next = levels[gate.level + 1];
  const since = (level: number, at: Date) => gate.risen.find((one) => one.level === level)?.at ?? at;
  const places = new Set(
    open.map((person) => quorumSlotOf(person, run, gate, system, delegated)?.onBehalfOf ?? person.id),
  );
  return {
    asked: levels
      .slice(0, gate.level + 1)
      .map(({ role, at }, level) => ({ role, since: since(level, at), people: peopleOf(role) })),
    approved,
    missing,
    possible: places.size >= missing,
    next: next === undefined || missing === 0 ? null : { ...next, people: peopleOf(next.role) },
    expiresAt: policy.expiresAt,
    expired: isExpired(policy, now),
  };
}
