import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { requestUrl } from "../../src/lib/request-url.ts";
import { textOf } from "../kit/body.ts";
import { type Listening, listening } from "../kit/listening.ts";

/** What customers see at the stand-in: the part of Statuspage's incidents this product uses. */
export interface PublicIncident {
  readonly id: string;
  readonly page_id: string;
  name: string;
  status: string;
  impact: string;
  readonly metadata: unknown;
  readonly shortlink: string;
  readonly created_at: string;
  /** Newest first, as Statuspage gives them. */
  readonly incident_updates: { readonly body: string; readonly status: string; readonly created_at: string }[];
}

export const STATUSPAGE_FAULTS = {
  "statuspage-500": "It answers 500 and does nothing.",
  "statuspage-hang": "It takes the call and says nothing.",
  "statuspage-limit": "It says there were too many calls (420).",
  "statuspage-cut": "It does the next thing, and the line is cut before it says so.",
} as const;
export type StatuspageFault = keyof typeof STATUSPAGE_FAULTS;

const BODY_BYTES_MAX = 100_000;

/** Statuspage's incidents API, as far as it is documented and used here: one key, any page. */
export class Statuspage {
  readonly incidents: PublicIncident[] = [];
  readonly components = new Map<string, string>();
  /** Every call that was understood, oldest first: "POST /pages/…". */
  readonly ledger: string[] = [];
  readonly key = randomBytes(16).toString("hex");
  private fault: StatuspageFault | null = null;
  private server: Listening | null = null;
  private readonly changed: () => void;
  private serial = 0;
  url = "";

  constructor(changed: () => void = () => {}) {
    this.changed = changed;
  }

  get is(): StatuspageFault | null {
    return this.fault;
  }

  cause(fault: StatuspageFault | null): void {
    this.fault = fault;
    this.changed();
  }

  async open(): Promise<void> {
    const server = await listening((request, response) => this.answer(request, response));
    this.server = server;
    this.url = `${server.url}/v1`;
  }

  async close(): Promise<void> {
    const { server } = this;
    this.server = null;
    await server?.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.fault === "statuspage-hang") return;
    const body = await textOf(request, BODY_BYTES_MAX);
    if (this.fault === "statuspage-500") return say(response, 500, { error: "Something went wrong" });
    if (this.fault === "statuspage-limit") return say(response, 420, { error: "Too many requests" });
    if (request.headers.authorization !== `OAuth ${this.key}`)
      return say(response, 401, { error: "Could not authenticate" });
    const path = requestUrl(request).pathname;
    const [, page, id] = /^\/v1\/pages\/([a-z0-9]+)\/incidents(?:\/([a-z0-9]+))?$/.exec(path) ?? [];
    if (page === undefined) return say(response, 404, { error: "Not found" });
    this.ledger.push(`${request.method} ${path}`);
    const found = this.incidents.find((one) => one.page_id === page && one.id === id);
    if (id !== undefined && found === undefined) return say(response, 404, { error: "Not found" });
    if (request.method === "GET")
      return say(response, 200, found ?? this.incidents.filter((one) => one.page_id === page).toReversed());
    const given = (JSON.parse(body || "{}") as { incident?: Given }).incident;
    if (given === undefined) return say(response, 422, { error: ["incident is missing"] });
    const incident = found ?? this.make(page, given);
    this.change(incident, given);
    this.changed();
    if (this.fault === "statuspage-cut") {
      this.fault = null;
      return void request.socket.destroy();
    }
    say(response, found ? 200 : 201, incident);
  }

  private make(page: string, given: Given): PublicIncident {
    this.serial += 1;
    const id = `practice${this.serial}`;
    const incident: PublicIncident = {
      ...{ id, page_id: page, name: "", status: "investigating", impact: "none", metadata: given.metadata ?? {} },
      ...{ shortlink: `https://stspg.example/${id}`, created_at: new Date().toISOString(), incident_updates: [] },
    };
    this.incidents.push(incident);
    return incident;
  }

  private change(incident: PublicIncident, given: Given): void {
    incident.name = given.name ?? incident.name;
    incident.status = given.status ?? incident.status;
    incident.impact = given.impact_override ?? incident.impact;
    const created_at = new Date().toISOString();
    if (given.body) incident.incident_updates.unshift({ body: given.body, status: incident.status, created_at });
    for (const [component, status] of Object.entries(given.components ?? {})) this.components.set(component, status);
  }
}

interface Given {
  readonly name?: string;
  readonly status?: string;
  readonly body?: string;
  readonly impact_override?: string;
  readonly metadata?: unknown;
  readonly components?: Readonly<Record<string, string>>;
}

function say(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}
