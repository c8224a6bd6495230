import type { Person, System } from "../catalog/types.ts";
import { entitled, needsSecondFactor, policyOf, quorumSlotOf, wasThere } from "./authority.ts";
import { type Delegations, isRequester } from "./delegation.ts";
import type { NewEvent } from "./events.ts";
import { voided } from "./gates.ts";
import { changesThings, gatesBefore } from "./order.ts";
import { isSettled } from "./settled.ts";
import type { GateState, RunState } from "./state.ts";

/**
 * What an approval covers may not be changed behind its back: whatever changes what happens after an approval, or after a question
 * that is open, makes it void, and it is asked again.
 */

/** Gates before a step that are asked now, or were and hold. */
export function coveringNow(run: RunState, step: string): readonly GateState[] {
  return gatesBefore(run.plan, step).flatMap(({ id }) => {
    const state = run.steps.get(id);
    if (state?.status !== "gate") return [];
    return state.gate.outcome === "open" || state.gate.outcome === "passed" ? [state.gate] : [];
  });
}

/** Someone has approved it, or gone past it. */
export function isGiven({ outcome, approvals, broken }: GateState): boolean {
  return outcome === "passed" || approvals.length > 0 || broken !== null;
}

/** May decide this gate now, and did not ask for the run: may also change what it covers after it was given. */
export function mayChange(
  person: Person,
  run: RunState,
  gate: GateState,
  system: System,
  delegated: Delegations,
): boolean {
  return !isRequester(person, run) && quorumSlotOf(person, run, gate, system, delegated) !== null;
}

/** Who may change what a gate covers after it was given. */
export function changers(run: RunState, gate: GateState, system: System, delegated: Delegations): readonly Person[] {
  return entitled(run, gate, system, delegated).filter((person) => mayChange(person, run, gate, system, delegated));
}

/**
 * Gates that a change by this person makes void. One that has passed stands where that person could have approved it alone: their
 * word for the change is all that asking again would bring.
 */
export function voidedByChange(
  person: Person,
  run: RunState,
  step: string,
  system: System,
  delegated: Delegations,
): readonly GateState[] {
  return coveringNow(run, step).filter((gate) => {
    if (gate.outcome !== "passed") return true;
    const seat = quorumSlotOf(person, run, gate, system, delegated);
    const alone = policyOf(run, gate).quorum === 1 && !needsSecondFactor(run, gate);
    return !(alone && seat !== null && wasThere(person.id, seat, gate) && !isRequester(person, run));
  });
}

/**
 * Gates that have passed and that a standstill since then has outlived: the time to use them ran out while nothing was done, or it
 * was longer than an approval may wait. Only where something is still to come that needs them.
 */
export function outlived(run: RunState, since: Date, now: Date): readonly GateState[] {
  return [...run.steps.values()].flatMap((state) => {
    if (state.status !== "gate" || state.gate.outcome !== "passed") return [];
    const { openedAt, expiresAt } = state.gate;
    const ranOut = since < expiresAt && expiresAt <= now;
    const tooLong = now.getTime() - since.getTime() >= expiresAt.getTime() - openedAt.getTime();
    return (ranOut || tooLong) && isNeeded(run, state.step.id) ? [state.gate] : [];
  });
}

function isNeeded(run: RunState, gate: string): boolean {
  return [...run.steps.values()].some(
    (state) =>
      !isSettled(state) &&
      (changesThings(state.step) || state.step.kind === "manual") &&
      gatesBefore(run.plan, state.step.id).some(({ id }) => id === gate),
  );
}

export function voids(run: RunState, gates: readonly GateState[], why: string): readonly NewEvent[] {
  return gates.map((gate) => voided(run, gate, why));
}
