import type { Evidence, Evidences } from "../actions/contract.ts";
import type { IncidentState, RunState } from "../incident/state.ts";

/** What the steps behind this one have shown, read from the run's state at the moment of asking. */
export function evidencesOf(run: () => Pick<RunState, "steps">): Evidences {
  return {
    evidenceOf(step): Evidence | null {
      const state = run().steps.get(step);
      if (state?.status !== "done") return null;
      return {
        says: state.says,
        facts: state.facts.map(({ id, label, value, material }) => ({ id, label, value, material })),
        ...(state.rpo ? { rpo: state.rpo } : {}),
      };
    },
  };
}

/** The run whose step this one takes back, with what its steps have shown; null: it takes nothing back. */
export function runUndone(state: Pick<IncidentState, "runs">, { plan }: Pick<RunState, "plan">): RunState | null {
  return plan.undoes === undefined ? null : (state.runs.get(plan.undoes.run) ?? null);
}
