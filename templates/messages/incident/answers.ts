import type { Occasion, Role, System } from "../../../src/catalog/types.ts";
import type { SeverityId } from "../../../src/incident/events.ts";
import { actionValue } from "../kit/action-value.ts";
import { cut, safe } from "../kit/escape.ts";
import type { Message } from "../kit/message.ts";
import { said } from "../kit/reply.ts";
import { at, clock } from "../kit/when.ts";

/**
 * What a person is told when their command about an incident, its roles, its action items or the calendar was carried out. `where` and
 * names of people are safe already: a channel or an incident as mrkdwn.
 */

export function notDeclared(): Message {
  return said("No incident was declared here.");
}

export interface Declared {
  readonly name: string;
  readonly title: string;
  readonly severity: SeverityId;
  readonly system: System;
  /** Its channel; null: it is being created. */
  readonly where: string | null;
  /** What can't be relied upon now, safe. */
  readonly warnings: readonly string[];
  /** Where it is announced, if that is another place than this one. */
  readonly elsewhere: string | null;
}

export function declared({ name, title, severity, system, where, warnings, elsewhere }: Declared): Message {
  return said([
    `${severity} incident declared: ${safe(name)} *${safe(title)}* (${safe(system.title)}).`,
    where === null ? "Creating its channel; the announcement will link it." : `Handled in ${where}.`,
    ...warnings,
    ...(elsewhere === null ? [] : [`Announced in ${elsewhere}: direct messages reach no one else.`]),
    "Next: take a role with `/dr role take`, or start a recovery with `/dr failover`.",
  ]);
}

/** It is announced nowhere, so who declares is told where it is. */
export function declaredPrivately(name: string, severity: SeverityId, where: string | null): Message {
  return said([
    `Private ${severity} incident declared: ${safe(name)}. Only its members see it.`,
    where === null ? "Creating its private channel; you're invited." : `Handled in ${where}.`,
    "Next: invite people with `/dr invite @who`.",
  ]);
}

export function raised(severity: SeverityId, where: string | null): Message {
  return said(
    `The maintenance is an incident now (${severity}). ${where === null ? "Creating its channel." : `Handled in ${where}.`}`,
  );
}

export function severityChanged(where: string, to: SeverityId, reason: string | null): Message {
  return said(`${where} is ${to} now${reason ? `: ${safe(reason)}` : "."}`);
}

export function statusChanged(where: string, to: string): Message {
  return said(`${where} is ${to} now.`);
}

export function resolved(where: string, incident: string): Message {
  return said(
    [
      `${where} is resolved.`,
      "Next: the post-mortem, drafted from the timeline with `/dr postmortem`. Not over? `/dr reopen <why>`.",
    ],
    { label: "Draft post-mortem", verb: "postmortem", actionValue: actionValue(incident), style: "primary" },
  );
}

export function reopened(where: string, reason: string): Message {
  return said(`${where} is open again: ${safe(reason)}`);
}

export function closed(where: string): Message {
  return said([`${where} is closed.`, "Not over? `/dr reopen <why>`."]);
}

export function invited(people: readonly string[], where: string): Message {
  return said(`${people.join(", ")} can see ${where} now.`);
}

export function noted(where: string, text: string, happenedAt: Date | null): Message {
  const when = happenedAt ? `, at ${clock(happenedAt)}` : "";
  return said(`Noted on the timeline of ${where}${when}: ${safe(text)}`);
}

/** @param version the last event that is covered. @param proved with a second factor */
export function signedOff(where: string, statement: string, version: number, proved: boolean): Message {
  return said([
    `${where} is signed off: ${safe(statement)}`,
    `Covers: events 1 to ${version}`,
    `Second factor: ${proved ? "yes" : "no. `/dr enroll` sets one up"}`,
  ]);
}

export function triageStarted(where: string): Message {
  return said(`The triage is in ${where}. It only looks; nothing is changed.`);
}

/** @param open, over: lines of incidents, safe */
export function incidentList(open: readonly string[], over: readonly string[]): Message {
  return said([
    open.length === 0 ? "No open incidents." : "*Open*",
    ...open,
    ...(over.length === 0 ? [] : ["*Over*", ...over]),
  ]);
}

/** @param lines entries, safe. @param whole whether there are no others */
export function timelineShown(title: string, lines: readonly string[], whole: boolean): Message {
  return said([`*${safe(title)}*`, ...lines, ...(whole ? [] : ["Earlier entries: `/dr timeline --file`"])]);
}

export function timelineFile(title: string, entries: number): Message {
  return said(`The timeline of ${safe(title)}: ${entries} entries.`);
}

/** @param from who had it before, safe; null: no one. @param mine whether the reader has it now */
export function roleGiven({ title, explains }: Role, name: string, mine: boolean, from: string | null): Message {
  return said([
    `${mine ? "You are" : `${safe(name)} is`} *${safe(title)}* now${from === null ? "" : `, after ${from}`}.`,
    ...(explains === "" ? [] : [safe(explains)]),
    ...(mine ? [] : ["The incident's channel is told."]),
  ]);
}

/** @param roles each with its holder, safe; null: open */
export function roleList(
  system: System,
  roles: readonly { readonly role: Role; readonly holder: string | null }[],
): Message {
  if (roles.length === 0) return said(`${safe(system.title)} has no incident roles.`);
  return said([
    "Roles of this incident:",
    ...roles.map(({ role: { id, title, explains }, holder }) => {
      const who = holder ?? `open, \`/dr role take ${id}\``;
      return `• *${safe(title)}*: ${who}. ${safe(explains)}`;
    }),
  ]);
}

/** @param line the item, safe; null: it isn't known here */
export function actionAdded(incident: string, line: string | null): Message {
  return said(
    line === null ? "The action item is on the timeline." : `Action item added to ${safe(incident)}: ${line}`,
  );
}

export function actionDone(incident: string, id: string): Message {
  return said(`${safe(incident)}/${safe(id.toUpperCase())} is done.`);
}

export function actionsOf(incident: string, lines: readonly string[]): Message {
  return said([
    `*Action items of ${safe(incident)}*`,
    ...(lines.length === 0 ? ["None. Add one: `/dr action add <what>`"] : lines.map((line) => `• ${line}`)),
  ]);
}

export function actionsOpen(lines: readonly string[]): Message {
  if (lines.length === 0) return said("No open action items.");
  return said(["*Open action items*", ...lines.map((line) => `• ${line}`)]);
}

/** What was sent and opened no incident. `kind`: a key of the tally. */
export interface StrayAlerts {
  readonly kind: string;
  readonly who: string;
  readonly count: number;
  readonly lastAt: Date;
  readonly last: string | null;
}

export function alertList(lines: readonly string[], strays: readonly StrayAlerts[]): Message {
  const head = lines.length === 0 ? ["The catalogue has no alerts for this channel."] : lines;
  return said([...head, ...strayLines(strays)]);
}

function strayLines(strays: readonly StrayAlerts[]): readonly string[] {
  if (strays.length === 0) return [];
  const lines = strays.map(({ kind, who, count, lastAt, last }) => {
    const says = last ? ` (${safe(cut(last, 160))})` : "";
    return `• ${STRAY[kind] ?? kind}: ${safe(cut(who, 120))}, ${count} times, last ${at(lastAt)}${says}`;
  });
  return ["*Sent, and no alert of the catalogue:*", ...lines];
}

const STRAY: Readonly<Record<string, string>> = {
  "alerts/unmatched": "Not in the catalogue",
  "alerts/refused": "Not readable",
  "alerts/unauthenticated": "Not authenticated",
};

export function alertUnknown(words: string, ids: readonly string[]): Message {
  return said(`No alert has "${safe(words)}" in it. There are: ${ids.map(safe).join(", ")}.`);
}

/** What answers an alert. `runbook` null: none does. `line` is safe in backticks. */
export function alertNext(runbook: { readonly title: string; readonly line: string } | null, triage: boolean): string {
  if (runbook !== null) return `${safe(runbook.title)}: \`${runbook.line}\``;
  return triage ? "No runbook answers it. Start triage: `/dr triage`" : "No runbook answers it";
}

export function catalogueUnchanged(): Message {
  return said("Catalogue: unchanged.");
}

export function catalogueRefused(problems: string): Message {
  return said([
    "Catalogue: *not reloaded*. The current one stays in use.",
    safe(cut(problems, 2500)),
    "Correct the files and try again; `lifeboat lint` says the same.",
  ]);
}

/** @param changes not escaped */
export function catalogueReloaded(changes: readonly string[]): Message {
  return said(["Catalogue: reloaded.", ...changes.map(safe)]);
}

/** @param lines of trends, safe. @param limit the newest records they are from, where there are more; null: there are none */
export function trendList(lines: readonly string[], limit: number | null): Message {
  const more = `From the newest ${limit} records. All of a period: \`lifeboat evidence export\`.`;
  return said([...lines, ...(limit === null ? [] : [more])]);
}

/** @param lines safe */
export function seatList(lines: readonly string[]): Message {
  return said(lines.length === 0 ? "No system here has approvals." : lines);
}

export function seatsConfirmed(systems: readonly string[]): Message {
  return said(`✅ Confirmed: you can be reached for ${systems.map(safe).join(", ")}.`);
}

/** Why someone can't fill a role, as the list of seats says it. */
export const READS_NOTHING = "the Slack account reads nothing any more";

/** @param lines entries, safe. @param systems titles */
export function calendarList(lines: readonly string[], systems: string): Message {
  return said(lines.length === 0 ? `No calendar entries for ${systems}.` : lines);
}

type Titled = Pick<Occasion, "title">;

/** @param people who took part, safe; null: it was recorded before */
export function occasionDone({ title }: Titled, people: readonly string[] | null): Message {
  if (people === null) return said(`*${safe(title)}* is recorded as done already.`);
  return said(`✅ Done: *${safe(title)}*. Took part: ${people.join(", ") || "not said"}.`);
}

/** @param to when, as people say it; null: it can't be postponed */
export function occasionPostponed({ title }: Titled, to: string | null): Message {
  if (to === null)
    return said(`*${safe(title)}* can't be postponed: it's in progress, done, or was postponed just now.`);
  return said(`📅 Postponed to ${to}: *${safe(title)}*.`);
}

/** @param itself whether the calendar starts it */
export function checklistDone({ title }: Titled, itself: boolean): Message {
  return said(
    `✅ Checklist done: *${safe(title)}*.${itself ? " It starts at its hour, or now if that has passed." : ""}`,
  );
}

export function checklistDoneBefore(): Message {
  return said("That list is ticked already.");
}

/** Why a calendar entry was not started: clauses for its notice. */
export const NOT_STARTED = {
  noRunbook: (runbook: string) => `there is no runbook ${runbook}`,
  noOrganiser: (role: string) => `no active person has the role ${role}`,
  incidentOpen: (name: string | null) => (name === null ? "an incident is open" : `${name} is open`),
  notAccepted: "it was not accepted",
} as const;

/** @param template what is wrong with the system's own template; null: nothing */
export function postmortemReady(
  report: string,
  title: string,
  events: number,
  template: string | null,
): readonly string[] {
  return [
    `${report} draft of *${safe(title)}* ready (${events} timeline events). Add what went well and the action items.`,
    ...(template === null ? [] : [`⚠️ ${safe(template)}.`]),
  ];
}

/** @param lines from `postmortemReady` */
export function postmortemFile(lines: readonly string[], html: boolean): Message {
  return said(html ? lines : [...lines, "As one page to print: `/dr postmortem --html`"]);
}

export function readinessFile(): Message {
  return said("Readiness as JSON.");
}

/** What is waited for. @param people names; @param then who is asked next, and when */
export function approvalAwaited(people: readonly string[], since: string, then: string | null): string {
  const who = people.length === 0 ? "no one who may approve" : people.slice(0, 3).join(", ");
  return `Approval by ${safe(who)} since ${since}${then === null ? "" : safe(`, then ${then}`)}`;
}
