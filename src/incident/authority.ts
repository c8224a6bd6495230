import type { Gate, Person, System } from "../catalog/types.ts";
import { holdersOf, personById } from "./people.ts";
import type { GateState, RunState } from "./state.ts";

/**
 * Who may decide a gate. Authority comes from the roster alone: the gate's role, or a role the escalation names, held
 * today *and* when the question was asked. Roles outside that list decide nothing, so a lower level never stands in for
 * a higher one, while a higher one may always decide. An empty list means nobody.
 */
export interface Policy {
  /** The gate's role first, then the escalation's, each once. */
  readonly roles: readonly string[];
  /** Distinct people, at least 1. */
  readonly quorum: number;
  /** The first moment at which nothing counts any more. */
  readonly expiresAt: Date;
}

/** The stricter of what was pinned when it was asked and what the plan says: fewer roles, more people, less time. */
export function policyOf(run: RunState, gate: GateState): Policy {
  const planned = plannedGate(run, gate.step);
  const pinned = [gate.role, ...gate.escalate.map((level) => level.role)];
  if (planned === null) return { roles: [], quorum: Number.POSITIVE_INFINITY, expiresAt: gate.openedAt };
  const allowed = [planned.role, ...planned.escalate.map((level) => level.role)];
  const planExpiry = gate.openedAt.getTime() + planned.expiresSeconds * 1000;
  return {
    roles: [...new Set(pinned)].filter((role) => allowed.includes(role)),
    quorum: Math.max(1, gate.quorum, planned.quorum),
    expiresAt: new Date(Math.min(gate.expiresAt.getTime(), planExpiry)),
  };
}

export function plannedGate(run: RunState, step: string): Gate | null {
  const planned = run.steps.get(step)?.step;
  return planned?.kind === "gate" ? planned.gate : null;
}

/** The first of the roles that decide this gate which the person holds today, or null. */
export function decidingRole(person: Person, policy: Policy): string | null {
  return policy.roles.find((role) => person.roles.includes(role)) ?? null;
}

/** The one who asked for the run, by any of their names and accounts. */
export function isRequester(person: Person, run: RunState): boolean {
  return person.id === run.requester || person.slack.includes(run.requester);
}

/** Expired from its first moment on: at `expiresAt` itself nothing counts. */
export function isExpired(policy: Policy, now: Date): boolean {
  return !(now.getTime() < policy.expiresAt.getTime());
}

/** People who could approve this ask today, whether or not they have. */
export function entitled(run: RunState, gate: GateState, system: System): readonly Person[] {
  const policy = policyOf(run, gate);
  return system.people.filter(
    (person) =>
      decidingRole(person, policy) !== null && gate.approvers.includes(person.id) && !isRequester(person, run),
  );
}

/** Why an approval given earlier does not count now, or null. `standing`: see `mayStart`. */
export function flawOf(
  id: string,
  run: RunState,
  gate: GateState,
  system: System,
  standing: ReadonlyMap<string, string | null>,
): { readonly sure: boolean; readonly why: string } | null {
  const person = personById(id, system);
  if (person === null) return { sure: true, why: `${id} is no longer on the roster` };
  if (isRequester(person, run)) return { sure: true, why: `${person.name} asked for this run` };
  if (decidingRole(person, policyOf(run, gate)) === null)
    return { sure: true, why: `${person.name} no longer holds a role that decides this` };
  if (!gate.approvers.includes(id)) return { sure: true, why: `${person.name} had no such role when it was asked` };
  const why = standing.get(id);
  if (why === null) return null;
  if (why === undefined) return { sure: false, why: `Whether ${person.name} may still decide could not be checked` };
  return { sure: true, why: `${person.name} may no longer decide: ${why}` };
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
  /** False: even if everybody entitled approved, it would not be enough. */
  readonly possible: boolean;
  readonly next: { readonly role: string; readonly at: Date; readonly people: readonly Person[] } | null;
  readonly expiresAt: Date;
  readonly expired: boolean;
}

export function awaited(run: RunState, gate: GateState, system: System, now: Date): Awaited {
  const policy = policyOf(run, gate);
  const able = entitled(run, gate, system);
  const approved = gate.approvals.filter(({ person }) => able.some((one) => one.id === person));
  const missing = Math.max(0, policy.quorum - approved.length);
  const open = able.filter((person) => !approved.some((approval) => approval.person === person.id));
  const peopleOf = (role: string) =>
    policy.roles.includes(role) ? holdersOf(role, system).filter((person) => open.includes(person)) : [];
  const levels = [{ role: gate.role, at: gate.openedAt }, ...gate.escalate];
  const next = levels[gate.level + 1];
  return {
    asked: levels.slice(0, gate.level + 1).map(({ role, at }) => ({ role, since: at, people: peopleOf(role) })),
    approved,
    missing,
    possible: open.length >= missing,
    next: next === undefined || missing === 0 ? null : { ...next, people: peopleOf(next.role) },
    expiresAt: policy.expiresAt,
    expired: isExpired(policy, now),
  };
}
