import { lastOf, nextOf } from "../catalog/calendar.ts";
import type { Occasion } from "../catalog/types.ts";
import type { RunFigures } from "../incident/figures.ts";
import type { PolicyVersion } from "./policies.ts";
import type { Query } from "./query.ts";

/** One date of the calendar, and what became of it as far as runs say it. */
export interface Due {
  readonly system: string;
  readonly occasion: string;
  readonly title: string;
  readonly kind: Occasion["kind"];
  readonly runbook: string | null;
  readonly mode: Occasion["mode"];
  readonly unannounced: boolean;
  readonly at: Date;
  /**
   * `done`: a run of its runbook, in its mode, ended verified in the time that counts for it. `missed`: none did. `unknown`: no runbook says
   * whether it was done, or the time that counts began before the period. `planned`: its time isn't over.
   */
  readonly status: "done" | "missed" | "unknown" | "planned";
  /** The run that it was done by; null: none, or people ticked it off. */
  readonly run: string | null;
  /** The calendar recorded it itself. False: it follows from runs. */
  readonly recorded: boolean;
  /** Why it was missed or postponed, or what was noted when it was done. */
  readonly reason: string | null;
  readonly postponedTo: string | null;
}

/** What a calendar recorded of one date: the stream `cal-<system>`, by occasion and the time it was planned for. */
interface Slot {
  readonly status: "done" | "missed" | null;
  /** That held it: the one the calendar started for it, else the first that counted for it. */
  readonly run: string | null;
  /** That the calendar started for it. */
  readonly started: string | null;
  readonly reason: string | null;
  readonly postponedTo: string | null;
}

const NOTHING: Slot = { status: null, run: null, started: null, reason: null, postponedTo: null };

/** What calendars recorded, taken from their events as they come. A stream of another version has nothing this knows, and says nothing. */
export class CalendarRecords {
  readonly #slots = new Map<string, Slot>();

  take(stream: string, type: string, data: unknown): void {
    const { occasion, slot, run = null, reason, note, to } = data as Partial<Record<string, string | null>>;
    if (!stream.startsWith("cal-") || typeof occasion !== "string" || typeof slot !== "string") return;
    const key = keyOf(stream.slice("cal-".length), occasion, new Date(slot));
    const before = this.#slots.get(key) ?? NOTHING;
    if (type === "occasion.started") this.#slots.set(key, { ...before, started: run });
    else if (type === "occasion.done") {
      const isFirst = before.status !== "done" || (run !== null && run === before.started);
      this.#slots.set(key, isFirst ? { ...before, status: "done", run, reason: note ?? before.reason } : before);
    } else if (type === "occasion.missed" && before.status !== "done")
      this.#slots.set(key, { ...before, status: "missed", run, reason: reason ?? null });
    else if (type === "occasion.postponed")
      this.#slots.set(key, { ...before, postponedTo: to ?? null, reason: reason ?? before.reason });
  }

  of(system: string, occasion: string, at: Date): Slot | null {
    return this.#slots.get(keyOf(system, occasion, at)) ?? null;
  }
}

function keyOf(system: string, occasion: string, at: Date): string {
  return JSON.stringify([system, occasion, at.getTime()]);
}

/** At most so many dates of one entry: a daily verification over years. */
const MOST = 4_000;

/**
 * Every date that fell into the period by the calendar that was in force then. Half a period early counts for the date that follows, as
 * `/dr calendar` counts it.
 */
export function duesOf(
  system: string,
  versions: readonly PolicyVersion[],
  figures: readonly RunFigures[],
  records: CalendarRecords,
  { from, to }: Query,
): readonly Due[] {
  const dues = versions.flatMap((version, at) => {
    const begins = at === 0 || version.since === null ? from : later(from, version.since);
    const ends = earlier(to, versions[at + 1]?.since ?? to);
    return version.policy.calendar.flatMap((occasion) =>
      datesOf(occasion, begins, ends).map((date) =>
        recordedOf(dueOf(system, occasion, date, figures, { from, to }), records),
      ),
    );
  });
  return dues.sort((one, other) => one.at.getTime() - other.at.getTime() || (one.occasion < other.occasion ? -1 : 1));
}

function datesOf(occasion: Occasion, begins: Date, ends: Date): readonly Date[] {
  const found: Date[] = [];
  // The first moment of the period is in it.
  for (let at = nextOf(occasion, new Date(begins.getTime() - 1)); at !== null && at < ends; at = nextOf(occasion, at)) {
    if (at >= begins) found.push(at);
    if (found.length >= MOST) break;
  }
  return found;
}

function dueOf(
  system: string,
  occasion: Occasion,
  at: Date,
  figures: readonly RunFigures[],
  { from, to }: Pick<Query, "from" | "to">,
): Due {
  const before = lastOf(occasion, at);
  const after = nextOf(occasion, at);
  const opens = before === null ? at : new Date((before.getTime() + at.getTime()) / 2);
  const closes = after === null ? to : new Date((after.getTime() + at.getTime()) / 2);
  const run =
    occasion.runbook === null
      ? null
      : (figures.find(
          (one) =>
            one.system === system &&
            one.runbook === occasion.runbook &&
            (occasion.mode === null || one.mode === occasion.mode) &&
            one.outcome === "verified" &&
            one.at >= opens &&
            one.at < closes,
        ) ?? null);
  return {
    ...{ system, occasion: occasion.id, title: occasion.title, kind: occasion.kind, runbook: occasion.runbook },
    ...{ mode: occasion.mode, unannounced: occasion.unannounced, at, run: run?.run ?? null },
    ...{ recorded: false, reason: null, postponedTo: null },
    status: statusOf(occasion, run !== null, opens < from, closes > to),
  };
}

/** What the calendar recorded itself counts more than what follows from runs. */
function recordedOf(due: Due, records: CalendarRecords): Due {
  const found = records.of(due.system, due.occasion, due.at);
  if (found === null) return due;
  const { status, run, reason, postponedTo } = found;
  if (status === null) return { ...due, recorded: true, reason, postponedTo };
  return { ...due, recorded: true, status, run: run ?? (status === "done" ? due.run : null), reason, postponedTo };
}

function statusOf({ runbook }: Occasion, done: boolean, early: boolean, goesOn: boolean): Due["status"] {
  if (done) return "done";
  if (goesOn) return "planned";
  return runbook === null || early ? "unknown" : "missed";
}

/** Of those that are over and whose fate is known. Null: there is none. */
export function complianceOf(dues: readonly Due[]): { readonly done: number; readonly of: number } | null {
  const over = dues.filter(({ status }) => status === "done" || status === "missed");
  return over.length === 0 ? null : { done: over.filter(({ status }) => status === "done").length, of: over.length };
}

const later = (one: Date, other: Date) => (one > other ? one : other);
const earlier = (one: Date, other: Date) => (one < other ? one : other);
