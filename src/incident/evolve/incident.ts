import type { IncidentStatus, Recorded } from "../events.ts";
import type { Change, Closing, Delegation, IncidentState } from "../state.ts";
import { evolveActions } from "./actions.ts";
import { evolveAlerts } from "./alerts.ts";
import { evolvePaging } from "./paging.ts";
import { evolveTriage } from "./triage.ts";

export function evolveIncident(state: IncidentState, event: Recorded): IncidentState {
  switch (event.type) {
    case "incident.declared": {
      const { title, system, severity, kind, impactStartedAt, announceIn, drill, number } = event.data;
      if (state.declared !== null) return state;
      const impact = impactStartedAt === null ? null : new Date(impactStartedAt);
      const from = { at: event.at, by: event.actor, impactStartedAt: impact, announceIn };
      const hidden = event.data.private;
      const declared = { title, system, kind, ...from, ...(drill && { drill }), ...(hidden && { private: hidden }) };
      return { ...state, declared, severity, ...(number !== undefined && { number }) };
    }
    case "incident.raised": {
      const { severity, announceIn } = event.data;
      if (state.declared?.kind !== "maintenance") return state;
      const place = announceIn ?? state.declared.announceIn;
      const declared = { ...state.declared, kind: "real" as const, at: event.at, by: event.actor, announceIn: place };
      return { ...withStatus(state, "investigating", event.at), declared, severity };
    }
    case "incident.severityChanged":
      return { ...withChange(state, event), severity: event.data.to };
    case "incident.statusChanged":
      return withStatus(withChange(state, event), event.data.to, event.at);
    case "incident.roleAssigned":
      return assigned(state, event);
    case "incident.roleDelegated": {
      const { role, from, to, until, reason, proved = false } = event.data;
      const delegation = { role, from, to, since: event.at, until: new Date(until), reason, proved };
      return { ...state, delegations: [...state.delegations, delegation] };
    }
    case "incident.delegationEnded": {
      const { role, from, to } = event.data;
      const ends = (one: Delegation) => one.role === role && one.from === from && one.to === to && one.until > event.at;
      const delegations = state.delegations.map((one) => (ends(one) ? { ...one, until: event.at } : one));
      return { ...state, delegations };
    }
    case "incident.resolved":
      return withStatus(withChange(state, event), endOf(state), event.at);
    case "incident.escalated":
      return { ...state, escalated: [...(state.escalated ?? []), { ...event.data, at: event.at }] };
    case "incident.responseLate":
      return { ...state, responseLateAt: event.at };
    case "incident.reopened": {
      // Whom it reached before counts from the beginning again.
      const { closing: _over, escalated: _reached, responseLateAt: _late, ...open } = withChange(state, event);
      return withStatus(open, "investigating", event.at);
    }
    case "incident.closed": {
      const waived = event.data.waived ?? null;
      return {
        ...withStatus(state, "closed", event.at),
        closing: { at: event.at, waived, archiveAt: null, archiveDue: false },
      };
    }
    case "channel.archiveAnnounced":
      return closing(state, { archiveAt: new Date(event.data.at) });
    case "channel.archiveDue":
      return closing(state, { archiveDue: true });
    case "postmortem.drafted":
      return { ...state, draftedAt: state.draftedAt ?? event.at, drafts: [...(state.drafts ?? []), event.version] };
    case "record.signedOff":
      return { ...state, signOffs: [...(state.signOffs ?? []), { ...event.data, at: event.at }] };
    case "member.added":
      return { ...state, added: [...new Set([...(state.added ?? []), ...event.data.who])] };
    case "action.added":
    case "action.done":
    case "action.reminded":
      return { ...state, actions: evolveActions(state.actions ?? [], event) };
    case "page.sent":
    case "page.failed":
    case "page.acknowledged":
      return { ...state, paging: evolvePaging(state.paging, event) };
    case "triage.asked":
    case "triage.answered":
    case "triage.unseen":
    case "triage.concluded":
      return { ...state, triages: evolveTriage(state.triages ?? [], event) };
    case "alert.fired":
    case "alert.resolved":
    case "alert.looked":
      return { ...state, alerts: evolveAlerts(state.alerts ?? new Map(), event) };
    default:
      return state;
  }
}

function endOf({ declared }: IncidentState): IncidentStatus {
  return declared?.kind === "maintenance" ? "closed" : "resolved";
}

type ChangeEvent = Extract<
  Recorded,
  { type: "incident.severityChanged" | "incident.statusChanged" | "incident.resolved" | "incident.reopened" }
>;

function withChange(state: IncidentState, event: ChangeEvent): IncidentState {
  if (event.data.posted !== true) return state;
  const change = { ...changeIn(state, event), by: event.actor, at: event.at };
  return { ...state, changes: [...(state.changes ?? []), change] };
}

function changeIn({ status }: IncidentState, event: ChangeEvent): Omit<Change, "by" | "at"> {
  switch (event.type) {
    case "incident.severityChanged":
      return { what: "severity", from: event.data.from, to: event.data.to, says: event.data.reason };
    case "incident.statusChanged":
      return { what: "status", from: event.data.from, to: event.data.to, says: null };
    case "incident.resolved":
      return { what: "resolved", from: status, to: "resolved", says: event.data.summary };
    case "incident.reopened":
      return { what: "reopened", from: status, to: "investigating", says: event.data.reason };
    default:
      return event satisfies never;
  }
}

function assigned(state: IncidentState, event: Extract<Recorded, { type: "incident.roleAssigned" }>): IncidentState {
  const { role, person, note } = event.data;
  const times = (state.handovers.get(role)?.times ?? 0) + 1;
  const handover = { from: state.roles.get(role) ?? null, by: event.actor, note, times };
  return {
    ...state,
    roles: new Map(state.roles).set(role, person),
    handovers: new Map(state.handovers).set(role, handover),
  };
}

/** Maintenance goes on with its runs and ends with the last of them, unless that failed: then people say what it is. */
export function maintained(state: IncidentState, event: Recorded): IncidentState {
  if (state.declared?.kind !== "maintenance") return state;
  if (event.type === "run.requested") return withStatus(state, "investigating", event.at);
  if (event.type !== "run.verified" && event.type !== "run.aborted") return state;
  const live = [...state.runs.values()].some(({ endedAt }) => endedAt === null);
  return live ? state : withStatus(state, "closed", event.at);
}

/** What comes after a reopening changes nothing. */
function closing(state: IncidentState, more: Partial<Closing>): IncidentState {
  return state.closing === undefined ? state : { ...state, closing: { ...state.closing, ...more } };
}

function withStatus(state: IncidentState, status: IncidentStatus, at: Date): IncidentState {
  const over = status === "resolved" || status === "closed";
  return { ...state, status, resolvedAt: over ? (state.resolvedAt ?? at) : null };
}
