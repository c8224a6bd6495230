import type { Person, System } from "../catalog/types.ts";
import { accountFlaw, entitled, type Flaw, isExpired, policyOf } from "./authority.ts";
import { type Delegations, isRequester } from "./delegation.ts";
import { personById } from "./people.ts";
import type { Break, GateState, IncidentState, RunState } from "./state.ts";

/** The role of today's roster by which this person may use break-glass, or null. */
export function breakingRole(person: Person, system: System): string | null {
  return system.breakGlass?.roles.find((role) => person.roles.includes(role)) ?? null;
}

/**
 * From when on a gate's chain counts as silent: every level was asked, and the last one had its time; at once where no one is left
 * who could answer. Null: a level has not been asked yet.
 */
export function silentFrom(
  run: RunState,
  gate: GateState,
  system: System,
  now: Date,
  delegated: Delegations,
): Date | null {
  if (entitled(run, gate, system, delegated).length === 0) return now;
  if (gate.level < gate.escalate.length) return null;
  const asked = gate.risen.at(-1)?.at ?? gate.openedAt;
  return new Date(asked.getTime() + (system.breakGlass?.silentForSeconds ?? 0) * 1000);
}

/** True where who uses break-glass asked for this run and the system does not let them do so alone. */
export function needsSecond(person: Person, run: RunState, system: System): boolean {
  return isRequester(person, run) && system.breakGlass?.requesterAlone === undefined;
}

/** Who could confirm it as the second person: never the first, never the requester of the run. */
export function secondsFor(
  first: string,
  run: RunState,
  gate: GateState,
  system: System,
  delegated: Delegations,
): readonly Person[] {
  const deciders = entitled(run, gate, system, delegated);
  return system.people.filter(
    (person) =>
      person.id !== first &&
      !isRequester(person, run) &&
      (breakingRole(person, system) !== null || deciders.includes(person)),
  );
}

/** Why a break-glass does not open this gate now, or null. As strict as an approval: plan, facts, time and standing. */
export function flawOfBreak(
  run: RunState,
  gate: GateState,
  context: { readonly now: Date; readonly system: System; readonly accounts: ReadonlyMap<string, string | null> },
): Flaw | null {
  const { broken } = gate;
  const { now, system, accounts } = context;
  const sure = (why: string): Flaw => ({ sure: true, why });
  if (broken === null) return sure("Break-glass was not used");
  if (broken.planHash !== run.planHash || broken.factsHash !== run.preflight?.factsHash)
    return sure("Break-glass was used for another plan or other facts");
  if (!(now < broken.until) || isExpired(policyOf(run, gate), now)) return sure("The break-glass has expired");
  const first = personById(broken.person, system);
  if (first === null || breakingRole(first, system) === null)
    return sure(`${first?.name ?? broken.person} may no longer use break-glass`);
  if (broken.second === null && system.breakGlass?.secondPerson === true && broken.alone === null)
    return sure("A second person must confirm");
  if (broken.second === null && needsSecond(first, run, system))
    return sure(`${first.name} requested this run and went alone`);
  if (broken.second !== null && (broken.second === broken.person || personById(broken.second, system) === null))
    return sure("The second person doesn't count");
  const own = accountFlaw(broken.person, system, accounts);
  return own ?? (broken.second === null ? null : accountFlaw(broken.second, system, accounts));
}

/** Break-glass uses no one has reviewed yet, with their runs. */
export function unreviewed(state: IncidentState): readonly { readonly run: RunState; readonly broke: Break }[] {
  return [...state.runs.values()].flatMap((run) =>
    run.breaks.filter(({ review }) => review === null).map((broke) => ({ run, broke })),
  );
}

/** Who took part in it, and so may not review it. */
export function tookPart({ person, second }: Break): readonly string[] {
  return second === null ? [person] : [person, second];
}
