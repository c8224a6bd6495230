import { rolesOfGate, stricter } from "../catalog/gates.ts";
import type { Conformance, Gate } from "../catalog/types.ts";
import { needsSecondFactor, plannedGate, policyOf } from "./authority.ts";
import { isSettled } from "./settled.ts";
import type { GateState, RunState } from "./state.ts";

/**
 * What today's catalogue says against a run in progress. The stricter of what was pinned and what it says now applies: where it asks for
 * more than an approval was requested, the approval is void and asked again under its rules, also in the middle of a run.
 */

/** What no approval makes up for, of what is still to come; empty: nothing. */
export function firmly({ differences }: Conformance, run: RunState): readonly string[] {
  return differences.filter((one) => one.firm && isToCome(run, one.step)).map(({ says }) => says);
}

/** What those who may decide can accept when they are shown it. */
export function acceptable({ differences }: Conformance, run: RunState): readonly string[] {
  return differences.filter((one) => !one.firm && isToCome(run, one.step)).map(({ says }) => says);
}

function isToCome(run: RunState, step: string | null): boolean {
  const state = step === null ? undefined : run.steps.get(step);
  return state === undefined || !isSettled(state);
}

/** Why an ask no longer is as strict as the catalogue, or null. */
export function outdated(run: RunState, gate: GateState, conformance: Conformance, now: Date): string | null {
  const today = conformance.gates.get(gate.step);
  const news = acceptable(conformance, run).filter((one) => !gate.differs?.includes(one));
  const why = [...(today === undefined ? [] : looser(run, gate, today, now)), ...news];
  return why.length === 0 ? null : `The catalogue changed since the request: ${why.join("; ")}`;
}

function looser(run: RunState, gate: GateState, today: Gate, now: Date): readonly string[] {
  const policy = policyOf(run, gate);
  const strange = policy.roles.filter((role) => !rolesOfGate(today).includes(role));
  const over = gate.openedAt.getTime() + today.expiresSeconds * 1000 <= now.getTime();
  return [
    ...(strange.length > 0 ? [`${strange.join(" and ")} may no longer decide this`] : []),
    ...(policy.quorum < today.quorum ? [`${today.quorum} people must approve, not ${policy.quorum}`] : []),
    ...(today.stepUp && !needsSecondFactor(run, gate) ? ["approvers need an authenticator code"] : []),
    ...(gate.outcome === "open" && over ? ["the approval expires sooner"] : []),
  ];
}

/** A gate as it is asked: the stricter of the plan and the catalogue. `today` is there where the catalogue asks for more than the plan. */
export function askedAs(
  run: RunState,
  step: string,
  conformance: Conformance | null,
): { readonly gate: Gate; readonly today?: { readonly roles: readonly string[]; readonly stepUp: boolean } } | null {
  const planned = plannedGate(run, step);
  const today = conformance?.gates.get(step);
  if (planned === null || today === undefined) return planned === null ? null : { gate: planned };
  if (isNoLooser(planned, today)) return { gate: planned };
  // Where no one of the plan's roles may decide any more, those decide who may now.
  const { role, escalate } = today;
  const gate = stricter(planned, today) ?? stricter({ ...planned, role, escalate }, today) ?? today;
  return { gate, today: { roles: rolesOfGate(gate), stepUp: gate.stepUp } };
}

function isNoLooser(planned: Gate, today: Gate): boolean {
  return (
    rolesOfGate(planned).every((role) => rolesOfGate(today).includes(role)) &&
    planned.quorum >= today.quorum &&
    planned.expiresSeconds <= today.expiresSeconds &&
    (planned.stepUp || !today.stepUp)
  );
}
