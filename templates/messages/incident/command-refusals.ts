import { oneOf } from "../../../src/incident/people.ts";
import type { Problem } from "../../../src/lib/errors.ts";
import { didYouMean } from "../kit/command-refusals.ts";

/** What is wrong with a command about an incident, a system, a role or a person. */

export function noIncident(over: boolean): Problem {
  return {
    code: "no-incident",
    what: over ? "No incidents yet" : "No open incidents",
    next: over ? "Declare one: `/dr declare`" : "Declare one: `/dr declare`. What's over: `/dr list`",
  };
}

export function noIncidentOf(system: { readonly id: string; readonly title: string }): Problem {
  return {
    code: "no-incident",
    what: `${system.title} has no open incident`,
    next: `Declare one: \`/dr declare --system ${system.id}\``,
  };
}

/** `named`: a number or id, as typed. */
export function unknownIncident(named: string): Problem {
  return { code: "incident-unknown", what: `There is no incident ${named}`, next: "`/dr list` shows them" };
}

export function brokenTimelines(incidents: readonly string[]): Problem {
  return {
    code: "timeline-broken",
    where: incidents.join(", "),
    what: "This record was tampered with, so its status isn't known",
    stateNow: "Nothing was changed",
    next: "Name the incident you mean with --incident, and run lifeboat verify",
  };
}

/** `incident`: id; null: it isn't about one. */
export function systemGone(system: string, incident: string | null): Problem {
  return {
    code: "system-gone",
    ...(incident !== null && { where: incident }),
    what: `The system ${system} isn't in the catalogue`,
    next: "Put its system.yml back, then try again",
  };
}

/** `known`: ids. */
export function systemMissing(known: readonly string[]): Problem {
  return {
    code: "system-missing",
    what: "Say which system is affected",
    allowed: known.length > 0 ? `Systems: ${known.join(", ")}` : "The catalogue has no system",
    next: `Add it: \`/dr declare … --system ${known[0] ?? "<system>"}\``,
  };
}

/** `named`: as typed; true: the option had no value. */
export function unknownSystem(named: string | true, known: readonly string[], near: string | null): Problem {
  return {
    code: "system-unknown",
    what: named === true ? "--system needs a name" : `There is no system "${named}" here`,
    allowed: known.length > 0 ? `Systems: ${known.join(", ")}` : "The catalogue has no system that may run here",
    ...didYouMean(near),
  };
}

/** `named`: as typed; true: the option had no value. `severities`: with what each means. */
export function unknownSeverity(named: string | true, severities: string, hint: { readonly next?: string }): Problem {
  return {
    code: "severity-unknown",
    what: named === true ? "--severity needs a value" : `There is no severity "${named}"`,
    allowed: `Severities: ${severities}`,
    ...hint,
  };
}

export function severityNow(severity: string, severities: string): Problem {
  return {
    code: "severity-unknown",
    what: `Severity is ${severity} now`,
    allowed: `Severities: ${severities}`,
    next: "`/dr severity P0 <why>`",
  };
}

export const SEVERITY_HINT = { next: "`/dr severity P0 <why>`" } as const;

/** Incidents one person, or people on no roster together, may declare within an hour. `commanders`: who can declare it instead. */
export function tooManyDeclared(allowed: string, byOthersToo: boolean, commanders: readonly string[]): Problem {
  return {
    code: "declare-limit",
    what: byOthersToo
      ? "Too many incidents were declared within an hour"
      : "You declared too many incidents within an hour",
    allowed,
    stateNow: "This incident was not declared",
    next:
      commanders.length > 0
        ? `Call ${oneOf(commanders)}: they can declare it`
        : "Call on-call: people on the roster can declare it",
  };
}

export function declareLimit(incidents: number): string {
  return `${incidents} incidents an hour`;
}

export function declareLimitOffRoster(incidents: number, p0: number): string {
  return `People on no roster may declare ${incidents} incidents an hour, ${p0} of them P0`;
}

export function tooManyNotes(most: number): Problem {
  return {
    code: "note-limit",
    what: `You wrote ${most} notes within an hour`,
    allowed: `People on no roster may write ${most} notes an hour`,
    stateNow: "This note is not on the timeline",
    next: "Tell the incident commander in the channel",
  };
}

export function unknownRole(
  asked: string,
  roles: readonly { id: string; title: string }[],
  near: string | null,
): Problem {
  return {
    code: "role-unknown",
    what: asked === "" ? "Say which role" : `There is no role "${asked}"`,
    allowed: `Roles of an incident: ${roles.map(({ id, title }) => `${id} (${title})`).join(", ") || "none"}`,
    ...didYouMean(asked === "" ? null : near),
  };
}

export function unknownRoleCommand(typed: string): Problem {
  return {
    code: "role-words",
    what: `"${typed}" isn't a role command`,
    allowed: "`take` a role yourself, or `assign` it",
    next: "`/dr role take incident-commander`",
  };
}

/** `named`: as typed; null: no one was. `next`: the line to type. */
export function unknownPerson(
  named: string | null,
  system: { readonly title: string; readonly people: readonly { name: string; id: string }[] },
  next: string,
): Problem {
  return {
    code: "person-unknown",
    what: named === null ? "Say which role and who" : `${named} isn't on the roster of ${system.title}`,
    allowed: `Roster: ${system.people.map(({ name, id }) => `${name} (${id})`).join(", ")}`,
    next,
  };
}

/** `typed`: empty: none was. */
export function notADuration(typed: string): Problem {
  return {
    code: "delegation-length",
    what: typed === "" ? "Say for how long" : `"${typed}" isn't a duration`,
    allowed: "A number and its unit: 30m, 2h; a day at most",
    next: "`/dr delegate <role> to @sam for 2h`",
  };
}

export function unknownActionCommand(typed: string): Problem {
  return {
    code: "action-words",
    what: `"${typed}" isn't an action command`,
    allowed: "`add`, `done` or `list`",
    next: "`/dr action add <what>`",
  };
}

export function noIssueTracker(): Problem {
  return {
    code: "issue-template",
    what: "No issue tracker is set up here",
    next: "Set LIFEBOAT_ISSUE_URL, or give a link: `--link https://…`",
  };
}

export function notACount(typed: string): Problem {
  return {
    code: "count-unreadable",
    what: `"${typed}" isn't a number of entries`,
    next: "`/dr timeline --last 50`",
  };
}

/** `measured`: runbooks that have a picture. */
export function trendEmpty(runbook: string, measured: readonly string[]): Problem {
  return {
    code: "trend-empty",
    where: "--picture",
    what: `No run of ${runbook} was measured`,
    allowed: `Runbooks with figures: ${measured.join(", ")}`,
  };
}

/** `system`: its title. */
export function notOnRosterOf(system: string): Problem {
  return {
    code: "not-on-roster",
    where: system,
    what: "You're not on its roster, so you can't change its calendar",
    allowed: "People on the system's roster may do it",
  };
}

/** `entry`: its title. `organiser`: the title of its role. */
export function notTheOrganiser(entry: string, organiser: string): Problem {
  return {
    code: "calendar-not-yours",
    where: entry,
    what: "You can't tick its checklist or postpone it",
    allowed: `${organiser}, the roles it tells, and the incident commander may do it`,
  };
}
