import { type Span, spansOf } from "../incident/accounting.ts";
import { isKnown, type LogEvent } from "../incident/evolve.ts";
import type { RunState } from "../incident/state.ts";

/**
 * When machines worked on a run, exactly: every attempt of every step from its start until it was verified, failed or
 * stopped, and the waits the plan asked for. `spansOf` knows only the last attempt of each step.
 */
export function workedSpans(events: readonly LogEvent[], run: RunState, now: Date): readonly Span[] {
  const begun = new Map<string, number>();
  const spans: Span[] = [];
  const end = (step: string, at: Date) => {
    const from = begun.get(step);
    if (from === undefined) return;
    begun.delete(step);
    if (run.steps.get(step)?.step.kind !== "manual") spans.push({ from, to: at.getTime() });
  };
  for (const event of events) {
    if (event.run !== run.id || !isKnown(event)) continue;
    switch (event.type) {
      case "step.started":
      case "step.opened":
        if (!begun.has(event.data.step)) begun.set(event.data.step, event.at.getTime());
        break;
      case "step.verified":
      case "step.failed":
      case "step.stopped":
      case "step.confirmed":
      case "step.skipped":
        end(event.data.step, event.at);
        break;
    }
  }
  for (const step of [...begun.keys()]) end(step, run.endedAt ?? now);
  const [preflight] = spansOf(run, now);
  return preflight ? [preflight, ...spans] : spans;
}
