import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../src/catalog/types.ts";
import { fold, type LogEvent } from "../../src/incident/evolve.ts";
import type { IncidentState } from "../../src/incident/state.ts";
import { canonicalBytes } from "../../src/lib/canonical.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { StoredEvent, Timeline } from "../../src/timeline/contract.ts";

interface Kept {
  readonly stream: string;
  readonly events: readonly (Omit<LogEvent, "at"> & { readonly at: string })[];
  readonly plans: readonly { readonly planHash: string; readonly plan: Plan }[];
}
/** The three timelines that 0.1 wrote in practice: a planned failover, the rejoin after it, and a region failover. */
export const timelines: readonly Kept[] = JSON.parse(
  readFileSync(join(projectRoot(), "test/incident/fixtures/timelines-0.1.json"), "utf8"),
);

/** One of them, as it was. */
export function recorded(index: number): { readonly state: IncidentState; readonly events: readonly StoredEvent[] } {
  const { stream, events, plans } = timelines[index] as Kept;
  const stored = events.map((event, at) => ({ ...event, stream, version: at + 1, at: new Date(event.at), hash: "h" }));
  const known = new Map(plans.map(({ planHash, plan }) => [planHash, plan]));
  return { state: fold(stream, stored as unknown as LogEvent[], known), events: stored as unknown as StoredEvent[] };
}

/** Writes one of them to a store, as happening now. @param change of the data of its declaration */
export async function replay(timeline: Timeline, index: number, as: string, change: object = {}): Promise<void> {
  const { events, plans } = timelines[index] as Kept;
  for (const event of events) {
    const { type, run = null, key, actor } = event as unknown as StoredEvent;
    const given = (event as unknown as StoredEvent).data as { planHash?: string };
    const data = type === "incident.declared" ? { ...given, ...change } : given;
    const asked = plans.find(({ planHash }) => type === "run.requested" && planHash === given.planHash);
    const id = run === null ? null : `${as}-${run}`;
    await timeline.decide(as, () => ({
      events: [{ type, data, key, actor, run: id }],
      runs:
        asked === undefined || id === null
          ? []
          : [{ id, planHash: asked.planHash, planBytes: canonicalBytes(asked.plan), resources: [] }],
      value: null,
    }));
  }
}
