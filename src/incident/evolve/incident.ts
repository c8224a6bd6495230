import type { IncidentStatus, Recorded } from "../events.ts";
import type { IncidentState } from "../state.ts";
import { evolvePaging } from "./paging.ts";

export function evolveIncident(state: IncidentState, event: Recorded): IncidentState {
  switch (event.type) {
    case "incident.declared": {
      const { title, system, severity, kind, impactStartedAt, announceIn } = event.data;
      if (state.declared !== null) return state;
      const impact = impactStartedAt === null ? null : new Date(impactStartedAt);
      const declared = { title, system, kind, at: event.at, by: event.actor, impactStartedAt: impact, announceIn };
      return { ...state, declared, severity };
    }
    case "incident.severityChanged":
      return { ...state, severity: event.data.to };
    case "incident.statusChanged":
      return withStatus(state, event.data.to, event.at);
    case "incident.roleAssigned":
      return { ...state, roles: new Map(state.roles).set(event.data.role, event.data.person) };
    case "incident.resolved":
      return withStatus(state, "resolved", event.at);
    case "incident.reopened":
      return withStatus(state, "investigating", event.at);
    case "incident.closed":
      return withStatus(state, "closed", event.at);
    case "page.sent":
    case "page.failed":
    case "page.acknowledged":
      return { ...state, paging: evolvePaging(state.paging, event) };
    default:
      return state;
  }
}

function withStatus(state: IncidentState, status: IncidentStatus, at: Date): IncidentState {
  const over = status === "resolved" || status === "closed";
  return { ...state, status, resolvedAt: over ? (state.resolvedAt ?? at) : null };
}
