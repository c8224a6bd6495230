import type { System } from "../catalog/types.ts";
import { unresolvedDue } from "../incident/unresolved.ts";
import type { Incidents } from "../incidents/index.ts";
import type { Logger } from "../lib/log.ts";
import { createProjector, type Projector } from "../projection/projector.ts";
import type { Timeline } from "../timeline/contract.ts";

export interface ResponseMonitorOptions {
  readonly timeline: Pick<Timeline, "follow" | "now">;
  readonly incidents: Pick<Incidents, "read" | "decide" | "toCatchUp">;
  readonly systems: () => readonly System[];
  readonly log: Logger;
  readonly everyMs?: number;
}

/**
 * Records by the store's clock that an incident goes on and reaches the next level, and that no one took it on in time. What is due is decided in the
 * transaction that writes it, so any number of processes record it once; after a restart every open incident is looked at again.
 */
export function createResponseMonitor({
  timeline,
  incidents,
  systems,
  log,
  everyMs,
}: ResponseMonitorOptions): Projector {
  /** When each open incident has to be looked at though nothing happens to it. */
  const next = new Map<string, number>();
  const systemOf = (id: string | undefined) => systems().find((one) => one.id === id);

  async function look(stream: string): Promise<void> {
    const state = await incidents.read(stream);
    const system = systemOf(state.declared?.system);
    next.delete(stream);
    if (system === undefined) return;
    const due = unresolvedDue(state, system, timeline.now());
    if (due.nextAt !== null) next.set(stream, due.nextAt.getTime());
    if (due.events.length === 0) return;
    const decided = await incidents.decide(stream, (now, _, at) => {
      const today = systemOf(now.declared?.system);
      return { events: today === undefined ? [] : unresolvedDue(now, today, at).events, value: null };
    });
    // This clock ran ahead of the store's: it is looked at again by the next round.
    if (decided.kind === "written" && decided.events.length === 0) next.set(stream, timeline.now().getTime());
  }

  const projector = createProjector({
    name: "response-monitor",
    timeline,
    log,
    look,
    missed: async () => (await incidents.toCatchUp()).flatMap(({ id, over }) => (over ? [] : [id])),
    async round() {
      const now = timeline.now().getTime();
      for (const [stream, at] of next) if (at <= now) projector.changed(stream);
    },
    ...(everyMs !== undefined && { everyMs }),
  });
  return projector;
}
