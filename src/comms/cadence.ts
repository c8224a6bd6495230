import type { System } from "../catalog/types.ts";
import { fold } from "../incident/evolve.ts";
import { type ScheduleRules, scheduled } from "../incident/scheduled.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Timeline } from "../timeline/contract.ts";
import type { Schedule } from "../timeline/schedule.ts";

export interface CadenceOptions {
  readonly timeline: Pick<Timeline, "decide" | "now">;
  readonly read: (incident: string) => Promise<IncidentState>;
  readonly schedule: Schedule;
  readonly rules: ScheduleRules;
}

/** Keeps the promises made to people: reminds of an update that is due, records one that is late, and says when to look next. */
export interface CadenceWorker {
  /** Rejects nothing that is due: it is written, or looked at again. `system` null: it is in no catalogue any more. */
  look(state: IncidentState, system: System | null): Promise<void>;
  /** Incidents whose moment has come and that this process looks at now. */
  due(): Promise<readonly string[]>;
  /** How far each of these was looked at. */
  versions(incidents: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** A look that dies is done again by another process after this. */
const LOOK_SECONDS = 15;
const LOOKS_AT_ONCE = 20;

export function createCadenceWorker({ timeline, read, schedule, rules }: CadenceOptions): CadenceWorker {
  const planned = new Map<string, number | null>();
  /** Incidents whose moment this process has taken on, and has to say the next of. */
  const claimed = new Set<string>();

  /** Decided once more where it is written, with the store's clock and every event there is: it is recorded once. */
  async function remind(incident: string, system: System): Promise<void> {
    const decided = await timeline.decide(incident, (events, now) => ({
      // Runs are not read: nothing that is due depends on them.
      events: scheduled(fold(incident, events, new Map()), system, now, rules).events,
      value: null,
    }));
    // What was written is looked at as any change is. Nothing was: this clock ran ahead, or another was quicker.
    if (decided.kind === "written" && decided.events.length === 0)
      await lookAgain(await read(incident), new Date(timeline.now().getTime() + 1000));
  }

  /** Written only when it changes: most events of a run promise nothing. */
  async function lookAgain({ id, version }: IncidentState, nextAt: Date | null): Promise<void> {
    const at = nextAt?.getTime() ?? null;
    if (!claimed.delete(id) && planned.get(id) === at) return;
    await schedule.set(id, version, nextAt);
    planned.set(id, at);
  }

  return {
    async look(state, system) {
      if (system === null) return lookAgain(state, null);
      const { events, nextAt } = scheduled(state, system, timeline.now(), rules);
      if (events.length > 0) await remind(state.id, system);
      else await lookAgain(state, nextAt);
    },
    async due() {
      const incidents = await schedule.claim(LOOK_SECONDS, LOOKS_AT_ONCE, "inc-");
      for (const incident of incidents) claimed.add(incident);
      return incidents;
    },
    versions: (incidents) => schedule.versions(incidents),
  };
}
