import { Cron } from "croner";
import { z } from "zod";
import { duration } from "./duration.ts";
import { id, mode, sentence } from "./schema-parts.ts";

/** How drills, verifications and reviews are put on the calendar of a system, and when each is next. */

const words = ["daily", "weekly", "monthly", "quarterly", "semi-annually", "annually"] as const;
const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
const kinds = ["drill", "verification", "backup", "restore-test", "tabletop", "review", "training"] as const;
/** How long an approval ahead may hold, seconds. */
const AHEAD_MIN = 86_400;
const AHEAD_MAX = 366 * 86_400;
const WEEKS_A_MONTH = 4;
const WEEKS_MAX = { daily: 0, weekly: 0, monthly: 4, quarterly: 12, "semi-annually": 24, annually: 48 } as const;

export const calendarSchema = z
  .record(
    id,
    z
      .strictObject({
        title: sentence,
        runbook: id
          .optional()
          .describe("What is run; left out: something people do, as the title and the checklist say"),
        mode: mode.optional().describe("The mode it is run in, where the runbook is offered in several"),
        kind: z
          .enum(kinds)
          .default("drill")
          .describe(
            "A drill changes something; a verification only looks; a backup makes one more copy; a restore-test restores beside its source. A tabletop walks a runbook without touching anything. Reviews and trainings are done by people and ticked off",
          ),
        organiser: id
          .optional()
          .describe(
            "A role. With a runbook: it's started at its hour, requested by the first holder of this role. Their own approval doesn't count. Left out: people start it",
          ),
        schedule: z
          .union([z.enum(words), z.string()])
          .describe(
            "A word (daily, weekly, monthly, quarterly, semi-annually, annually) or a cron expression: 0 2 * * *",
          ),
        week: z
          .int()
          .min(1)
          .max(48)
          .optional()
          .describe("With a word: in which week of the month, quarter, half or year; 1 if left out"),
        day: z.enum(days).optional().describe("With a word: the day of the week; tuesday if left out"),
        at: z
          .string()
          .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'A time of day, in quotes: "09:30"')
          .optional()
          .describe('With a word: the time of day, "09:30"; "10:00" if left out'),
        timezone: z.string().default("UTC").describe("An IANA name: Europe/Berlin. UTC if left out"),
        takes: duration.default(3600).describe("How long people keep free for it; 1h if left out"),
        tells: z
          .array(id)
          .default([])
          .describe("Roles that are told beforehand. With unannounced and an organiser: only the organiser is"),
        environment: z
          .literal("drill")
          .optional()
          .describe("drill: held in the drill environment (LIFEBOAT_DRILL_VALUES), and not at all where there is none"),
        audiences: z
          .array(z.enum(["responders", "executives", "customers"]))
          .optional()
          .describe(
            "Who may be sent updates in this drill, each marked DRILL; left out: responders and executives, or no one where it is unannounced",
          ),
        approvedAhead: z
          .strictObject({
            expires: duration
              .refine((seconds) => seconds >= AHEAD_MIN && seconds <= AHEAD_MAX, "Between 1d and 366d")
              .describe("How long an approval given ahead holds: 90d"),
          })
          .optional()
          .describe(
            "Its plan may be approved before its hour, by /dr calendar approve. Only for what looks or makes copies; left out: each run is approved when it's requested",
          ),
        unannounced: z.boolean().default(false).describe("True: a surprise; only those in tells know when"),
        checklist: id.optional().describe("A checklist of this system that is gone through before it begins"),
        afterwards: id
          .optional()
          .describe("A checklist to tick off when it is over: shown at the end of the drill's thread"),
      })
      .superRefine((one, issues) => {
        const fault = scheduleFault(one);
        if (fault !== null) issues.addIssue({ code: "custom", path: [fault.key], message: fault.what });
      }),
  )
  .describe("What is practised, verified and reviewed, and when");

type Written = z.output<typeof calendarSchema>;

/** When something is due, as it is written. */
interface When {
  readonly schedule: string;
  readonly week?: number | undefined;
  readonly day?: (typeof days)[number] | undefined;
  readonly at?: string | undefined;
  readonly timezone: string;
}

export type OccasionKind = (typeof kinds)[number];

/** Something that is due again and again. */
export interface Occasion {
  readonly id: string;
  readonly title: string;
  readonly runbook: string | null;
  readonly mode: "planned" | "unplanned" | null;
  readonly kind: OccasionKind;
  /** The role that requests it at its hour; null: people start it. */
  readonly organiser: string | null;
  /** As written: a word, or a cron expression. */
  readonly schedule: string;
  /** The same as a cron expression of croner's. */
  readonly cron: string;
  readonly timezone: string;
  readonly takesSeconds: number;
  readonly tells: readonly string[];
  /** Who may be sent updates in the drill. */
  readonly audiences: readonly ("responders" | "executives" | "customers")[];
  readonly unannounced: boolean;
  /** Its plan may be approved before its hour, and how long that holds. Absent: each run is approved when it's requested. */
  readonly approvedAhead?: { readonly expiresSeconds: number };
  /** Held in the drill environment; null: where its runbook says. */
  readonly environment: "drill" | null;
  readonly checklist: string | null;
  /** Ticked off when it is over. */
  readonly afterwards: string | null;
}

export function toCalendar(written: Written): readonly Occasion[] {
  return Object.entries(written).map(([id, one]) => ({
    id,
    title: one.title,
    runbook: one.runbook ?? null,
    mode: one.mode ?? null,
    kind: one.kind,
    organiser: one.organiser ?? null,
    schedule: one.schedule,
    cron: cronOf(one),
    timezone: one.timezone,
    takesSeconds: one.takes,
    tells: one.tells,
    audiences: one.audiences ?? (one.unannounced ? [] : ["responders", "executives"]),
    unannounced: one.unannounced,
    environment: one.environment ?? null,
    checklist: one.checklist ?? null,
    afterwards: one.afterwards ?? null,
    ...(one.approvedAhead && { approvedAhead: { expiresSeconds: one.approvedAhead.expires } }),
  }));
}

/** The first time after a moment. Null: never again. @throws when its cron expression or its time zone can't be read. */
export function nextOf({ cron, timezone }: Pick<Occasion, "cron" | "timezone">, after: Date): Date | null {
  return cronFor(cron, timezone).nextRun(after);
}

/** The last time before a moment. Null: there was none. @throws as `nextOf`. */
export function lastOf({ cron, timezone }: Pick<Occasion, "cron" | "timezone">, before: Date): Date | null {
  return cronFor(cron, timezone).previousRuns(1, before)[0] ?? null;
}

/** Read once each: a calendar is asked again and again. */
const crons = new Map<string, Cron>();

function cronFor(cron: string, timezone: string): Cron {
  const key = `${timezone} ${cron}`;
  const found = crons.get(key) ?? new Cron(cron, { timezone, paused: true });
  if (crons.size > 1000) crons.clear();
  crons.set(key, found);
  return found;
}

/** What is wrong with when it is; null: nothing. */
export function scheduleFault(
  written: Written[string],
): { key: "schedule" | "week" | "day" | "at" | "timezone"; what: string } | null {
  const { schedule, week } = written;
  if (!isWord(schedule)) {
    const stray = (["week", "day", "at"] as const).find((key) => written[key] !== undefined);
    if (stray !== undefined)
      return { key: stray, what: `A cron expression says itself when it is, without "${stray}"` };
  } else if (week !== undefined && week > WEEKS_MAX[schedule]) {
    const most = WEEKS_MAX[schedule];
    return {
      key: "week",
      what: most === 0 ? `"${schedule}" has no weeks to choose from` : `"${schedule}" has ${most} weeks, four a month`,
    };
  } else if (schedule === "daily" && written.day !== undefined) return { key: "day", what: `"daily" is on every day` };
  try {
    new Cron("0 0 * * *", { timezone: written.timezone, paused: true }).nextRun();
  } catch {
    return { key: "timezone", what: `There is no time zone "${written.timezone}"` };
  }
  if (isWord(schedule) && !/^\d\d:\d\d$/.test(written.at ?? "10:00")) return null;
  try {
    if (new Cron(cronOf(written), { paused: true }).nextRun() !== null) return null;
    return { key: "schedule", what: `"${schedule}" never comes` };
  } catch {
    return { key: "schedule", what: `"${schedule}" is neither a word for how often nor a cron expression` };
  }
}

function isWord(schedule: string): schedule is (typeof words)[number] {
  return (words as readonly string[]).includes(schedule);
}

/** `quarterly`, week 3, Tuesday: the third Tuesday of January, April, July and October. Four weeks count as a month. */
function cronOf({ schedule, week = 1, day = "tuesday", at = "10:00" }: When): string {
  if (!isWord(schedule)) return schedule;
  const [hour, minute] = at.split(":").map(Number);
  const time = `${minute} ${hour}`;
  const weekday = day.slice(0, 3).toUpperCase();
  if (schedule === "daily") return `${time} * * *`;
  if (schedule === "weekly") return `${time} * * ${weekday}`;
  const every = { monthly: 1, quarterly: 3, "semi-annually": 6, annually: 12 }[schedule];
  const first = Math.floor((week - 1) / WEEKS_A_MONTH) + 1;
  const months = Array.from({ length: 12 / every }, (_, i) => first + i * every);
  const nth = ((week - 1) % WEEKS_A_MONTH) + 1;
  return `${time} * ${every === 1 ? "*" : months.join(",")} ${weekday}#${nth}`;
}
