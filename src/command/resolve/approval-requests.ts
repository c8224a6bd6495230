import type { ApprovalRequest } from "../../../templates/messages/approval/gate.ts";
import type { IncidentState, RunState } from "../../incident/state.ts";

/** Questions of a run that wait for an answer. */
export function openApprovalRequests(state: IncidentState, run: RunState): readonly ApprovalRequest[] {
  return [...run.steps.values()].flatMap((step): ApprovalRequest[] =>
    step.status === "gate" && step.gate.outcome === "open" && step.step.kind === "gate"
      ? [{ state, run, step: step.step, gate: step.gate }]
      : [],
  );
}
