import type { Paging, Person, System } from "../catalog/types.ts";
import { entitled } from "../incident/authority.ts";
import { type Delegations, delegatedTo, isRequester } from "../incident/delegation.ts";
import { allOf } from "../incident/people.ts";
import type { GateState, RunState, Summons } from "../incident/state.ts";
import { LifeboatError, messageOf, sayProblem } from "../lib/errors.ts";
import type { PagerDuty } from "../sinks/pagerduty/client.ts";

/** A gate waits for people, not for PagerDuty: it has this long to say who is on call. */
const SECONDS = 3;
const FRESH_MS = 30_000;
/** After a failure it is left alone for so long, so that not every question waits for it. */
const FAILED_MS = 5_000;

/** What PagerDuty said about a policy. */
export type Answer =
  | { readonly users: readonly { readonly user: string; readonly name: string }[] }
  | { readonly problem: string };

/** Asks PagerDuty who is on call for a policy, within a deadline, and remembers the answer for half a minute. */
export function createOnCall(seconds = SECONDS): (pd: () => PagerDuty, policy: string) => Promise<Answer> {
  const known = new Map<string, { readonly answer: Promise<Answer>; until: number }>();
  return (pd, policy) => {
    const kept = known.get(policy);
    if (kept !== undefined && performance.now() < kept.until) return kept.answer;
    const entry = { answer: ask(pd, policy, seconds), until: Number.POSITIVE_INFINITY };
    known.set(policy, entry);
    void entry.answer.then((answer) => {
      entry.until = performance.now() + ("problem" in answer ? FAILED_MS : FRESH_MS);
    });
    return entry.answer;
  };
}

async function ask(pd: () => PagerDuty, policy: string, seconds: number): Promise<Answer> {
  try {
    return { users: await pd().onCall(policy, seconds) };
  } catch (error) {
    return { problem: error instanceof LifeboatError ? sayProblem(error.problem) : messageOf(error) };
  }
}

/**
 * Who is asked at a level of a gate. Only people who hold the level's role on the roster, or have borrowed it, and may approve
 * this ask count: being on call gives no one a say. To whom someone on call has delegated the role is asked with them. Where PagerDuty gives no such person, the roster does, with the reason.
 */
export function summonsFor(
  { run, gate, level, role }: { run: RunState; gate: GateState; level: number; role: string },
  system: System,
  answer: Answer | null,
  delegated: Delegations = [],
): Summons {
  const loansOf = (person: Person) => delegatedTo(person, run, system, delegated).filter((loan) => loan.role === role);
  const able = entitled(run, gate, system, delegated).filter(
    (person) => person.roles.includes(role) || loansOf(person).length > 0,
  );
  const fromRoster = (why: string): Summons => ({
    level,
    role,
    people: able.map(({ id }) => id),
    source: "roster",
    why,
  });
  if (answer === null) return fromRoster("No escalation policy is named for this role");
  if ("problem" in answer) return fromRoster(answer.problem);
  if (answer.users.length === 0) return fromRoster("PagerDuty has no one on call for it");
  const named = answer.users.map(({ user, name }) => ({ name, person: personOf(user, system) }));
  const isNamed = (id: string) => named.some(({ person }) => person?.id === id);
  const people = able
    .filter((person) => isNamed(person.id) || loansOf(person).some(({ from }) => isNamed(from)))
    .map(({ id }) => id);
  const left = named.filter(({ person }) => person === null || !people.includes(person.id));
  const why = left.length === 0 ? null : allOf(left.map(({ name, person }) => whyNot(name, person, role, run)));
  return people.length > 0 ? { level, role, people, source: "pagerduty", why } : fromRoster(`PagerDuty names ${why}`);
}

function whyNot(name: string, person: Person | null, role: string, run: RunState): string {
  if (person === null) return `${name}, who is not on the roster`;
  if (!person.roles.includes(role)) return `${person.name}, who does not hold this role`;
  if (isRequester(person, run)) return `${person.name}, who requested this run`;
  return `${person.name}, who did not hold a role that decides this when it was asked`;
}

/** The person of the roster a PagerDuty user is, or null: a stranger. */
export function personOf(user: string, system: System): Person | null {
  const id = system.paging?.people.find((one) => one.user === user)?.person;
  return system.people.find((person) => person.id === id) ?? null;
}

export function policyFor(role: string, paging: Paging): string | null {
  return paging.policies.find((one) => one.role === role)?.policy ?? null;
}
