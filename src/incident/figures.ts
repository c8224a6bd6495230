import { account, type PhaseName } from "./accounting.ts";
import type { RecordKind } from "./events.ts";
import { isAfterRecovery, recoveryOf } from "./recovery.ts";
import type { IncidentState, RunState } from "./state.ts";

/** What one run that was to change something took, against what was promised. Seconds; null: not measured, or not promised. */
export interface RunFigures {
  readonly system: string;
  readonly record: string;
  readonly kind: RecordKind;
  readonly run: string;
  readonly runbook: string;
  readonly title: string;
  readonly mode: "planned" | "unplanned";
  readonly at: Date;
  readonly outcome: "verified" | "failed" | "aborted" | "open";
  readonly rto: Figure;
  readonly rpo: Figure & { readonly rows: number | null; readonly method: string | null };
  readonly rtoFrom: "impact" | "declaration" | "interruption";
  /** Where the time went; null: not counted. */
  readonly parts: Readonly<Record<PhaseName, number>> | null;
}

export interface Figure {
  readonly seconds: number | null;
  readonly objective: number | null;
  /** Null: not judged. */
  readonly met: boolean | null;
}

/** Of every run but dry runs and undos, the oldest first. */
export function figuresOf(state: IncidentState): readonly RunFigures[] {
  const { declared } = state;
  if (declared === null) return [];
  return [...state.runs.values()]
    .filter((run) => !run.dryRun && run.plan.undoes === undefined)
    .map((run) => ofRun(state, declared, run));
}

function ofRun(state: IncidentState, declared: NonNullable<IncidentState["declared"]>, run: RunState): RunFigures {
  const found = recoveryOf(state, run);
  const later = isAfterRecovery(
    [...state.runs.values()].filter(({ dryRun }) => !dryRun),
    run,
  );
  const counted = later || run.ending === null ? null : account(state, run, run.endedAt ?? run.requestedAt);
  const parts = counted && Object.fromEntries(counted.phases.map(({ name, seconds }) => [name, seconds]));
  return {
    ...{ system: declared.system, record: state.id, kind: declared.kind, run: run.id },
    ...{ runbook: run.runbook, title: run.plan.title, mode: run.mode, at: run.requestedAt },
    outcome: run.ending?.as ?? "open",
    rto: {
      seconds: later ? null : found.rtoSeconds,
      objective: found.objectiveSeconds,
      met: later ? null : found.met,
    },
    rpo: {
      ...{ seconds: found.rpo?.seconds ?? null, objective: found.rpoObjectiveSeconds, met: found.rpoMet },
      ...{ rows: found.rpo?.rows ?? null, method: found.rpo?.method ?? null },
    },
    rtoFrom: found.from,
    parts: parts as RunFigures["parts"],
  };
}
