import { oneOf } from "../../../src/incident/people.ts";
import type { Problem } from "../../../src/lib/errors.ts";

/** What is wrong with a command that decides, or with the authenticator it needs. `run`: its title. */

export function stepsUnseen(run: string): Problem {
  return {
    code: "steps-unseen",
    where: run,
    what: "This plan is longer than its card, and its step list didn't open in time",
    stateNow: "Nothing was approved",
    next: "Press Approve again, or look at `/dr steps`",
  };
}

export function denyReason(run: string, id: string): Problem {
  return {
    code: "reason-missing",
    where: run,
    what: "Say why you deny it",
    stateNow: "Nothing was decided",
    next: `\`/dr deny ${id} <why>\``,
  };
}

export function escalateReason(run: string, id: string): Problem {
  return {
    code: "reason-missing",
    where: run,
    what: "Say why it can't wait",
    stateNow: "Nothing was escalated",
    next: `\`/dr escalate ${id} <why>\``,
  };
}

/** Others who may decide, by name: an addition to what went wrong with a code. */
export function orDecidedBy(names: readonly string[]): { readonly allowed?: string } {
  return names.length === 0 ? {} : { allowed: `${oneOf(names)} may decide it as well` };
}

export function nothingDecided(run: string): Pick<Problem, "where" | "stateNow"> {
  return { where: run, stateNow: "Nothing was decided" };
}

export const NOTHING_CHANGED = { stateNow: "Nothing was changed" } as const;

export function noAuthenticators(): Problem {
  return { code: "proof-closed", what: "Authenticators can't be set up here" };
}

export function notEnrolled(run: string): Problem {
  return {
    code: "proof-not-enrolled",
    where: run,
    what: "This approval needs an authenticator code. You haven't set one up",
    next: "`/dr enroll` sets it up in a minute; then press the button again",
  };
}

/** A role that decides where a code is requested is handed over with one. */
export function delegateNotEnrolled(role: string): Problem {
  return {
    code: "proof-not-enrolled",
    where: role,
    what: "This role decides approvals that need an authenticator code, so delegating it needs one. You haven't set one up",
    stateNow: "Nothing was delegated",
    next: "`/dr enroll` sets it up in a minute; then delegate again",
  };
}

/** `typed`: the command, to which the code is added. */
export function codeMissing(run: string, typed: string): Problem {
  return {
    code: "proof-missing",
    where: run,
    what: "This needs a current authenticator code",
    next: `\`${typed} --code 123456\``,
  };
}

export function endorseCodeMissing(person: string): Problem {
  return {
    code: "proof-missing",
    what: "This needs a current authenticator code. Speak to them first, not by Slack",
    next: `\`/dr vouch ${person} --code 123456\``,
  };
}

export function endorseStranger(): Problem {
  return { code: "vouch-stranger", what: "You and they aren't on the same roster" };
}

export function endorseSelf(): Problem {
  return {
    code: "vouch-own",
    what: "You can't vouch for yourself",
    allowed: "Another person on the roster with an authenticator can vouch",
  };
}

export function endorseNothing(person: string): Problem {
  return {
    code: "vouch-nothing",
    what: `${person} hasn't set up an authenticator yet`,
    next: "They set it up with `/dr enroll`; then vouch for it",
  };
}

/** `why`: what is wrong with their own; absent: it counts by another's word only. */
export function endorserTooNew(why: string | undefined): Problem {
  return {
    code: "vouch-new",
    what: "Your own authenticator is missing or too new to vouch with",
    allowed: "A colleague with an older authenticator can vouch",
    ...(why !== undefined && { next: why }),
  };
}
