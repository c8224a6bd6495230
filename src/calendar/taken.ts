import type { Occasion, System } from "../catalog/types.ts";
import { isPrivate } from "../incident/members.ts";
import type { IncidentState, RunState } from "../incident/state.ts";
import { missedEvent, recipientsOf } from "./due.ts";
import { BOT, type CalendarEvent } from "./events.ts";
import { heldSlot, postponedPart, slotFor } from "./slots.ts";
import type { CalendarState, OccasionRecord, Slot } from "./state.ts";

/**
 * What the runs of an incident were for the calendar: one that ended verified is a holding of the entry that names its runbook; one that
 * the calendar started and that ended otherwise is a missed one. What is recorded already is left out.
 * `told`: the system without who has left; they are told of nothing.
 */
export function takenPlace(
  system: System,
  state: CalendarState,
  incident: IncidentState,
  told = system,
): readonly CalendarEvent[] {
  if (isPrivate(incident.declared)) return [];
  return [...incident.runs.values()].flatMap((run) => {
    if (run.dryRun || (run.endedAt === null && !run.needed)) return [];
    return (system.calendar ?? []).flatMap((occasion) => ofRun(system, occasion, state, incident, run, told));
  });
}

function ofRun(
  system: System,
  occasion: Occasion,
  state: CalendarState,
  incident: IncidentState,
  run: RunState,
  told: System,
): readonly CalendarEvent[] {
  const record = state.occasions.get(occasion.id);
  const started = [...(record?.slots.values() ?? [])].find((slot) => slot.started?.run === run.id);
  if (run.ending?.as === "verified") {
    if (record?.done.some((done) => done.run === run.id)) return [];
    // A walk is no drill, and a drill no walk.
    if ((run.plan?.tabletop === true) !== (occasion.kind === "tabletop")) return [];
    if (run.runbook !== occasion.runbook || (occasion.mode !== null && run.mode !== occasion.mode)) return [];
    const event = doneBy(occasion, record, run.endedAt ?? new Date(0), {
      ...{ incident: incident.id, run: run.id, note: null, people: participants(system, incident, run) },
    });
    return event === null ? [] : [event];
  }
  if (started === undefined || started.outcome !== null) return [];
  if (run.endedAt === null) return needsPeople(occasion, started, run, told);
  const reason = `its run ended ${run.ending?.as ?? "without a result"}`;
  return [missedEvent(told, occasion, heldSlot(occasion, record, started.id), reason, run.id)];
}

/** Of a run that was approved ahead no one looks at its thread: its organiser and those it tells hear that it can't go on alone, once. */
function needsPeople(occasion: Occasion, slot: Slot, run: RunState, told: System): readonly CalendarEvent[] {
  if (slot.needed) return [];
  const reason = run.problem?.what ?? "it waits for a decision";
  const data = { occasion: occasion.id, slot: slot.id, run: run.id, reason, people: recipientsOf(told, occasion) };
  return [{ type: "occasion.needsPeople", data, key: `occasion.needsPeople/${run.id}`, actor: BOT }];
}

export interface DoneFacts {
  readonly incident: string | null;
  readonly run: string | null;
  readonly note: string | null;
  readonly people: readonly string[];
}

/**
 * `named`: the slot it counts for, where that is known. Null: its times never come, so there is nothing it could count for, or people have
 * ticked it off already.
 */
export function doneBy(
  occasion: Occasion,
  record: OccasionRecord | undefined,
  at: Date,
  facts: DoneFacts,
  named: string | null = null,
): CalendarEvent | null {
  const slot = named ?? slotFor(occasion, record, at, facts.run);
  const recorded = slot === null ? undefined : record?.slots.get(slot);
  if (slot === null || (facts.run === null && recorded?.outcome?.as === "done")) return null;
  const data = { occasion: occasion.id, slot, at: at.toISOString(), ...facts };
  const holding = facts.run ?? `${slot}${postponedPart(recorded)}`;
  return { type: "occasion.done", data, key: `occasion.done/${occasion.id}/${holding}`, actor: BOT };
}

/** Who had a part in it, person ids: who requested it, decided on it, or held a role. */
function participants({ people }: System, incident: IncidentState, run: RunState): readonly string[] {
  const decided = [...run.steps.values()].flatMap((step) =>
    step.status === "gate"
      ? [...step.gate.approvals.map(({ person }) => person), ...step.gate.talk.map(({ person }) => person)]
      : [],
  );
  const all = [run.requester, ...decided, ...incident.roles.values()];
  return [...new Set(all)].filter((one) => people.some(({ id }) => id === one));
}
