import type { ShownFact } from "./events.ts";
import type { RunState } from "./state.ts";

/**
 * A planned run needs the old primary. Where it does not answer and the runbook can be run unplanned, that is the way on, and
 * the only one to be offered: what the runbook says has to be so beforehand does not help on that night.
 */
export function unplannedInstead(run: RunState, facts: readonly ShownFact[]): boolean {
  const offered = run.plan.modes?.includes("unplanned") ?? true;
  return (
    run.mode === "planned" && offered && facts.some(({ id, value }) => id === "primaryReachable" && value === false)
  );
}
