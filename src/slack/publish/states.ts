import type { Plan } from "../../catalog/types.ts";
import { blankIncident, evolve, plansNeeded } from "../../incident/evolve.ts";
import type { IncidentState } from "../../incident/state.ts";
import type { Timeline } from "../../timeline/contract.ts";

/** Incidents as they are now, each folded on from where it was last looked at. */
export interface States {
  read(stream: string): Promise<IncidentState>;
}

const KEPT = 200;

export function createStates(timeline: Pick<Timeline, "read" | "planOf" | "onReread">): States {
  const known = new Map<string, IncidentState>();
  const reading = new Map<string, Promise<IncidentState>>();
  const plans = new Map<string, Plan>();
  let generation = 0;
  timeline.onReread(() => {
    generation += 1;
    known.clear();
  });

  async function learnPlans(needed: readonly { run: string; planHash: string }[]): Promise<void> {
    for (const { run, planHash } of needed) {
      if (plans.has(planHash)) continue;
      const stored = await timeline.planOf(run);
      if (stored?.planHash === planHash)
        plans.set(planHash, JSON.parse(Buffer.from(stored.planBytes).toString("utf8")) as Plan);
    }
  }

  async function readOn(stream: string): Promise<IncidentState> {
    const begun = generation;
    let state = known.get(stream) ?? blankIncident(stream);
    const events = await timeline.read(stream, state.version);
    await learnPlans(plansNeeded(events));
    for (const event of events) state = evolve(state, event, plans);
    // What was read before it all changed is not gone on from.
    if (begun !== generation) return readOn(stream);
    known.delete(stream);
    known.set(stream, state);
    if (known.size > KEPT) known.delete(known.keys().next().value as string);
    return state;
  }

  return {
    read(stream) {
      const before = reading.get(stream) ?? Promise.resolve();
      const next = before.then(
        () => readOn(stream),
        () => readOn(stream),
      );
      reading.set(stream, next);
      const forget = () => {
        if (reading.get(stream) === next) reading.delete(stream);
      };
      next.then(forget, forget);
      return next;
    },
  };
}
