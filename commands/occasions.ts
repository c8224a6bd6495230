import { lastOf, nextOf } from "../src/catalog/calendar.ts";
import type { Catalog, Occasion, Runbook, System } from "../src/catalog/types.ts";
import type { LastVerified } from "../src/incidents/index.ts";
import type { OccasionNow } from "../templates/messages/incident/calendar.ts";
import { lineFor } from "./line.ts";

/**
 * What is practised, verified and reviewed, and how each stands: what is overdue first, then by when it is next. It was done when
 * a run of its runbook, in its mode, ended verified; half a period early counts for the time that
 * follows. Whose roles are not told of a surprise is not told when it is.
 */
export function occasionsOf(
  catalog: Catalog,
  system: System,
  lastVerified: LastVerified,
  reader: string | null,
  now: Date,
): readonly OccasionNow[] {
  const roles = system.people.find(({ id }) => id === reader)?.roles ?? [];
  return (system.calendar ?? [])
    .map((occasion): OccasionNow => {
      const { title, kind, unannounced, tells } = occasion;
      const last = occasion.runbook === null ? null : lastVerified(system.id, occasion.runbook, occasion.mode);
      const hidden = unannounced && !tells.some((role) => roles.includes(role));
      const runbook = catalog.runbooks.find(({ system: of, id }) => of === system.id && id === occasion.runbook);
      return {
        ...{ system: system.title, title, kind, hidden, last },
        nextAt: hidden ? null : nextOf(occasion, now),
        overdueSince: hidden || last === null ? null : overdueSince(occasion, last.at, now),
        line: runbook === undefined ? null : lineOf(catalog, runbook, occasion),
      };
    })
    .sort(bySoonest);
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
  return `${lineFor(catalog, runbook, mode)}${kind === "drill" ? " --drill" : ""}`;
}

function overdueSince(occasion: Occasion, done: Date, now: Date): Date | null {
  const due = lastOf(occasion, new Date(now.getTime() - occasion.takesSeconds * 1000));
  const before = due && lastOf(occasion, due);
  if (due === null) return null;
  const early = before === null ? due.getTime() : (due.getTime() + before.getTime()) / 2;
  return done.getTime() >= early ? null : due;
}
