import { randomBytes } from "node:crypto";
import type { Company, Policy, User } from "./company.ts";

export type Status = "triggered" | "acknowledged" | "resolved";

/** What PagerDuty calls an incident. */
export interface Incident {
  readonly id: string;
  readonly number: number;
  readonly key: string;
  readonly title: string;
  readonly createdAt: string;
  readonly urgency: "high" | "low";
  status: Status;
  /** When its status changed last. */
  changedAt: string;
  /** Given to people by name, so it climbs no policy. */
  direct: boolean;
  policy: string;
  level: number;
  /** User ids whose phones ring, or rang. */
  assigned: readonly string[];
  readonly acknowledged: { readonly user: string; readonly at: string }[];
  readonly notes: { readonly id: string; readonly content: string; readonly user: string; readonly at: string }[];
}

export type Change =
  | "triggered"
  | "acknowledged"
  | "unacknowledged"
  | "escalated"
  | "delegated"
  | "reassigned"
  | "resolved"
  | "annotated";

export interface Happened {
  readonly change: Change;
  readonly incident: Incident;
  /** User id, or null: a service did it by an event. */
  readonly by: string | null;
  readonly at: string;
}

/** What was asked, and what came of it: what the other side really saw. */
export interface UserAction {
  readonly at: string;
  readonly what: string;
  readonly sent: unknown;
  /** The status answered, or why there was none. */
  readonly answered: number | "hung" | "cut";
  /** Changes this request made. */
  readonly changed: number;
}

/** PagerDuty's memory. Every rule about what follows what is here; how it is asked is elsewhere. */
export class PagerState {
  readonly company: Company;
  readonly incidents: Incident[] = [];
  readonly ledger: UserAction[] = [];
  readonly happened: Happened[] = [];
  readonly #listeners = new Set<() => void>();
  #levels: Map<string, readonly (readonly string[])[]>;
  #notify: (happened: Happened) => void = () => {};

  constructor(company: Company) {
    this.company = company;
    this.#levels = new Map(company.policies.map(({ id, levels }) => [id, levels]));
  }

  /** Calls back on every change of an incident: for webhooks. */
  tell(told: (happened: Happened) => void): void {
    this.#notify = told;
  }

  watch(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  touched(): void {
    for (const changed of this.#listeners) changed();
  }

  user(id: string): User | undefined {
    return this.company.users.find((one) => one.id === id);
  }

  policy(id: string): Policy | undefined {
    const found = this.company.policies.find((one) => one.id === id);
    return found && { ...found, levels: this.#levels.get(id) ?? [] };
  }

  /** Changes who is on call. */
  roster(policy: string, levels: readonly (readonly string[])[]): void {
    this.#levels = new Map(this.#levels).set(policy, levels);
    this.touched();
  }

  find(id: string): Incident | undefined {
    return this.incidents.find((one) => one.id === id);
  }

  open(key: string): Incident | undefined {
    return this.incidents.find((one) => one.key === key && one.status !== "resolved");
  }

  trigger(what: {
    readonly key?: string | undefined;
    readonly title: string;
    readonly urgency?: "high" | "low" | undefined;
    readonly policy?: string | undefined;
    readonly users?: readonly string[] | undefined;
    readonly by: string | null;
  }): Incident {
    const policy = what.policy ?? this.company.service.policy;
    const now = new Date().toISOString();
    const incident: Incident = {
      id: `Q${word(13)}`,
      number: this.incidents.length + 1,
      key: what.key ?? word(32).toLowerCase(),
      title: what.title,
      createdAt: now,
      changedAt: now,
      urgency: what.urgency ?? "high",
      status: "triggered",
      direct: what.users !== undefined,
      policy,
      level: 1,
      assigned: what.users ?? this.policy(policy)?.levels[0] ?? [],
      acknowledged: [],
      notes: [],
    };
    this.incidents.push(incident);
    this.#note("triggered", incident, what.by);
    return incident;
  }

  acknowledge(incident: Incident, by: string | null): void {
    if (incident.status !== "triggered") return;
    incident.status = "acknowledged";
    if (by !== null) incident.acknowledged.push({ user: by, at: new Date().toISOString() });
    this.#note("acknowledged", incident, by);
  }

  resolve(incident: Incident, by: string | null): void {
    if (incident.status === "resolved") return;
    incident.status = "resolved";
    this.#note("resolved", incident, by);
  }

  /** The phones of another policy, another level, or of these people ring now. */
  hand(
    incident: Incident,
    to: { policy?: string; level?: number; users?: readonly string[] },
    by: string | null,
  ): void {
    incident.policy = to.policy ?? incident.policy;
    incident.level = to.policy === undefined ? (to.level ?? incident.level) : 1;
    incident.direct = to.users !== undefined;
    incident.assigned = to.users ?? this.policy(incident.policy)?.levels[incident.level - 1] ?? [];
    incident.status = "triggered";
    this.#note(to.users ? "reassigned" : to.policy ? "delegated" : "escalated", incident, by);
  }

  annotate(incident: Incident, content: string, by: string): Incident["notes"][number] {
    const note = { id: `N${word(6)}`, content, user: by, at: new Date().toISOString() };
    incident.notes.push(note);
    this.#note("annotated", incident, by);
    return note;
  }

  #note(change: Change, incident: Incident, by: string | null): void {
    if (change !== "annotated") incident.changedAt = new Date().toISOString();
    const happened = { change, incident: { ...incident }, by, at: new Date().toISOString() };
    this.happened.push(happened);
    this.#notify(happened);
    this.touched();
  }
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

function word(length: number): string {
  return Array.from(randomBytes(length), (byte) => LETTERS[byte % LETTERS.length]).join("");
}
