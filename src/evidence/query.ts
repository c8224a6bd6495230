import { LifeboatError } from "../lib/errors.ts";

/** What a pack is about. `from` is in it, `to` is not; both to the millisecond, UTC. */
export interface Query {
  readonly from: Date;
  readonly to: Date;
  /** Null: every system. */
  readonly system: string | null;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z$/;

/**
 * A day (its beginning, in UTC) or a moment in UTC as people type it.
 * @throws LifeboatError `moment-unreadable`
 */
export function momentIn(name: string, text: string): Date {
  const at = DAY.test(text)
    ? new Date(`${text}T00:00:00.000Z`)
    : MOMENT.test(text)
      ? new Date(text)
      : new Date(Number.NaN);
  // JavaScript takes 2026-02-31 for the third of March.
  if (Number.isFinite(at.getTime()) && at.toISOString().startsWith(text.slice(0, 10))) return at;
  throw new LifeboatError({
    code: "moment-unreadable",
    where: `--${name}`,
    what: `"${text}" is no moment`,
    allowed: "A day, or a moment in UTC: 2026-01-01, 2026-01-01T14:30Z",
  });
}

/** @throws LifeboatError `period-empty`, `period-not-over` */
export function queryOf(from: Date, to: Date, system: string | null, now: Date): Query {
  if (!(from < to))
    throw new LifeboatError({
      code: "period-empty",
      where: "--from, --to",
      what: `The period is empty: from ${from.toISOString()} to ${to.toISOString()}`,
      allowed: "--from is in the period, --to is the first moment after it",
    });
  if (to > now)
    throw new LifeboatError({
      code: "period-not-over",
      where: "--to",
      what: `The period isn't over: the store's clock says ${now.toISOString()}`,
      allowed: "A period that is over: only then the same query gives the same pack",
    });
  return { from, to, system };
}

/** The same as JSON, as every file of the pack that says it writes it. */
export function queryJson({ from, to, system }: Query) {
  return { from: from.toISOString(), to: to.toISOString(), system };
}
