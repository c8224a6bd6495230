import type { Cadence, System } from "../catalog/types.ts";
import type { DueKind, NewEvent } from "./events.ts";
import { isPrivate } from "./members.ts";
import type { IncidentState, UpdateState } from "./state.ts";

/** Something people were promised to be told, and have not been told yet. */
export interface Due {
  /** Stable: the promise and what it counts from, `update@17`. */
  readonly id: string;
  readonly kind: DueKind;
  readonly dueAt: Date;
  /** When the comms lead is to be reminded next; a snooze moves it, never `dueAt`. */
  readonly remindAt: Date;
  readonly reminded: boolean;
  /** It is recorded as late. */
  readonly late: boolean;
}

/**
 * What is owed now, by the cadence of today's severity: while an incident is open the first notice or the next update,
 * after it the resolution and the post-mortem. Asked without a clock; empty where nothing is promised, and where only members know.
 */
export function duesOf(state: IncidentState, system: System): readonly Due[] {
  const cadence = system.cadence?.find(({ severity }) => severity === state.severity);
  const { opened, over } = state.comms;
  if (cadence === undefined || opened === null || state.declared?.kind === "maintenance") return [];
  if (isPrivate(state.declared)) return [];
  const said = state.comms.updates.filter(({ audience }) => cadence.counts.includes(audience));
  if (over !== null) {
    const since = said.filter(({ version }) => version > over.version);
    const told = (moment: string) => since.some((update) => update.moment === moment);
    return [
      ...dueWithin(state, cadence, "resolution", over, cadence.resolutionSeconds, told("resolution")),
      ...dueWithin(state, cadence, "postmortem", over, cadence.postmortemSeconds, told("postmortem")),
    ];
  }
  const last = said.findLast(({ version }) => version > opened.version);
  if (last !== undefined) return dueWithin(state, cadence, "update", last, cadence.updatesSeconds, false);
  if (cadence.firstNoticeSeconds !== null)
    return dueWithin(state, cadence, "firstNotice", opened, cadence.firstNoticeSeconds, false);
  return dueWithin(state, cadence, "update", opened, cadence.updatesSeconds, false);
}

/** When people are owed the next word if something is said now; null: nothing is promised. */
export function nextUpdateAt(state: IncidentState, system: System, now: Date): Date | null {
  const cadence = system.cadence?.find(({ severity }) => severity === state.severity);
  const seconds = cadence?.updatesSeconds ?? null;
  return seconds === null || state.comms.over !== null ? null : new Date(now.getTime() + seconds * 1000);
}

/**
 * What the clock has to record now, and when it has to look again. Reminders that were missed collapse into one; one
 * that was missed altogether is told as late. Keys make each be recorded once, however many look.
 */
export function cadenceDue(
  state: IncidentState,
  system: System,
  now: Date,
): { readonly events: readonly NewEvent[]; readonly nextAt: Date | null } {
  const events: NewEvent[] = [];
  const moments: Date[] = [];
  for (const due of duesOf(state, system)) {
    const { id, kind, remindAt, dueAt } = due;
    const data = { due: id, kind, dueAt: dueAt.toISOString() };
    const actor = { kind: "bot" } as const;
    if (now >= dueAt && !due.late) {
      events.push({ type: "comms.late", data, key: `comms.late/${id}`, actor });
      if (remindAt > now) moments.push(remindAt);
      continue;
    }
    if (now >= remindAt && !due.reminded) {
      events.push({ type: "comms.reminded", data, key: `comms.reminded/${id}/${remindAt.toISOString()}`, actor });
    } else if (!due.reminded) moments.push(remindAt);
    if (!due.late) moments.push(dueAt);
  }
  const nextAt = moments.reduce<Date | null>((first, at) => (first === null || at < first ? at : first), null);
  return { events, nextAt };
}

type Anchor = Pick<UpdateState, "version" | "at">;

function dueWithin(
  state: IncidentState,
  cadence: Cadence,
  kind: DueKind,
  from: Anchor,
  seconds: number | null,
  kept: boolean,
): readonly Due[] {
  if (seconds === null || kept) return [];
  const id = `${kind}@${from.version}`;
  const dueAt = new Date(from.at.getTime() + seconds * 1000);
  const ahead = Math.min(cadence.remindSeconds, seconds / 2);
  const { reminded, snoozed, late } = state.comms;
  const until = snoozed.get(id);
  const last = reminded.get(id);
  const isLate = late.has(id);
  return [
    {
      id,
      kind,
      dueAt,
      remindAt: until ?? new Date(dueAt.getTime() - ahead * 1000),
      // Told late, it needs no reminder of its own, unless someone asked to be reminded again.
      reminded: until === undefined ? last !== undefined || isLate : last !== undefined && last >= until,
      late: isLate,
    },
  ];
}
