import { calendarStream } from "../../calendar/events.ts";
import { foldCalendar } from "../../calendar/state.ts";
import type { Alert, System } from "../../catalog/types.ts";
import { alertEvents, type Book, type Heard, saidOf } from "../../incident/alerts.ts";
import { decide } from "../../incident/decide.ts";
import type { Event, NewEvent, SeverityId } from "../../incident/events.ts";
import { evolve, fold } from "../../incident/evolve.ts";
import { leastSeverity, severityNamed, usualSeverity } from "../../incident/severity.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { PagerDuty } from "../../sinks/pagerduty/client.ts";
import type { StoredEvent, Timeline } from "../../timeline/contract.ts";
import { aboutKey, aboutSeatKey, alarmKey, incidentFor, isLifeboats, type SeatPage } from "../keys.ts";
import { personOf } from "../on-call.ts";
import type { WebhookEvent } from "./payload.ts";

export interface Hearing {
  readonly timeline: Pick<Timeline, "decide" | "read">;
  readonly systems: Pick<ReadonlyMap<string, System>, "get" | "values">;
  /** Runbooks of the catalogue, so that one can be proposed. */
  readonly books: () => readonly Book[];
  readonly account: (system: System) => PagerDuty;
  readonly log: Logger;
}

const BOT = { kind: "bot" } as const;

/**
 * What a webhook changes here. Every event is keyed by PagerDuty's own id, so hearing it again changes nothing; an
 * incident PagerDuty has is always the same one here, so hearing them in any order makes one.
 */
export async function hear(hearing: Hearing, event: WebhookEvent): Promise<void> {
  const ours = aboutKey(event.data.incident_key ?? "");
  if (ours !== null) return await hearOurs(hearing, event, ours);
  const seat = aboutSeatKey(event.data.incident_key ?? "");
  if (seat !== null) return await hearSeat(hearing, event, seat);
  if (isLifeboats(event.data.incident_key ?? "") || event.client?.name === "Lifeboat") return;
  const id = event.data.type === "incident_note" ? event.data.incident?.id : event.data.id;
  const stream = incidentFor(id ?? "");
  if (id === undefined || stream === null) return;
  const declared = await declaredOn(hearing, stream);
  if (declared !== null) return await update(hearing, stream, declared, event);
  const system = systemOf(hearing, event);
  if (system === null || event.data.status === "resolved") return;
  if (await isOver(hearing, system, id)) return;
  await declare(hearing, stream, system, event);
  if (event.event_type !== "incident.triggered") await update(hearing, stream, system, event);
}

/** A page we made ourselves: of interest is who answered it, and that someone ended it over there. */
async function hearOurs(
  hearing: Hearing,
  event: WebhookEvent,
  { incident, ask }: { incident: string; ask: string | null },
): Promise<void> {
  const system = await declaredOn(hearing, incident);
  if (system === null || system !== systemOf(hearing, event)) return;
  await append(hearing, incident, event.id, (events) => {
    if (ask !== null && !events.some(({ type, data }) => type === "gate.opened" && askOf(data) === ask)) return null;
    return heard(event, system, event.data.incident_key ?? "", ask, alarmKey(incident));
  });
}

/** A test page was answered. Only the person themselves can confirm that they can be reached. */
async function hearSeat(hearing: Hearing, event: WebhookEvent, { system: id, round, person }: SeatPage): Promise<void> {
  const { event_type: type, agent } = event;
  if (agent?.type !== "user_reference" || !ANSWERS.has(type)) return;
  const system = hearing.systems.get(id);
  if (system === undefined || system !== systemOf(hearing, event)) return;
  if (personOf(agent.id, system)?.id !== person) return;
  await hearing.timeline.decide(calendarStream(id), (events) => {
    const asked = foldCalendar(events).rounds.get(round);
    if (asked?.pagedAt.has(person) !== true || asked.confirmedAt.has(person)) return { events: [], value: null };
    const data = { round, person, by: "page" };
    const confirmed = { type: "seats.confirmed", data, key: `seats.confirmed/${round}/${person}`, actor: BOT };
    return { events: [confirmed], value: null };
  });
}

/** Who ends it over there without acknowledging it has answered it, too. */
const ANSWERS: ReadonlySet<string> = new Set(["incident.acknowledged", "incident.resolved"]);

async function update(hearing: Hearing, stream: string, system: System, event: WebhookEvent): Promise<void> {
  await append(hearing, stream, event.id, () => heard(event, system, alarmKey(stream), null, alarmKey(stream)));
  const alert = alertOf(event.data, system);
  if (alert === null || event.data.type !== "incident") return;
  await hearing.timeline.decide(stream, (events, now) => {
    const state = fold(stream, events, new Map());
    return { events: alertEvents(state, [heardOf(event, system, alert, hearing.books(), now)]), value: null };
  });
}

/** An acknowledgement by a person, or what else happened over there as a note; our own doings come back and are nothing new. */
function heard(event: WebhookEvent, system: System, page: string, ask: string | null, alarm: string): Event | null {
  const { event_type: type, occurred_at: happenedAt, agent, data } = event;
  if (agent?.type !== "user_reference") return null;
  const person = personOf(agent.id, system);
  const name = person?.name ?? agent.summary ?? agent.id;
  if (type === "incident.acknowledged")
    return { type: "page.acknowledged", data: { page, ask, person: person?.id ?? null, name, happenedAt } };
  const says = type === "incident.annotated" ? noteOf(data.content ?? "") : DOINGS[type];
  if (says === undefined || says === null || page !== alarm) return null;
  return { type: "incident.noted", data: { text: `PagerDuty, ${name}: ${says}`, happenedAt, link: null } };
}

const DOINGS: Readonly<Record<string, string>> = {
  "incident.resolved": "resolved it there. Here it is open until it is resolved here",
  "incident.reopened": "reopened it",
  "incident.escalated": "escalated it",
  "incident.delegated": "handed it to another escalation policy",
  "incident.reassigned": "reassigned it",
  "incident.priority_updated": "changed its priority",
};

function noteOf(content: string): string | null {
  const words = content.trim();
  return words === "" || words.startsWith("Lifeboat: ") ? null : words.slice(0, 2000);
}

/** Late and out of order: PagerDuty itself knows best whether it is still on. When it says nothing, the webhook counts. */
async function isOver({ account, log }: Hearing, system: System, id: string): Promise<boolean> {
  try {
    return (await account(system).incident(id))?.status === "resolved";
  } catch (error) {
    log.warn(
      { event: "paging.not_asked", incident: id, says: messageOf(error) },
      "pagerduty could not be asked; its webhook is believed",
    );
    return false;
  }
}

async function declare(
  { timeline, books }: Hearing,
  stream: string,
  system: System,
  event: WebhookEvent,
): Promise<void> {
  const { data } = event;
  const key = `pagerduty/${stream}`;
  const people = (data.assignees ?? []).flatMap(({ id }) => personOf(id, system)?.id ?? []);
  const sent: NewEvent = {
    type: "page.sent",
    data: { page: alarmKey(stream), ask: null, role: null, people, to: "service" },
    key: `${key}/page.sent`,
    actor: BOT,
  };
  await timeline.decide(stream, (events, now) => {
    const created = new Date(data.created_at ?? event.occurred_at);
    const outcome = decide(
      {
        type: "declare",
        title: data.title ?? "An incident in PagerDuty",
        system: system.id,
        severity: severityOf(data, system),
        kind: "real",
        impactStartedAt: created <= now ? created : null,
        announceIn: null,
      },
      fold(stream, events, new Map()),
      { now, actor: BOT, blocked: null, system, key },
    );
    if (outcome.kind !== "accepted") return { events: [], value: null };
    const alert = alertOf(data, system);
    const first = [...outcome.events, sent];
    if (alert === null) return { events: first, value: null };
    let state = fold(stream, events, new Map());
    for (const one of first)
      state = evolve(state, { ...one, version: state.version + 1, run: null, at: now }, new Map());
    return { events: [...first, ...alertEvents(state, [heardOf(event, system, alert, books(), now)])], value: null };
  });
}

/** The alert of the catalogue that this is about: the only one whose name is a word of the title, as Prometheus and CloudWatch put it there. */
function alertOf({ title }: WebhookEvent["data"], { alerts = [] }: System): Alert | null {
  const words = new Set((title ?? "").split(/[^A-Za-z0-9_-]/));
  const found = alerts.filter(({ id, names = [] }) => words.has(id) || names.some((name) => title?.includes(name)));
  return found.length === 1 ? (found[0] ?? null) : null;
}

function heardOf({ data }: WebhookEvent, system: System, alert: Alert, books: readonly Book[], now: Date): Heard {
  return {
    ...saidOf(system.id, alert, books),
    sender: "pagerduty",
    status: data.status === "resolved" ? "resolved" : "firing",
    instance: data.id ?? "",
    labels: "",
    summary: data.title?.slice(0, 300) ?? null,
    link: null,
    startedAt: null,
    receivedAt: now.toISOString(),
  };
}

/** A priority that is called like a severity is that severity; else what the catalogue says of the alert; else the urgency decides. */
function severityOf(data: WebhookEvent["data"], system: System): SeverityId {
  const { priority, urgency } = data;
  const named = severityNamed(system, priority?.summary ?? "") ?? alertOf(data, system)?.severity;
  return named ?? (urgency === "low" ? leastSeverity(system) : usualSeverity(system));
}

/** The system whose service this is about. A service two systems claim belongs to none. */
function systemOf({ systems }: Hearing, { data }: WebhookEvent): System | null {
  const found = [...systems.values()].filter(({ paging }) => paging && paging.service === data.service?.id);
  return found.length === 1 ? (found[0] ?? null) : null;
}

async function declaredOn({ timeline, systems }: Hearing, stream: string): Promise<System | null> {
  const events = await timeline.read(stream);
  const declared = events.find(({ type }) => type === "incident.declared");
  return systems.get((declared?.data as { system?: string } | undefined)?.system ?? "") ?? null;
}

async function append(
  { timeline }: Hearing,
  stream: string,
  key: string,
  what: (events: readonly StoredEvent[]) => Event | null,
): Promise<void> {
  await timeline.decide(stream, (events) => {
    const event = what(events);
    return { events: event === null ? [] : [{ ...event, key: `pagerduty/${key}`, actor: BOT }], value: null };
  });
}

function askOf(data: unknown): unknown {
  return (data as { ask?: unknown }).ask;
}
