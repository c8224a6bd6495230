import type { System } from "../catalog/types.ts";
import type { DataOf, EventType, Recorded } from "../incident/events.ts";
import { isKnown, type LogEvent } from "../incident/evolve.ts";
import type { IncidentState, RunState } from "../incident/state.ts";
import type { When } from "./when.ts";

/** What every part of a report is made of. */
export interface Known {
  readonly state: IncidentState;
  readonly events: readonly LogEvent[];
  readonly system: System;
  /** A person as people know them. */
  readonly names: (who: string) => string;
  readonly when: When;
  /** The day it began, on the calendar of the system. */
  readonly day: string;
  /** Runs that changed something or were to: dry runs are none. Oldest first. */
  readonly runs: readonly RunState[];
  /** Titles of what the calendar of the system says is overdue. */
  readonly overdue: readonly string[];
}

export type EventOf<T extends EventType> = Recorded & { readonly type: T; readonly data: DataOf<T> };

/** All events of one type, in order. */
export function eventsOf<T extends EventType>(events: readonly LogEvent[], type: T): readonly EventOf<T>[] {
  return events.filter((event) => isKnown(event) && event.type === type) as unknown as readonly EventOf<T>[];
}

/** The version of the event by which a step was seen to be done; null: it was not. */
export function doneAt({ events }: Pick<Known, "events">, run: RunState, step: string): number | null {
  const found = eventsOf(events, "step.verified").findLast((event) => event.run === run.id && event.data.step === step);
  return found?.version ?? null;
}

export function stepTitle(run: RunState | undefined, step: string): string {
  return run?.steps.get(step)?.step.title ?? step;
}
