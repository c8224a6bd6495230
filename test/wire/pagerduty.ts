import { z } from "zod";
import type { Exchange } from "./exchange.ts";

/**
 * What PagerDuty documents of the calls Lifeboat makes: every field there is, and which of them have to be there. Written by hand from
 * the OpenAPI descriptions `reference/REST` and `reference/events-v2` of github.com/PagerDuty/api-schema (at 91a06fb, 2026-08-14, which
 * has no licence that would let it stand here) and, of webhooks, from https://developer.pagerduty.com/docs/webhooks-overview.
 * A member of an answer that the description doesn't require is required here where its own examples always have it.
 *
 * Two things are taken as PagerDuty's examples have them and not as its schema does: `details` of an incident's body is
 * a text, and references may have their `summary`, `self` and `html_url` in requests too.
 */
const when = z.iso.datetime({ offset: true });
const status = z.enum(["triggered", "acknowledged", "resolved"]);
const urgency = z.enum(["high", "low"]);

const short = (kind: string) =>
  z.strictObject({
    id: z.string().min(1),
    type: z.literal(`${kind}_reference`),
    summary: z.string().optional(),
    self: z.string().optional(),
    html_url: z.string().optional(),
  });
const full = (kind: string) =>
  short(kind).extend({ summary: z.string(), self: z.url().nullable(), html_url: z.url().nullable() });

const assignments = z.array(z.strictObject({ assignee: short("user") }));
const body = z.strictObject({ type: z.literal("incident_body"), details: z.string() });

const created = z.strictObject({
  incident: z
    .strictObject({
      type: z.literal("incident"),
      title: z.string().min(1).max(1024),
      service: short("service"),
      incident_key: z.string().min(1).max(255),
      urgency: urgency.optional(),
      body: body.optional(),
      escalation_policy: short("escalation_policy").optional(),
      assignments: assignments.optional(),
    })
    .refine((one) => !(one.escalation_policy && one.assignments), "a policy and assignees can't both be given"),
});

const updated = z.strictObject({
  incident: z.strictObject({
    type: z.enum(["incident", "incident_reference"]),
    status: status.optional(),
    title: z.string().optional(),
    escalation_level: z.int().min(1).optional(),
    escalation_policy: short("escalation_policy").optional(),
    assignments: assignments.optional(),
    urgency: urgency.optional(),
    resolution: z.string().optional(),
  }),
});

const noted = z.strictObject({ note: z.strictObject({ content: z.string().min(1).max(25_000) }) });

const event = z
  .strictObject({
    routing_key: z.string().length(32),
    event_action: z.enum(["trigger", "acknowledge", "resolve"]),
    dedup_key: z.string().min(1).max(255).optional(),
    client: z.string().optional(),
    client_url: z.url().optional(),
    payload: z
      .strictObject({
        summary: z.string().min(1).max(1024),
        source: z.string().min(1),
        severity: z.enum(["critical", "error", "warning", "info"]),
        timestamp: z.string().optional(),
        component: z.string().optional(),
        group: z.string().optional(),
        class: z.string().optional(),
        custom_details: z.record(z.string(), z.unknown()).optional(),
      })
      .optional(),
  })
  .refine((one) => one.event_action !== "trigger" || one.payload !== undefined, "a trigger needs a payload")
  .refine((one) => one.event_action === "trigger" || one.dedup_key !== undefined, "dedup_key is needed");

const incident = z
  .strictObject({
    id: z.string(),
    type: z.literal("incident"),
    summary: z.string(),
    self: z.url(),
    html_url: z.url(),
    incident_number: z.int(),
    title: z.string(),
    created_at: when,
    updated_at: when,
    status,
    incident_key: z.string(),
    service: full("service"),
    assignments: z.array(z.strictObject({ at: when, assignee: full("user") })),
    assigned_via: z.enum(["escalation_policy", "direct_assignment"]),
    last_status_change_at: when,
    last_status_change_by: z.union([full("user"), full("service")]),
    resolved_at: when.nullable(),
    first_trigger_log_entry: full("trigger_log_entry"),
    alert_counts: z.strictObject({ all: z.int(), triggered: z.int(), resolved: z.int() }),
    is_mergeable: z.boolean(),
    incident_type: z.strictObject({ name: z.string() }),
    escalation_policy: full("escalation_policy"),
    teams: z.array(full("team")),
    pending_actions: z.array(z.unknown()),
    acknowledgements: z.array(z.strictObject({ at: when, acknowledger: full("user") })),
    alert_grouping: z.null(),
    priority: full("priority").nullable(),
    resolve_reason: z.null(),
    urgency,
  })
  .refine((one) => one.status !== "resolved" || one.assignments.length === 0, "nobody is assigned once it is resolved")
  .refine(
    (one) => one.status === "acknowledged" || one.acknowledgements.length === 0,
    "acknowledged by somebody only then",
  );

const note = z.strictObject({
  id: z.string(),
  user: z.union([full("user"), full("bot_user")]),
  channel: z.strictObject({ summary: z.string() }),
  content: z.string(),
  created_at: when,
  updated_at: when,
});

const page = {
  limit: z.int().min(1).max(100),
  offset: z.int().min(0),
  more: z.boolean(),
  total: z.int().nullable(),
};
const onCall = z.strictObject({
  escalation_policy: full("escalation_policy"),
  escalation_level: z.int().min(1),
  schedule: full("schedule").nullable(),
  user: full("user"),
  start: when.nullable(),
  end: when.nullable(),
});

const failed = z.strictObject({
  error: z.strictObject({ code: z.int(), message: z.string(), errors: z.array(z.string()).optional() }),
});
const notEnqueued = z.strictObject({ status: z.string(), message: z.string(), errors: z.array(z.string()).optional() });
const enqueued = z.strictObject({
  status: z.literal("success"),
  message: z.literal("Event processed"),
  dedup_key: z.string(),
});

const many = z.array(z.string()).min(1);
const number = z.string().regex(/^\d+$/);

interface Call {
  readonly method: string;
  readonly path: RegExp;
  readonly query?: z.ZodType;
  readonly sent?: z.ZodType;
  readonly status: number;
  readonly said: z.ZodType;
  readonly refused?: z.ZodType;
  /** Whether it has to be in the name of a user: the header From. */
  readonly from?: true;
  /** The Events API, which knows no key but that in its body. */
  readonly events?: true;
}

const page1 = { limit: number.optional(), offset: number.optional(), total: z.enum(["true", "false"]).optional() };

const CALLS: Readonly<Record<string, Call>> = {
  onCall: {
    method: "GET",
    path: /^\/oncalls$/,
    query: z.strictObject({
      ...page1,
      "escalation_policy_ids[]": many,
      earliest: z.enum(["true", "false"]).optional(),
    }),
    status: 200,
    said: z.strictObject({ oncalls: z.array(onCall), ...page }),
  },
  list: {
    method: "GET",
    path: /^\/incidents$/,
    query: z.strictObject({
      ...page1,
      incident_key: z.string().optional(),
      date_range: z.literal("all").optional(),
      "statuses[]": z.array(status).optional(),
      sort_by: z
        .string()
        .regex(/^(incident_number|created_at|resolved_at|urgency):(asc|desc)$/)
        .optional(),
    }),
    status: 200,
    said: z.strictObject({ incidents: z.array(incident), ...page }),
  },
  create: {
    method: "POST",
    path: /^\/incidents$/,
    sent: created,
    status: 201,
    said: z.strictObject({ incident }),
    from: true,
  },
  get: { method: "GET", path: /^\/incidents\/\w+$/, status: 200, said: z.strictObject({ incident }) },
  update: {
    method: "PUT",
    path: /^\/incidents\/\w+$/,
    sent: updated,
    status: 200,
    said: z.strictObject({ incident }),
    from: true,
  },
  notes: {
    method: "GET",
    path: /^\/incidents\/\w+\/notes$/,
    status: 200,
    said: z.strictObject({ notes: z.array(note) }),
  },
  note: {
    method: "POST",
    path: /^\/incidents\/\w+\/notes$/,
    sent: noted,
    status: 200,
    said: z.strictObject({ note }),
    from: true,
  },
  event: {
    method: "POST",
    path: /^\/v2\/enqueue$/,
    sent: event,
    status: 202,
    said: enqueued,
    refused: notEnqueued,
    events: true,
  },
};

/** One incident as a webhook tells it. */
const told = z
  .strictObject({
    id: z.string(),
    type: z.literal("incident"),
    self: z.url(),
    html_url: z.url(),
    number: z.int(),
    status,
    incident_key: z.string(),
    created_at: when,
    title: z.string(),
    service: full("service"),
    assignees: z.array(full("user")),
    escalation_policy: full("escalation_policy"),
    teams: z.array(full("team")),
    priority: full("priority").nullable(),
    urgency,
    conference_bridge: z.null(),
    resolve_reason: z.null(),
  })
  .refine((one) => one.status !== "resolved" || one.assignees.length === 0, "nobody is assigned once it is resolved");
const annotation = z.strictObject({
  incident: full("incident"),
  id: z.string(),
  content: z.string(),
  trimmed: z.boolean(),
  type: z.literal("incident_note"),
});
const told3 = (type: string, data: z.ZodType) =>
  z.strictObject({
    event: z.strictObject({
      id: z.string(),
      event_type: z.string().regex(new RegExp(`^incident\\.(${type})$`)),
      resource_type: z.literal("incident"),
      occurred_at: when,
      agent: z.union([full("user"), full("service")]).nullable(),
      client: z.strictObject({ name: z.string() }).nullable(),
      data,
    }),
  });
const KINDS = "triggered|acknowledged|unacknowledged|escalated|delegated|reassigned|resolved|reopened|priority_updated";
const webhook = z.union([told3(KINDS, told), told3("annotated", annotation)]);

export interface Inspected {
  /** `create`, or `webhook`. */
  readonly call: string;
  readonly findings: readonly string[];
}

/** Holds one exchange against what PagerDuty documents; null: it is none of PagerDuty's. */
export function inspectPagerDuty(exchange: Exchange): Inspected | null {
  const { method, url, headers } = exchange;
  const { pathname, searchParams } = new URL(url, "http://any");
  if (headers["x-pagerduty-signature"] !== undefined) return inspectWebhook(exchange);
  const isRest = headers.authorization?.startsWith("Token token=") ?? false;
  if (!isRest && pathname !== "/v2/enqueue") return null;
  const found = Object.entries(CALLS).find(([, one]) => one.method === method && one.path.test(pathname));
  if (!found) return { call: "?", findings: [`${method} ${pathname}: there is no such call`] };
  const [call, one] = found;
  const findings: string[] = [];
  const by = (of: string, schema: z.ZodType | undefined, value: unknown) =>
    void findings.push(...sayings(`${method} ${pathname} ${of}`, schema ?? z.null(), value));
  for (const what of inspectHeaders(one, headers)) findings.push(`${method} ${pathname}: ${what}`);
  by("query", one.query ?? z.strictObject({}), queryOf(searchParams));
  by("request", one.sent, jsonOf(exchange.body));
  const { answer } = exchange;
  if (!answer) return { call, findings };
  if (answer.status >= 400)
    by("refusal", one.refused && answer.status === 400 ? one.refused : failed, jsonOf(answer.body));
  else if (answer.status !== one.status) findings.push(`${method} ${pathname}: ${answer.status} is not ${one.status}`);
  else by("answer", one.said, jsonOf(answer.body));
  if (answer.status === 429 && !("ratelimit-reset" in answer.headers)) findings.push("429 without ratelimit-reset");
  return { call, findings };
}

function inspectHeaders({ from, events, sent }: Call, headers: Exchange["headers"]): readonly string[] {
  const isJson = (headers["content-type"] ?? "").startsWith("application/json");
  return [
    ...(sent && !isJson ? ["Content-Type is not JSON"] : []),
    ...(!events && headers.accept !== "application/vnd.pagerduty+json;version=2" ? ["Accept names no version"] : []),
    ...(from && !/^[^@\s]+@[^@\s]+$/.test(headers.from ?? "") ? ["From names nobody"] : []),
  ];
}

function inspectWebhook({ headers, body: sent }: Exchange): Inspected {
  const signature = /^v1=[0-9a-f]{64}(,v1=[0-9a-f]{64})*$/.test(headers["x-pagerduty-signature"] ?? "");
  const findings = sayings("webhook", webhook, jsonOf(sent));
  return { call: "webhook", findings: signature ? findings : [...findings, "webhook: no such signature"] };
}

function sayings(where: string, schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map((issue) => `${where}: ${issue.path.join(".")} ${wordsOf(issue)}`);
}

/** Of a union, what is wrong by the one that fits best. */
function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return issue.message;
  const best = [...issue.errors].sort((a, b) => a.length - b.length)[0] ?? [];
  return best.map((one) => `${one.path.join(".")} ${wordsOf(one)}`).join("; ");
}

function queryOf(given: URLSearchParams): Record<string, string | string[]> {
  return Object.fromEntries(
    [...new Set(given.keys())].map((name) => [
      name,
      name.endsWith("[]") ? given.getAll(name) : (given.get(name) ?? ""),
    ]),
  );
}

function jsonOf(bytes: Buffer): unknown {
  if (bytes.length === 0) return null;
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return bytes.toString("utf8");
  }
}
