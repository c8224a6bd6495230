import type { Message } from "./message.ts";

/** A moment in the reader's own clock, with UTC beside it. For mrkdwn. */
export function at(moment: Date): string {
  const seconds = Math.floor(moment.getTime() / 1000);
  return `<!date^${seconds}^{date_short_pretty} {time_secs}|${stamp(moment)}> (${clock(moment)})`;
}

/**
 * The same message with UTC beside the first of its moments only: the others are in the reader's own clock already. Texts without blocks,
 * which are read where no clock is known, keep theirs.
 */
export function utcOnce(message: Message): Message {
  let isSaid = false;
  const once = (value: unknown): unknown => {
    if (typeof value === "string")
      return value.replace(BESIDE_A_MOMENT, (all, moment: string) => {
        const kept = isSaid ? moment : all;
        isSaid = true;
        return kept;
      });
    if (Array.isArray(value)) return value.map(once);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, once(one)]));
  };
  return { text: message.text, blocks: once(message.blocks) as Message["blocks"] };
}

const BESIDE_A_MOMENT = /(<!date\^[^>]{1,200}>) \(\d\d:\d\d(?::\d\d)? UTC\)/g;

/** The time of day in the reader's own clock, `02:41`; in UTC where nothing can know it. For mrkdwn. */
export function local(moment: Date): string {
  const seconds = Math.floor(moment.getTime() / 1000);
  return `<!date^${seconds}^{time}|${moment.toISOString().slice(11, 16)} UTC>`;
}

/** `2026-11-21 02:41:07 UTC` */
export function stamp(moment: Date): string {
  return `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** `02:41:07 UTC`, for sentences that are read aloud or stand beside a date. */
export function clock(moment: Date): string {
  return `${moment.toISOString().slice(11, 19)} UTC`;
}

/** A length of time as a person says it: `0.4 s`, `41 s`, `3 min 12 s`, `1 h 5 min`. */
export function lasting(seconds: number): string {
  if (seconds < 0) return `-${lasting(-seconds)}`;
  if (seconds < 9.95 && !Number.isInteger(seconds)) return `${(Math.round(seconds * 10) / 10).toString()} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
  return pair(Math.floor(minutes / 1440), "d", Math.floor((minutes % 1440) / 60), "h");
}

export function between(from: Date, to: Date): string {
  return lasting((to.getTime() - from.getTime()) / 1000);
}

function pair(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}
