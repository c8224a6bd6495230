import type { Problem } from "../../../src/lib/errors.ts";

/** What is wrong with a command line, or with the place it was typed in. Functions of facts, as everything that is said. */

export function didYouMean(line: string | null): { readonly next?: string } {
  return line === null ? {} : { next: `Did you mean \`${line}\`?` };
}

/** `near`: the line that was probably meant. */
export function unknownCommand(word: string, near: string | null): Problem {
  const hint = { next: "`/dr help` lists them", ...didYouMean(near) };
  return { code: "verb-unknown", what: `There is no command "${word}"`, ...hint };
}

export function lineTooLong(most: number): Problem {
  return {
    code: "line-too-long",
    what: `A command can have at most ${most.toLocaleString("en")} characters`,
    stateNow: "Nothing was read or changed",
    next: "Send a shorter command",
  };
}

export interface OptionGiven {
  readonly verb: string;
  readonly usage: string;
  /** Without `--`. */
  readonly option: string;
}

export function unknownOption({ verb, option }: OptionGiven, known: readonly string[], near: string | null): Problem {
  return {
    code: "option-unknown",
    where: `/dr ${verb}`,
    what: `There is no option --${option}`,
    allowed: `Options: ${known.map((one) => `--${one}`).join(", ")}`,
    ...didYouMean(near),
  };
}

export function emptyOption({ verb, usage, option }: OptionGiven): Problem {
  const place = usage.split(`--${option}`)[1]?.match(/^[ =](<[^>]+>)/)?.[1] ?? "<value>";
  const next = `Write \`--${option} ${place}\` behind the command`;
  return { code: "option-empty", where: `/dr ${verb}`, what: `--${option} needs a value`, next };
}

export function fullOption({ verb, usage, option }: OptionGiven): Problem {
  return { code: "option-full", where: `/dr ${verb}`, what: `--${option} takes no value`, next: `\`${usage}\`` };
}

/** `mark`: the end of the request's key, as the log has it. */
export function unexpected(mark: string): Problem {
  return {
    code: "unexpected",
    what: "Something went wrong while answering",
    stateNow: "Something may have been written: check `/dr status`",
    next: `Try again; a repeat is harmless. Log id: ${mark}`,
  };
}

export function notWritten(): Problem {
  return { code: "not-written", what: "This couldn't be written", next: "Try again" };
}

/** `why`: a sentence of the transport, such as "Guests can't use Lifeboat". */
export function blocked(why: string): Problem {
  return {
    code: "account-blocked",
    what: why,
    allowed: "Who can: members of this workspace on a system's roster",
  };
}

export function onNoRoster(): Problem {
  return {
    code: "not-on-roster",
    what: "You're not on the roster of any system here",
    allowed: "Anyone in this workspace may declare an incident with `/dr declare`",
    next: "Ask your Lifeboat administrators to add you to the people of system.yml",
  };
}

export function notFromHere(why: string): Problem {
  return {
    code: "place",
    what: why,
    allowed: "Here you can only use: `/dr status`, `/dr list`, `/dr help`",
    stateNow: "Nothing was changed",
    next: "Use the incident's own channel, a direct message with Lifeboat or its Home tab",
  };
}

/** `usage`: of the command that was probably meant, without `/dr`; null: of none. `alone`: the mention began the message. */
export function notACommand(verb: string, usage: string | null, alone: boolean): Problem {
  return {
    code: "not-a-command",
    what: alone ? `\`${verb}\` only counts when it's the whole message` : "A mention inside other text isn't a command",
    stateNow: "Nothing was approved or changed",
    next:
      usage === null
        ? "Press a button, or begin the message with the mention: `@lifeboat status`"
        : `Press the button, or send this and nothing else: \`@lifeboat ${usage}\``,
  };
}

/** `next`: what to type instead. */
export function pressOnly(next: string): Problem {
  return { code: "press-only", what: "This is a button, not a command", next };
}

export function notATime(typed: string): Problem {
  return {
    code: "time-unreadable",
    what: `"${typed}" isn't a time`,
    allowed: "Write a time in UTC (02:41), a date and time (2026-11-21 02:41), or 10m ago",
  };
}

/** Of something only a running bot can do. */
const NO_BOT = {
  "resend-nowhere": "Nothing is delivered from here",
  "reload-nowhere": "There is nothing to reload here",
  "evidence-nowhere": "No evidence pack is made here",
} as const;

export function noBotHere(code: keyof typeof NO_BOT): Problem {
  const what = NO_BOT[code];
  return { code, what, next: "Ask a running bot" };
}

export function mayNotReload(roles: readonly string[], able: string): Problem {
  return {
    code: "reload-role",
    what: "You don't hold a role that may reload the catalogue",
    allowed:
      roles.length === 0
        ? "No system names such a role: `administrators:` in system.yml"
        : `${able} may (${roles.join(", ")})`,
    next: "Changed files reload automatically within a few seconds",
  };
}
