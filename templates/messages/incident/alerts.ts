import { allResolvedAt, firingCount, isFiring, isFlapping } from "../../../src/incident/alerts.ts";
import type { AlertState, IncidentState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, header, lines, section } from "../kit/blocks.ts";
import { cut, ended, plain, safe } from "../kit/escape.ts";
import { kindPrefix, modeWords } from "../kit/kind.ts";
import type { Block, Message } from "../kit/message.ts";
import type { ShownMessage, Surroundings } from "../kit/view.ts";
import { at, clock } from "../kit/when.ts";

/** So many alerts get a line of their own, and so many proposals a button; what is more is counted. */
const LISTED = 8;
const PROPOSED = 3;

/** One message for all alerts of an incident, edited in place: however many come, no one gets a message for each. And one when all are resolved. */
export function renderAlerts(state: IncidentState, around: Surroundings): ShownMessage[] {
  if (state.alerts === undefined || state.alerts.size === 0) return [];
  const all = [...state.alerts.values()];
  const shown = (key: string, message: Message, once: boolean): ShownMessage => ({
    ...{ key, in: "incident", under: null, priority: 1, message },
    ...(once && { once: true }),
  });
  const over = allResolvedAt(state);
  return [
    shown("alerts", alertsCard(state, all, around), false),
    ...(over === null
      ? []
      : [shown(`alerts:resolved:${state.comms.opened?.version ?? 0}`, resolvedNotice(state, all, over, around), true)]),
  ];
}

/** "2 firing: DatabaseDown (12 instances), LagHigh", for the card; null: there are no alerts. */
export function alertWords({ alerts }: IncidentState): string | null {
  const all = [...(alerts?.values() ?? [])];
  if (all.length === 0) return null;
  const firing = all.filter(isFiring);
  if (firing.length === 0) return `all ${all.length} resolved`;
  const named = firing.slice(0, 3).map((alert) => `${safe(cut(alert.alert, 60))}${instancesWords(alert)}`);
  const more = firing.length > 3 ? ` and ${firing.length - 3} more` : "";
  return `${firing.length} firing: ${named.join(", ")}${more}`;
}

function alertsCard(state: IncidentState, all: readonly AlertState[], around: Surroundings): Message {
  const prefix = kindPrefix(state.declared?.kind ?? "real", around.practice);
  const sorted = all.toSorted(byUrgency);
  const firing = sorted.filter(isFiring);
  const title = firing.length === 0 ? "Alerts: all resolved" : `Alerts: ${firing.length} firing`;
  const listed = sorted.slice(0, LISTED);
  const more = sorted.length - listed.length;
  const proposed = state.resolvedAt === null ? firing.filter(({ runbook }) => runbook !== null) : [];
  const text = [`${prefix}${title}.`, ...listed.map((alert) => textOf(alert, around))].join(" ");
  return {
    text,
    blocks: [
      header(`${prefix}${title}`),
      ...lines([...listed.map((alert) => lineOf(alert, around)), ...(more > 0 ? [`… and ${more} more`] : [])]),
      ...proposed.slice(0, PROPOSED).flatMap((alert) => proposal(state, alert)),
      ...(firing.length > 0 && proposed.length === 0 ? noProposal(state, around) : []),
    ],
  };
}

/** Firing before resolved, the worst first. */
function byUrgency(one: AlertState, other: AlertState): number {
  return Number(isFiring(other)) - Number(isFiring(one)) || one.severity.localeCompare(other.severity);
}

function textOf(alert: AlertState, around: Surroundings): string {
  const status = alert.resolvedAt === null ? "firing" : `resolved at ${clock(alert.resolvedAt)}`;
  const proposed = isFiring(alert) && alert.runbook !== null ? ` Proposed: ${safe(alert.runbook.title)}.` : "";
  const flaps = isFlapping(alert, around.now) ? " Flapping." : "";
  return `${alert.severity} ${safe(cut(alert.alert, 80))}: ${status}${instancesWords(alert)}.${flaps}${proposed}`;
}

function lineOf(alert: AlertState, around: Surroundings): string {
  const since = alert.starts.at(-1) ?? alert.firstAt;
  const status = alert.resolvedAt === null ? `firing since ${at(since)}` : `resolved ${at(alert.resolvedAt)}`;
  const flaps = isFlapping(alert, around.now) ? " · flapping, updated every 5 min" : "";
  const mark = alert.resolvedAt === null ? "🔴" : "🟢";
  const head = `${mark} *${alert.severity}* ${safe(cut(alert.title, 150))}${instancesWords(alert)} · ${status}${flaps}`;
  const said = alert.summary === null ? "" : `\n      ${safe(cut(alert.summary, 200))}`;
  return `${head}\n      ${safe(cut(alert.alert, 80))} from ${safe(alert.sender)}${said}`;
}

function instancesWords(alert: AlertState): string {
  const firing = firingCount(alert);
  return firing > 1 ? ` (${firing} instances)` : "";
}

/** Offered once someone has looked; nothing starts by itself. */
function proposal({ id: incident }: IncidentState, { alert, runbook, looked }: AlertState): Block[] {
  if (runbook === null) return [];
  const head = `*Proposed:* ${safe(runbook.title)} (${safe(runbook.id)})`;
  if (looked === null) return [section(`${head}\n🔎 Checking its targets, read-only.`)];
  const saw = looked.says.map((one) => ended(safe(cut(one, 200))));
  if (!looked.ok) {
    const next = `Next: \`/dr runbook ${safe(runbook.id)}\` once this is fixed, or \`/dr triage\`.`;
    return lines([head, `⛔ Can't be started now (checked ${at(looked.at)}):`, ...saw, next]);
  }
  const start = runbook.modes.slice(0, 2).map(
    (mode, n): Button => ({
      label: `Start it, ${modeWords(mode).split(" ")[0]}`,
      verb: "alert.start",
      detail: `${alert}-${mode}`,
      actionValue: actionValue(incident, alert, mode),
      ...(n === 0 && { style: "primary" as const }),
      aloud: `Start ${plain(runbook.title)}, ${mode}`,
    }),
  );
  return [
    ...lines([head, ...(saw.length > 0 ? [`🔎 Checked ${at(looked.at)}:`, ...saw] : [])]),
    actions(...start),
    context("Nothing starts by itself: it runs once approved."),
  ];
}

function noProposal({ resolvedAt }: IncidentState, { system }: Surroundings): Block[] {
  if (resolvedAt !== null) return [];
  const next = system.triage === undefined ? "`/dr runbook` lists what can be run" : "find out more with `/dr triage`";
  return [context(`No runbook answers these alerts: ${next}.`)];
}

function resolvedNotice(state: IncidentState, all: readonly AlertState[], over: Date, around: Surroundings): Message {
  const prefix = kindPrefix(state.declared?.kind ?? "real", around.practice);
  const count = all.length === 1 ? "The alert is" : `All ${all.length} alerts are`;
  const next = state.resolvedAt === null ? " Next: resolve the incident once customers are unaffected." : "";
  const text = `${prefix}${count} resolved since ${clock(over)}.${next}`;
  return { text, blocks: [section(`🟢 ${text}`)] };
}
