import type { APIParameters, APIResponse } from "@pagerduty/pdjs/build/src/api.js";
import { withDeadline } from "../../lib/deadline.ts";
import { PagerDutyError, pagerDutyErrorOf, unsure } from "./errors.ts";

/** PagerDuty as one system sees it. */
export interface Account {
  /** `https://api.pagerduty.com`, or the practice stand-in's. */
  readonly apiUrl: string;
  /** `https://events.pagerduty.com`, or the practice stand-in's. */
  readonly eventsUrl: string;
  readonly token: string;
  readonly routingKey: string;
  readonly from: string;
  readonly service: string;
  /** The longest any one call may take. */
  readonly seconds?: number;
  /** Ends whatever is in progress: this process leaves. */
  readonly leaving?: AbortSignal;
}

export interface Incident {
  readonly id: string;
  readonly status: "triggered" | "acknowledged" | "resolved";
  readonly policy: string | null;
  readonly assigned: readonly string[];
}

/** Whose phones ring: everyone who is on call for a policy, or these PagerDuty users. */
export type Target = { readonly policy: string } | { readonly users: readonly string[] };

export interface Alarm {
  readonly summary: string;
  readonly source: string;
  readonly severity: "critical" | "error" | "warning" | "info";
  readonly details: string;
}

/**
 * The few calls Lifeboat makes. Each is sent once, has a deadline, and rejects with a `PagerDutyTrouble` unless PagerDuty
 * said yes. To send one again is harmless where it carries a key; else look first.
 */
export interface PagerDuty {
  /** Users of the first level that has any, on call for the policy now. */
  onCall(policy: string, seconds?: number): Promise<readonly { readonly user: string; readonly name: string }[]>;
  /** Rings the service's own policy. A repeat under the same key rings no one again. */
  trigger(key: string, alarm: Alarm): Promise<void>;
  acknowledge(key: string): Promise<void>;
  resolve(key: string): Promise<void>;
  /** The newest incident with this key, open ones first; null: PagerDuty knows none. */
  find(key: string): Promise<Incident | null>;
  incident(id: string): Promise<Incident | null>;
  /** Makes an incident that rings there. False: an open one has this key already. */
  open(
    key: string,
    incident: {
      readonly title: string;
      readonly details: string;
      readonly to: Target;
      /** `high` if left out. */
      readonly urgency?: "high" | "low";
    },
  ): Promise<boolean>;
  /** Hands an open incident on: their phones ring now. */
  escalate(id: string, to: Target): Promise<void>;
  close(id: string): Promise<void>;
  notes(id: string): Promise<readonly string[]>;
  note(id: string, text: string): Promise<void>;
}

const SECONDS = 5;
/** pdjs asks three times more after a 429; it has to be through with that before our deadline. */
const RETRY_MS = 700;
/** The longest page PagerDuty gives; left out, it is 25, and the first level may be among the rest. */
const MOST = "100";
/** How PagerDuty words its error 2001 where an open incident has the key. */
const DUPLICATE = /matching dedup key already exists/i;

interface RawIncident {
  readonly id: string;
  readonly status: Incident["status"];
  readonly escalation_policy?: { readonly id?: string };
  readonly assignments?: readonly { readonly assignee?: { readonly id?: string } }[];
}

export function createPagerDuty(account: Account): PagerDuty {
  const limit = account.seconds ?? SECONDS;
  const within = <T>(what: string, seconds: number, work: (signal: AbortSignal) => Promise<T>) =>
    withDeadline(what, seconds, work, account.leaving);

  /** What pdjs calls a timeout ends nothing: the deadline is ours, and its timer is off. */
  async function rest<T>(
    method: "GET" | "POST" | "PUT",
    path: string,
    more: { query?: Record<string, string | string[]>; body?: object; seconds?: number } = {},
  ): Promise<T> {
    const what = `PagerDuty's ${method} /${path}`;
    const answer = await within(what, more.seconds ?? limit, async (signal) => {
      const { api } = await import("@pagerduty/pdjs");
      return (await api({
        method,
        url: `${account.apiUrl}/${path}`,
        token: account.token,
        headers: { From: account.from },
        retryTimeout: RETRY_MS,
        requestTimeout: 0,
        signal,
        ...(more.query && { queryParameters: more.query }),
        ...(more.body && { data: more.body }),
      } as APIParameters)) as APIResponse;
    }).catch((error: unknown) => {
      throw unsure(what, error);
    });
    if (!answer.ok) throw pagerDutyErrorOf(what, answer.status, answer.data, answer.headers);
    return answer.data as T;
  }

  /** pdjs can send events to a host of PagerDuty's over TLS and nowhere else, and checks no status: see README. */
  async function event(action: "trigger" | "acknowledge" | "resolve", key: string, alarm?: Alarm): Promise<void> {
    const what = `PagerDuty's ${action} event`;
    const body = {
      routing_key: account.routingKey,
      event_action: action,
      dedup_key: key,
      ...(alarm && {
        client: "Lifeboat",
        payload: {
          summary: alarm.summary,
          source: alarm.source,
          severity: alarm.severity,
          custom_details: { details: alarm.details },
        },
      }),
    };
    const { status, headers, said } = await within(what, limit, async (signal) => {
      const answer = await fetch(`${account.eventsUrl}/v2/enqueue`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        redirect: "error",
        signal,
      });
      return { status: answer.status, headers: answer.headers, said: await answer.json().catch(() => null) };
    }).catch((error: unknown) => {
      throw unsure(what, error);
    });
    if (status !== 202) throw pagerDutyErrorOf(what, status, said, headers);
  }

  return {
    async onCall(policy, seconds) {
      const query = { "escalation_policy_ids[]": [policy], earliest: "true", limit: MOST };
      const { oncalls } = await rest<{ oncalls?: readonly RawOnCall[] }>("GET", "oncalls", {
        query,
        ...(seconds !== undefined && { seconds }),
      });
      const levels = (oncalls ?? []).filter((one) => one.user?.id);
      const first = Math.min(...levels.map((one) => one.escalation_level ?? 1));
      const users = levels.filter((one) => (one.escalation_level ?? 1) === first);
      return [...new Map(users.map(({ user }) => [user?.id ?? "", user?.summary ?? user?.id ?? ""]))].map(
        ([user, name]) => ({ user, name }),
      );
    },
    trigger: (key, alarm) => event("trigger", key, alarm),
    acknowledge: (key) => event("acknowledge", key),
    resolve: (key) => event("resolve", key),
    async find(key) {
      const query = { incident_key: key, date_range: "all", sort_by: "created_at:desc" };
      const { incidents } = await rest<{ incidents?: readonly RawIncident[] }>("GET", "incidents", { query });
      const found = (incidents ?? []).map(incidentOf);
      return found.find(({ status }) => status !== "resolved") ?? found[0] ?? null;
    },
    async incident(id) {
      try {
        return incidentOf(
          (await rest<{ incident: RawIncident }>("GET", `incidents/${encodeURIComponent(id)}`)).incident,
        );
      } catch (error) {
        if (error instanceof PagerDutyError && error.status === 404) return null;
        throw error;
      }
    },
    async open(key, { title, details, to, urgency = "high" }) {
      const incident = {
        type: "incident",
        title,
        service: { id: account.service, type: "service_reference" },
        incident_key: key,
        urgency,
        body: { type: "incident_body", details },
        ...targetOf(to),
      };
      try {
        await rest("POST", "incidents", { body: { incident } });
        return true;
      } catch (error) {
        if (error instanceof PagerDutyError && error.status === 400 && DUPLICATE.test(error.message)) return false;
        throw error;
      }
    },
    async escalate(id, to) {
      const incident = { type: "incident_reference", ...targetOf(to) };
      await rest("PUT", `incidents/${encodeURIComponent(id)}`, { body: { incident } });
    },
    async close(id) {
      const incident = { type: "incident_reference", status: "resolved" };
      await rest("PUT", `incidents/${encodeURIComponent(id)}`, { body: { incident } });
    },
    async notes(id) {
      const { notes } = await rest<{ notes?: readonly { content?: string }[] }>(
        "GET",
        `incidents/${encodeURIComponent(id)}/notes`,
      );
      return (notes ?? []).flatMap(({ content }) => (content === undefined ? [] : [content]));
    },
    async note(id, text) {
      await rest("POST", `incidents/${encodeURIComponent(id)}/notes`, { body: { note: { content: text } } });
    },
  };
}

interface RawOnCall {
  readonly escalation_level?: number;
  readonly user?: { readonly id?: string; readonly summary?: string };
}

function incidentOf(raw: RawIncident): Incident {
  return {
    id: raw.id,
    status: raw.status,
    policy: raw.escalation_policy?.id ?? null,
    assigned: (raw.assignments ?? []).flatMap(({ assignee }) => assignee?.id ?? []),
  };
}

function targetOf(to: Target): object {
  if ("policy" in to) return { escalation_policy: { id: to.policy, type: "escalation_policy_reference" } };
  return { assignments: to.users.map((id) => ({ assignee: { id, type: "user_reference" } })) };
}
