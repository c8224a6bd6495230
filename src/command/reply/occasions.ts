import type { AheadNow, OccasionNow } from "../../../templates/messages/incident/calendar.ts";
import { usableAhead } from "../../calendar/ahead.ts";
import { isTickedOff, startsItself } from "../../calendar/events.ts";
import { readCalendar } from "../../calendar/read.ts";
import { heldSlot, overdueSince, slotsAround } from "../../calendar/slots.ts";
import type { CalendarState, OccasionRecord } from "../../calendar/state.ts";
import { gateAhead, modeOfOccasion } from "../../catalog/approved-ahead.ts";
import { nextOf } from "../../catalog/calendar.ts";
import type { Catalog, Occasion, Runbook, System } from "../../catalog/types.ts";
import { nameOf } from "../../incident/people.ts";
import type { Timeline } from "../../timeline/contract.ts";
import { lineFor } from "./line.ts";

const YEAR_MS = 365 * 86_400_000;

/** What is practised, verified and reviewed of a system, and how each stands, from the record of its calendar. */
export async function occasionsIn(
  timeline: Pick<Timeline, "read" | "now">,
  catalog: Catalog,
  system: System,
  reader: string | null,
): Promise<readonly OccasionNow[]> {
  if ((system.calendar ?? []).length === 0) return [];
  const record = await readCalendar(timeline, system.id);
  return occasionsOf(catalog, system, record, reader, timeline.now());
}

/** What is overdue first, then by when it is next. Whose roles are not told of a surprise is not told when it is. */
export function occasionsOf(
  catalog: Catalog,
  system: System,
  state: CalendarState,
  reader: string | null,
  now: Date,
): readonly OccasionNow[] {
  return (system.calendar ?? [])
    .map((occasion): OccasionNow => {
      const { id, title, kind } = occasion;
      const record = state.occasions.get(id);
      const hidden = isHidden(system, occasion, reader);
      const runbook = catalog.runbooks.find((one) => one.system === system.id && one.id === occasion.runbook);
      const next = slotsAround(occasion, record, now).find(({ at }) => at > now);
      const held = next === undefined ? null : heldSlot(occasion, record, next.id);
      const recent = (at: Date) => now.getTime() - at.getTime() <= YEAR_MS;
      const slots = [...(record?.slots.values() ?? [])];
      const isStarted = slots.some(({ started, outcome }) => started !== null && outcome === null);
      return {
        ...{ system: system.title, entry: `${system.id}/${id}`, id, title, kind, hidden, isStarted },
        startsItself: startsItself(occasion),
        nextAt: hidden ? null : (held?.at ?? nextOf(occasion, now)),
        postponed: !hidden && held?.recorded?.postponedTo != null,
        overdueSince: hidden ? null : overdueSince(occasion, record, now),
        last: record?.done.at(-1) ?? null,
        missed: lastMissed(slots.flatMap(({ outcome }) => (outcome?.as === "missed" ? [outcome] : []))),
        year: {
          done: (record?.done ?? []).filter(({ at }) => recent(at)).length,
          missed: slots.filter(({ outcome }) => outcome?.as === "missed" && recent(outcome.at)).length,
        },
        ...(occasion.approvedAhead && runbook && { ahead: aheadOf(system, occasion, runbook, record, now) }),
        line: runbook === undefined || isTickedOff(occasion) ? null : lineOf(catalog, runbook, occasion),
      };
    })
    .sort(bySoonest);
}

function aheadOf(
  system: System,
  occasion: Occasion,
  runbook: Runbook,
  record: OccasionRecord | undefined,
  now: Date,
): AheadNow {
  const gate = gateAhead(runbook, modeOfOccasion(occasion, runbook));
  const { approvals = [], ended = null } = record?.ahead ?? {};
  const usable = record === undefined ? null : usableAhead(system, occasion, gate, record.ahead, now);
  if (usable === null) return { is: "open", missing: Math.max(1, (gate?.quorum ?? 1) - approvals.length), ended };
  const by = usable.approvals.map(({ person }) => nameOf(person, system));
  return { is: "approved", by, until: new Date(Math.min(...usable.approvals.map(({ until }) => Date.parse(until)))) };
}

/** A surprise, for who is not told of it. */
export function isHidden(system: System, { unannounced, tells, organiser }: Occasion, reader: string | null): boolean {
  const roles = system.people.find(({ id }) => id === reader)?.roles ?? [];
  return unannounced && ![...tells, organiser].some((role) => role !== null && roles.includes(role));
}

function lastMissed<T extends { readonly at: Date }>(missed: readonly T[]): T | null {
  return missed.toSorted((one, other) => other.at.getTime() - one.at.getTime())[0] ?? null;
}

/** What is overdue, the longest first, and then what is next. */
export function bySoonest(one: OccasionNow, other: OccasionNow): number {
  return rank(one) - rank(other);
}

function rank({ overdueSince, nextAt }: OccasionNow): number {
  if (overdueSince !== null) return overdueSince.getTime() - 1e15;
  return nextAt?.getTime() ?? Number.MAX_SAFE_INTEGER;
}

function lineOf(catalog: Catalog, runbook: Runbook, { mode, kind }: Occasion): string {
  const option = kind === "drill" ? " --drill" : kind === "tabletop" ? " --tabletop" : "";
  return `${lineFor(catalog, runbook, mode)}${option}`;
}
