import { isAnswered } from "../../../src/incident/authority.ts";
import type { IncidentStatus } from "../../../src/incident/events.ts";
import type { RunState, RunStatus, StepState } from "../../../src/incident/state.ts";

/** Statuses as they stand inside a sentence: always a word, with a mark for the eye beside it and never instead of it. */
export function statusWords(status: IncidentStatus): string {
  return status;
}

export function runStatusWords(run: RunState): string {
  return RUN_WORDS[run.status](run);
}

export function runMark(run: RunState): string {
  return isStarting(run) ? RUN_MARKS.running : RUN_MARKS[run.status];
}

const RUN_WORDS: Readonly<Record<RunStatus, (run: RunState) => string>> = {
  preflight: () => "running preflight checks",
  running: () => "running",
  waiting: (run) => waitingFor(run),
  paused: () => "paused",
  stopped: () => "blocked, needs a decision",
  aborted: () => "aborted",
  failed: () => "failed",
  verified: (run) => (run.dryRun ? "dry run finished, nothing changed" : "done and verified"),
};

const RUN_MARKS: Readonly<Record<RunStatus, string>> = {
  preflight: "🔎",
  running: "▶️",
  waiting: "✋",
  paused: "⏸️",
  stopped: "⚠️",
  aborted: "⏹️",
  failed: "❌",
  verified: "✅",
};

/** Enough people have approved, and what that covers has not begun: machines look once more. */
function isStarting(run: RunState): boolean {
  return run.status === "waiting" && awaitedIn(run).length === 0;
}

function awaitedIn(run: RunState): readonly StepState[] {
  return [...run.steps.values()].filter(
    (step) =>
      step.status === "open" || (step.status === "gate" && step.gate.outcome === "open" && !isAnswered(run, step.gate)),
  );
}

function waitingFor(run: RunState): string {
  const [open] = awaitedIn(run);
  if (open === undefined) return "approved, starting";
  if (open.status === "gate") return "waiting for approval";
  return open.step.kind === "manual" ? "waiting for a manual step" : "waiting";
}
