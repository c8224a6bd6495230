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
  readonly run: RunFigures | null;
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
  { from, to }: Query,
): readonly Due[] {
  const dues = versions.flatMap((version, at) => {
    const begins = at === 0 || version.since === null ? from : later(from, version.since);
    const ends = earlier(to, versions[at + 1]?.since ?? to);
    return version.policy.calendar.flatMap((occasion) =>
      datesOf(occasion, begins, ends).map((date) => dueOf(system, occasion, date, figures, { from, to })),
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
    ...{ mode: occasion.mode, unannounced: occasion.unannounced, at, run },
    status: statusOf(occasion, run !== null, opens < from, closes > to),
  };
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
