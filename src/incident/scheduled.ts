import type { System } from "../catalog/types.ts";
import { remindersOf } from "./actions.ts";
import { cadenceDue } from "./cadence.ts";
import type { NewEvent } from "./events.ts";
import type { IncidentState } from "./state.ts";

/** How long after an incident is closed its channel is archived, in seconds; null: never. */
export interface ScheduleRules {
  readonly archiveAfterSeconds: number | null;
}

export interface Scheduled {
  readonly events: readonly NewEvent[];
  readonly nextAt: Date | null;
}

/**
 * Everything the clock has to record now, and when it has to look again: what people were promised, action items that are due, and
 * the end of a closed incident's channel. Keys make each be recorded once, however many look.
 */
export function scheduled(state: IncidentState, system: System, now: Date, rules: ScheduleRules): Scheduled {
  const all = [cadenceDue(state, system, now), actionsDue(state, now), channelDue(state, now, rules)];
  const moments = all.flatMap(({ nextAt }) => (nextAt === null ? [] : [nextAt.getTime()]));
  return {
    events: all.flatMap(({ events }) => events),
    nextAt: moments.length === 0 ? null : new Date(Math.min(...moments)),
  };
}

const actor = { kind: "bot" } as const;

function actionsDue(state: IncidentState, now: Date): Scheduled {
  const reminders = remindersOf(state);
  const due = reminders.filter(({ at }) => at <= now);
  const later = reminders.filter(({ at }) => at > now).map(({ at }) => at.getTime());
  return {
    events: due.map(({ item: { id } }) => ({
      type: "action.reminded",
      data: { action: id },
      key: `action.reminded/${id}`,
      actor,
    })),
    nextAt: later.length === 0 ? null : new Date(Math.min(...later)),
  };
}

/** First it is said in the channel; a later setting doesn't move what was said. */
function channelDue({ closing, declared }: IncidentState, now: Date, rules: ScheduleRules): Scheduled {
  if (closing === undefined || closing.archiveDue || declared?.kind === "maintenance")
    return { events: [], nextAt: null };
  const key = `@${closing.at.toISOString()}`;
  if (closing.archiveAt === null) {
    if (rules.archiveAfterSeconds === null) return { events: [], nextAt: null };
    const at = new Date(Math.max(closing.at.getTime() + rules.archiveAfterSeconds * 1000, now.getTime())).toISOString();
    return {
      events: [{ type: "channel.archiveAnnounced", data: { at }, key: `channel.archiveAnnounced${key}`, actor }],
      nextAt: null,
    };
  }
  if (closing.archiveAt > now) return { events: [], nextAt: closing.archiveAt };
  return { events: [{ type: "channel.archiveDue", data: {}, key: `channel.archiveDue${key}`, actor }], nextAt: null };
}
