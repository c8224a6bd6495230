import { recoveryOf } from "../../src/incident/recovery.ts";
import type { IncidentState, RunState, StepState } from "../../src/incident/state.ts";

/** One run in figures, for machines that read: what `npm run practice -- --headless … --json` ends with. */
export interface RunReport {
  readonly outcome: "verified" | "failed" | "aborted" | "stopped";
  readonly system: string;
  readonly runbook: string;
  readonly planHash: string;
  readonly mode: "planned" | "unplanned";
  readonly approvals: readonly { gate: string; person: string; role: string; waitedSeconds: number }[];
  readonly steps: readonly { id: string; action: string; state: string; seconds: number | null }[];
  readonly rto: { seconds: number | null; objectiveSeconds: number | null; met: boolean | null };
  readonly rpo: { seconds: number | null; rowsLost: number | null; method: string | null };
}

export function reportOfRun(state: IncidentState, run: RunState): RunReport {
  const recovery = recoveryOf(state, run);
  return {
    outcome: outcomeOf(run),
    system: run.plan.system,
    runbook: run.runbook,
    planHash: run.planHash,
    mode: run.mode,
    approvals: recovery.waits.flatMap(({ step, people }) =>
      people.map(({ person, role, waitedSeconds }) => ({ gate: step, person, role, waitedSeconds })),
    ),
    steps: [...run.steps.values()].map(stepReport),
    rto: { seconds: recovery.rtoSeconds, objectiveSeconds: recovery.objectiveSeconds, met: recovery.met },
    rpo: {
      seconds: recovery.rpo?.seconds ?? null,
      rowsLost: recovery.rpo?.rows ?? null,
      method: recovery.rpo?.method ?? null,
    },
  };
}

/** A run no one is done with counts as stopped: it waits for a person, or its time was up. */
function outcomeOf(run: RunState): RunReport["outcome"] {
  return run.status === "verified" || run.status === "failed" || run.status === "aborted" ? run.status : "stopped";
}

function stepReport(step: StepState): RunReport["steps"][number] {
  const action = step.step.kind === "action" ? step.step.action : step.step.kind;
  const state = step.status === "gate" ? step.gate.outcome : step.status;
  return { id: step.step.id, action, state, seconds: step.status === "done" ? step.seconds : null };
}
