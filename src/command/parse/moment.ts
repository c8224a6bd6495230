import { notATime } from "../../../templates/messages/kit/command-refusals.ts";
import { LifeboatError } from "../../lib/errors.ts";

/** What a date picker gives: seconds since 1970. */
const PICKED = /^\d{10}$/;

/**
 * A moment as people type it, in UTC: `02:41`, `02:41:30`, `2026-11-21 02:41`, `10m ago`, or ISO 8601; or as a date
 * picker gives it. A time of day alone is the last one that has passed. Throws what is allowed when it is none of these.
 */
export function momentIn(words: string, now: Date): Date {
  if (PICKED.test(words.trim())) return new Date(Number(words.trim()) * 1000);
  const time = /^(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*(?:z|utc))?$/i.exec(words.trim());
  const moment = time ? lastPassed(time, now) : (ago(words.trim(), now) ?? dated(words.trim()));
  if (moment === null || Number.isNaN(moment.getTime())) throw new LifeboatError(notATime(words));
  return moment;
}

function lastPassed([, hours, minutes, seconds]: RegExpExecArray, now: Date): Date | null {
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds ?? 0)];
  if (h > 23 || m > 59 || s > 59) return null;
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), h, m, s);
  return new Date(today <= now.getTime() ? today : today - 86_400_000);
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `10m ago`, `90 s ago`, `1h 30min ago`. */
function ago(words: string, now: Date): Date | null {
  const parts = /^((?:\d{1,5}\s*(?:s|sec|m|min|h|d)\s*)+)ago$/i.exec(words)?.[1];
  if (parts === undefined) return null;
  const seconds = [...parts.matchAll(/(\d{1,5})\s*([smhd])/gi)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * SECONDS[(unit ?? "s").toLowerCase() as keyof typeof SECONDS],
    0,
  );
  return new Date(now.getTime() - seconds * 1000);
}

function dated(words: string): Date | null {
  const found = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(z|utc|[+-]\d{2}:?\d{2})?$/i.exec(words);
  if (found === null) return null;
  const day = new Date(`${found[1]}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== found[1]) return null;
  const zone = found[3] === undefined || /^(z|utc)$/i.test(found[3]) ? "Z" : found[3];
  return new Date(`${found[1]}T${found[2]}${zone}`);
}
