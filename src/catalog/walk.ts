import { inOneBranch } from "./branches.ts";
import type { Path } from "./fault.ts";
import type { Gate, Mode, Runbook, RunbookStage, RunbookStep } from "./types.ts";

type ActionDoes = Extract<RunbookStep["does"], { kind: "action" }>;

/** A step with where it stands: in its file, and in the order of the runbook. */
export interface Placed {
  readonly step: RunbookStep;
  readonly stage: RunbookStage;
  readonly stageIndex: number;
  readonly stepIndex: number;
  readonly path: Path;
}

/** All steps in order; with a mode, those that run in it. */
export function stepsOf(runbook: Runbook, mode?: Mode): Placed[] {
  return runbook.stages.flatMap((stage, i) =>
    stage.steps
      .map((step, j) => ({ step, stage, stageIndex: i, stepIndex: j, path: step.path }))
      .filter(({ step }) => mode === undefined || runsIn(step, mode)),
  );
}

export function runsIn(step: RunbookStep, mode: Mode): boolean {
  return step.mode === null || step.mode === mode;
}

export function actionsOf(runbook: Runbook, mode?: Mode): (Placed & { readonly does: ActionDoes })[] {
  return stepsOf(runbook, mode).flatMap((placed) =>
    placed.step.does.kind === "action" ? [{ ...placed, does: placed.step.does }] : [],
  );
}

export function gatesOf(runbook: Runbook, mode?: Mode): (Placed & { readonly gate: Gate })[] {
  return stepsOf(runbook, mode).flatMap((placed) =>
    placed.step.does.kind === "gate" ? [{ ...placed, gate: placed.step.does.gate }] : [],
  );
}

/** True when `first` is over before `second` begins: the branches of one parallel stage are not in order. */
export function isBefore(first: Placed, second: Placed): boolean {
  if (first.stageIndex !== second.stageIndex) return first.stageIndex < second.stageIndex;
  return inOneBranch(first.stage, first.step.id, second.step.id) && first.stepIndex < second.stepIndex;
}

/** `postgres.promote` → `promote`. */
export function verbOf(action: string): string {
  return action.replace(/^.*\./, "");
}

export function targetOf(action: string): string {
  return action.slice(0, Math.max(0, action.length - verbOf(action).length - 1));
}
