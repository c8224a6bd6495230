import type { Incident, PagerState } from "./state.ts";

/**
 * Things as PagerDuty writes them: in its REST API (the OpenAPI description of github.com/PagerDuty/api-schema) and, in a
 * shape of its own, in v3 webhooks (https://developer.pagerduty.com/docs/webhooks-overview).
 */
type Shown = Readonly<Record<string, unknown>>;

const WEB = "https://practice.pagerduty.invalid";
const API = "https://api.pagerduty.invalid";

export interface Reference {
  readonly id: string;
  readonly type: string;
  readonly summary: string;
  readonly self: string;
  readonly html_url: string;
}

/** @param kind `user`, `service`, `escalation_policy`, `incident` */
export function reference(kind: string, id: string, summary: string | undefined): Reference {
  const plural = kind === "escalation_policy" ? "escalation_policies" : `${kind}s`;
  const path = `${plural}/${id}`;
  return {
    id,
    type: `${kind}_reference`,
    summary: summary ?? id,
    self: `${API}/${path}`,
    html_url: `${WEB}/${path}`,
  };
}

export function userReference(state: PagerState, id: string): Reference {
  return reference("user", id, state.user(id)?.name);
}

/** An incident of the REST API. Once it is resolved no one is assigned to it any more. */
export function shownIncident(state: PagerState, one: Incident): Shown {
  const over = one.status === "resolved";
  const trigger = { ...reference("log_entry", `R${one.id.slice(1)}`, "Triggered through the API") };
  return {
    ...named(one),
    summary: `[#${one.number}] ${one.title}`,
    incident_number: one.number,
    updated_at: one.changedAt,
    status: one.status,
    assignments: over ? [] : one.assigned.map((id) => ({ at: one.createdAt, assignee: userReference(state, id) })),
    assigned_via: one.direct ? "direct_assignment" : "escalation_policy",
    last_status_change_at: one.changedAt,
    last_status_change_by: serviceReference(state),
    resolved_at: over ? one.changedAt : null,
    first_trigger_log_entry: { ...trigger, type: "trigger_log_entry_reference" },
    alert_counts: { all: 0, triggered: 0, resolved: 0 },
    is_mergeable: true,
    incident_type: { name: "incident_default" },
    service: serviceReference(state),
    escalation_policy: policyReference(state, one),
    teams: [],
    pending_actions: [],
    acknowledgements:
      one.status === "acknowledged"
        ? one.acknowledged.map(({ user, at }) => ({ at, acknowledger: userReference(state, user) }))
        : [],
    alert_grouping: null,
    priority: null,
    resolve_reason: null,
    urgency: one.urgency,
  };
}

/** The same in a webhook: fewer members, and some under other names. */
export function webhookIncident(state: PagerState, one: Incident): Shown {
  return {
    ...named(one),
    number: one.number,
    status: one.status,
    service: serviceReference(state),
    assignees: one.status === "resolved" ? [] : one.assigned.map((id) => userReference(state, id)),
    escalation_policy: policyReference(state, one),
    teams: [],
    priority: null,
    urgency: one.urgency,
    conference_bridge: null,
    resolve_reason: null,
  };
}

export function shownNote(state: PagerState, { id, content, user, at }: Incident["notes"][number]): Shown {
  const channel = { summary: "The PagerDuty website or APIs" };
  return { id, user: userReference(state, user), channel, content, created_at: at, updated_at: at };
}

export function webhookNote(one: Incident): Shown {
  const { id = "", content = "" } = one.notes.at(-1) ?? {};
  return { incident: reference("incident", one.id, one.title), id, content, trimmed: false, type: "incident_note" };
}

export function serviceReference({ company: { service } }: PagerState): Reference {
  return reference("service", service.id, service.name);
}

function policyReference(state: PagerState, { policy }: Incident): Reference {
  return reference("escalation_policy", policy, state.policy(policy)?.name);
}

function named({ id, title, key, createdAt }: Incident): Shown {
  const { self, html_url } = reference("incident", id, title);
  return { id, type: "incident", self, html_url, title, incident_key: key, created_at: createdAt };
}
