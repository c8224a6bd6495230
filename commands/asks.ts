import type { IncidentState, RunState } from "../src/incident/state.ts";
import type { Ask } from "../templates/messages/gate.ts";

/** Questions of a run that wait for an answer. */
export function openAsks(state: IncidentState, run: RunState): readonly Ask[] {
  return [...run.steps.values()].flatMap((step): Ask[] =>
    step.status === "gate" && step.gate.outcome === "open" && step.step.kind === "gate"
      ? [{ state, run, step: step.step, gate: step.gate }]
      : [],
  );
}
