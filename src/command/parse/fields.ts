import { FIELD_ERRORS } from "../../../templates/messages/kit/form.ts";
import { words } from "../../incident/decide/words.ts";
import { LifeboatError } from "../../lib/errors.ts";
import type { FormErrors } from "../command.ts";
import { momentIn } from "./moment.ts";

/** Fields of forms that are checked before a form closes. Each gives the error of one field, or none. */

/** A moment that may be left out and lies not ahead. */
export function pastMoment(form: Readonly<Record<string, string>>, field: string, now: Date): FormErrors {
  const typed = form[field]?.trim() ?? "";
  if (typed === "") return {};
  try {
    return momentIn(typed, now) <= now ? {} : { [field]: FIELD_ERRORS.future };
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    const { what, allowed } = error.problem;
    return { [field]: [what, allowed].filter(Boolean).join(". ") };
  }
}

/** A moment that was picked and lies ahead; words are taken as they are. */
export function comingMoment(form: Readonly<Record<string, string>>, field: string, now: Date): FormErrors {
  const picked = pickedIn(form[field] ?? "");
  return picked === null || picked > now ? {} : { [field]: FIELD_ERRORS.past };
}

/** The moment of a picker, which sends seconds since 1970; null: words, or nothing. */
export function pickedIn(given: string): Date | null {
  return /^\d{9,11}$/.test(given.trim()) ? new Date(Number(given) * 1000) : null;
}

/** Slack takes blanks, and characters no one sees, for an answer. */
export function blanks(form: Readonly<Record<string, string>>, required: readonly string[]): FormErrors {
  const empty = required.filter((field) => words(form[field] ?? "", 1) === null);
  return Object.fromEntries(empty.map((field) => [field, FIELD_ERRORS.empty]));
}

/** Codes of an authenticator, where the form asks for them. Whether they are the right ones is not looked at here. */
export function sixDigits(form: Readonly<Record<string, string>>, fields: readonly string[]): FormErrors {
  const wrong = fields.filter((field) => form[field] !== undefined && !/^\d{6}$/.test(form[field].replace(/\s/g, "")));
  return Object.fromEntries(wrong.map((field) => [field, FIELD_ERRORS.code]));
}
