import type { System } from "../catalog/types.ts";
import type { Declared, IncidentState } from "./state.ts";

/** A drill that is announced nowhere. */
export function isSurprise(declared: Declared | null): boolean {
  return declared?.drill?.unannounced === true;
}

/** May this person be shown that it exists? Of a surprise: who started it, whom its entry names, and who has a part in it by now. */
export function knowsOf(state: IncidentState, system: System | undefined, person: string | null): boolean {
  const { declared } = state;
  if (declared === null || !isSurprise(declared)) return true;
  if (person === null) return false;
  if (declared.by.kind === "person" && declared.by.person === person) return true;
  const roles = system?.people.find(({ id }) => id === person)?.roles ?? [];
  if (roles.some((role) => declared.drill?.tells.includes(role))) return true;
  if ([...state.roles.values()].includes(person)) return true;
  return [...state.runs.values()].some(
    (run) =>
      run.requester === person ||
      [...run.steps.values()].some(
        (step) =>
          step.status === "gate" &&
          roles.some((role) =>
            [step.gate.role, ...step.gate.escalate.slice(0, step.gate.level).map((one) => one.role)].includes(role),
          ),
      ),
  );
}
