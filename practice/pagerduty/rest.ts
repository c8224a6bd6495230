import { STRANGER } from "./company.ts";
import type { FaultInjection } from "./faults.ts";
import { reference, shownIncident, shownNote, userReference } from "./shown.ts";
import type { Incident, PagerState, Status } from "./state.ts";

export interface Asked {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Body = {
  readonly incident?: {
    readonly title?: string;
    readonly incident_key?: string;
    readonly urgency?: "high" | "low";
    readonly status?: Status;
    readonly escalation_level?: number;
    readonly service?: { readonly id?: string };
    readonly escalation_policy?: { readonly id?: string };
    readonly assignments?: readonly { readonly assignee?: { readonly id?: string } }[];
  };
  readonly note?: { readonly content?: string };
};

/**
 * The part of the REST API v2 that Lifeboat uses, as PagerDuty documents it and as its own client reads it.
 * @see https://developer.pagerduty.com/api-reference/
 */
export function rest(state: PagerState, faults: FaultInjection, asked: Asked): Answer {
  if (asked.headers.authorization !== `Token token=${state.company.token}`)
    return { status: 401, body: { error: { code: 2006, message: "You are not allowed to do that" } } };
  const [, room, id, inner] = asked.path.split("/");
  const call = `${asked.method} /${room}${id === undefined ? "" : "/*"}${inner === undefined ? "" : `/${inner}`}`;
  switch (call) {
    case "GET /oncalls":
      return paged("oncalls", onCalls(state, faults, asked), asked);
    case "GET /incidents":
      return paged(
        "incidents",
        listed(state, asked).map((one) => shownIncident(state, one)),
        asked,
      );
    case "POST /incidents":
      return writing(state, asked, (by) => create(state, asked.body as Body, by));
  }
  const incident = room === "incidents" && id !== undefined ? state.find(id) : undefined;
  if (incident === undefined) return wrong(404, 2100, "Not Found");
  switch (call) {
    case "GET /incidents/*":
      return { status: 200, body: { incident: shownIncident(state, incident) } };
    case "PUT /incidents/*":
      return writing(state, asked, (by) => update(state, incident, asked.body as Body, by));
    case "GET /incidents/*/notes":
      return { status: 200, body: { notes: incident.notes.map((one) => shownNote(state, one)) } };
    case "POST /incidents/*/notes":
      return writing(state, asked, (by) => {
        const content = (asked.body as Body).note?.content;
        if (!content) return wrong(400, 2001, "Invalid Input Provided", "Content can't be blank.");
        const note = state.annotate(incident, content, by);
        return { status: 200, body: { note: shownNote(state, note) } };
      });
    default:
      return wrong(404, 2100, "Not Found");
  }
}

/** What is given at once unless it is requested more, and the most that can be asked for. */
const PAGE = { usual: 25, most: 100 };

function paged(name: string, all: readonly unknown[], { query }: Asked): Answer {
  const limit = Math.min(Number(query.get("limit") ?? PAGE.usual), PAGE.most);
  const offset = Number(query.get("offset") ?? 0);
  const more = all.length > offset + limit;
  return { status: 200, body: { [name]: all.slice(offset, offset + limit), limit, offset, more, total: null } };
}

function onCalls(state: PagerState, faults: FaultInjection, { query }: Asked): unknown[] {
  if (faults.is("nobody")) return [];
  return query.getAll("escalation_policy_ids[]").flatMap((id) =>
    (state.policy(id)?.levels ?? []).flatMap((users, level) =>
      (faults.is("stranger") && level === 0 ? [STRANGER] : users).map((user) => ({
        escalation_policy: reference("escalation_policy", id, state.policy(id)?.name),
        escalation_level: level + 1,
        schedule: null,
        user: userReference(state, user),
        start: null,
        end: null,
      })),
    ),
  );
}

function listed(state: PagerState, { query }: Asked): readonly Incident[] {
  const statuses = query.getAll("statuses[]");
  const key = query.get("incident_key");
  const found = state.incidents.filter(
    (one) => (key === null || one.key === key) && (statuses.length === 0 || statuses.includes(one.status)),
  );
  return query.get("sort_by") === "created_at:desc" ? found.reverse() : found;
}

/** Writing needs to be in the name of a user who exists. */
function writing(state: PagerState, { headers }: Asked, write: (by: string) => Answer): Answer {
  const by = state.company.users.find(({ email }) => email === headers.from);
  return by === undefined ? wrong(400, 2100, "Requester User Not Found") : write(by.id);
}

function create(state: PagerState, { incident }: Body, by: string): Answer {
  const { title, incident_key: key, service, escalation_policy, assignments } = incident ?? {};
  if (!title || service?.id !== state.company.service.id)
    return wrong(400, 2001, "Invalid Input Provided", "Title and service are needed.");
  if (key !== undefined && state.open(key))
    return wrong(
      400,
      2001,
      "Invalid Input Provided",
      "Open incident with matching dedup key already exists on this service",
    );
  if (escalation_policy && assignments)
    return wrong(400, 2001, "Invalid Input Provided", "Assignee and escalation policy cannot both be given.");
  if (escalation_policy && !state.policy(escalation_policy.id ?? ""))
    return wrong(400, 2001, "Invalid Input Provided", "Escalation policy not found.");
  const users = assignments?.flatMap(({ assignee }) => assignee?.id ?? []);
  if (users?.some((id) => !state.user(id))) return wrong(400, 2001, "Invalid Input Provided", "Assignee not found.");
  const made = state.trigger({ key, title, urgency: incident?.urgency, policy: escalation_policy?.id, users, by });
  return { status: 201, body: { incident: shownIncident(state, made) } };
}

function update(state: PagerState, incident: Incident, { incident: wanted }: Body, by: string): Answer {
  const { status, escalation_level: level, escalation_policy, assignments } = wanted ?? {};
  if (incident.status === "resolved" && status !== "resolved")
    return wrong(400, 2001, "Invalid Input Provided", "Incident Already Resolved");
  if (status === "acknowledged") state.acknowledge(incident, by);
  if (status === "resolved") state.resolve(incident, by);
  const users = assignments?.flatMap(({ assignee }) => assignee?.id ?? []);
  if (users) state.hand(incident, { users }, by);
  else if (escalation_policy?.id) state.hand(incident, { policy: escalation_policy.id }, by);
  else if (level) state.hand(incident, { level }, by);
  return { status: 200, body: { incident: shownIncident(state, incident) } };
}

function wrong(status: number, code: number, message: string, ...errors: string[]): Answer {
  return { status, body: { error: { code, message, ...(errors.length > 0 && { errors }) } } };
}
