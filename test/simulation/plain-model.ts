/**
 * An incident as its timeline tells it, told once more by the simplest code there is: which runs there are and how they stand, what is asked
 * and who may answer. It shares no code with the sources; `differential.ts` holds the two against each other.
 */
export interface PlainEvent {
  readonly version: number;
  readonly run: string | null;
  readonly type: string;
  readonly says: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

export interface PlainStep {
  readonly id: string;
  readonly kind: string;
  readonly gate?: { readonly role: string; readonly quorum: number; readonly escalate: readonly { role: string }[] };
}

interface Question {
  readonly ask: string;
  readonly roles: readonly string[];
  readonly quorum: number;
  readonly expiresAt: Date;
  readonly hash: string;
  /** Who approved → in whose place. */
  readonly approvals: Map<string, string>;
  /** Break-glass was used. */
  isBroken: boolean;
  outcome: string;
}

export interface PlainRun {
  readonly requester: string;
  readonly steps: Map<string, string>;
  readonly questions: Map<string, Question>;
  readonly asks: Map<string, string>;
  isPaused: boolean;
  isStuck: boolean;
  ended: string | null;
  facts: string;
}

const CLOSES: Readonly<Record<string, string>> = {
  ...{ "gate.passed": "passed", "gate.denied": "denied", "gate.expired": "expired", "gate.voided": "voided" },
};
const ENDS: Readonly<Record<string, string>> = {
  ...{ "run.verified": "verified", "run.aborted": "aborted", "run.failed": "failed" },
};
const STANDS: Readonly<Record<string, string>> = {
  ...{ "step.started": "running", "step.intended": "running", "step.applied": "running", "step.progressed": "running" },
  ...{ "step.verified": "done", "step.confirmed": "done", "step.failed": "failed", "step.stopped": "stopped" },
  ...{ "step.opened": "open", "step.skipped": "skipped", "step.retried": "waiting" },
};

export class PlainIncident {
  readonly runs = new Map<string, PlainRun>();
  /** Real, a drill or maintenance; empty: nothing was declared. */
  kind = "";
  status = "investigating";
  severity = "";
  /** Of the walk through the questions that was begun last: its id and the question that is open. */
  question: string | null = null;
  /** Action items that are not done. */
  readonly toDo = new Set<string>();
  #loans: readonly { role: string; from: string; to: string; until: string }[] = [];
  readonly #roles: Readonly<Record<string, readonly string[]>>;

  /** @param roles who holds which, by the catalogue */
  constructor(roles: Readonly<Record<string, readonly string[]>>) {
    this.#roles = roles;
  }

  /** @param steps of the plan that is requested */
  apply(event: PlainEvent, steps: readonly PlainStep[] = []): void {
    const { type, says, run: id } = event;
    if (type === "incident.roleDelegated") this.#lend(says as never);
    if (type === "incident.delegationEnded") this.#takeBack(says as never);
    if (id === null) return void this.#incident(type, says);
    if (type === "run.requested" && this.kind === "maintenance") this.status = "investigating";
    if (type === "run.requested" && !this.runs.has(id)) return void this.runs.set(id, begun(says, steps));
    const run = this.runs.get(id);
    if (run === undefined) return;
    if (type === "run.preflighted") run.facts = String(says.factsHash);
    if (type === "run.paused") run.isPaused = true;
    if (type === "run.stuck") run.isStuck = true;
    if (type === "run.resumed") Object.assign(run, { isPaused: false, isStuck: false });
    if (type in ENDS) run.ended ??= ENDS[type] ?? null;
    // Planned work is over with the last of its runs, unless that failed.
    const isOver = [...this.runs.values()].every(({ ended }) => ended !== null);
    if (this.kind === "maintenance" && (type === "run.verified" || type === "run.aborted") && isOver)
      this.status = "closed";
    if (type.startsWith("gate.")) question(run, event, steps);
    if (type in STANDS) stands(run, String(says.step), STANDS[type] ?? "");
  }

  #incident(type: string, says: PlainEvent["says"]): void {
    const walk = () => `${says.triage} ${says.question}`;
    if (type === "incident.declared") this.kind = String(says.kind);
    if (type === "incident.raised") Object.assign(this, { kind: "real", status: "investigating" });
    if (type === "incident.declared" || type === "incident.raised") this.severity = String(says.severity);
    if (type === "incident.severityChanged") this.severity = String(says.to);
    if (type === "incident.statusChanged") this.status = String(says.to);
    if (type === "incident.resolved") this.status = this.kind === "maintenance" ? "closed" : "resolved";
    if (type === "incident.closed") this.status = "closed";
    if (type === "incident.reopened") this.status = "investigating";
    if (type === "triage.asked") this.question = walk();
    if (type === "triage.answered" && this.question === walk()) this.question = null;
    if (type === "action.added") this.toDo.add(String(says.action));
    if (type === "action.done") this.toDo.delete(String(says.action));
  }

  /** Why something can't have been recorded now, by the plainest reading of what it says; null: it can. */
  whyNever({ type, says }: Pick<PlainEvent, "type" | "says">): string | null {
    const isOver = this.status === "resolved" || this.status === "closed";
    const isLive = [...this.runs.values()].some(({ ended }) => ended === null);
    if (type === "incident.resolved" && (isOver || isLive)) return `it is ${this.status}, ${this.runs.size} runs`;
    if (type === "incident.closed" && (this.status !== "resolved" || isLive)) return `it is ${this.status}`;
    if (type === "incident.reopened" && !isOver) return `it is ${this.status}`;
    if (type === "incident.raised" && this.kind !== "maintenance") return `it is ${this.kind}`;
    if (type === "triage.answered" && this.question !== `${says.triage} ${says.question}`) return "it was not asked";
    if (type === "action.done" && !this.toDo.has(String(says.action))) return "there is nothing to do of that name";
    return null;
  }

  #lend(loan: { role: string; from: string; to: string; until: string }): void {
    this.#takeBack(loan);
    this.#loans = [...this.#loans, loan];
  }

  #takeBack({ role, from, to }: { role: string; from: string; to: string }): void {
    this.#loans = this.#loans.filter((one) => one.role !== role || one.from !== from || one.to !== to);
  }

  /** In whose places this person may decide a question of this run. Their own comes first. */
  places(person: string, run: PlainRun, roles: readonly string[], at: Date): readonly string[] {
    const holds = (who: string) => this.#roles[who]?.some((role) => roles.includes(role)) ?? false;
    const lent = this.#loans
      .filter(({ to, until, from }) => to === person && at < new Date(until) && from !== run.requester)
      .filter(({ role, from }) => roles.includes(role) && this.#roles[from]?.includes(role));
    return [...(holds(person) ? [person] : []), ...lent.map(({ from }) => from)];
  }

  /** Why this person can't approve this now, by the code of the refusal; null: they can. */
  whyNot(person: string, runId: string, ask: string, at: Date): string | null {
    const run = this.runs.get(runId);
    if (run === undefined) return "run-unknown";
    if (run.ended !== null) return "run-ended";
    const step = run.asks.get(ask);
    const asked = step === undefined ? undefined : run.questions.get(step);
    if (asked === undefined) return "ask-unknown";
    if (!(person in this.#roles)) return "not-on-roster";
    if (person === run.requester) return "gate-requester";
    const [place] = this.places(person, run, asked.roles, at);
    if (place === undefined) return "gate-role";
    if (asked.ask !== ask) return "ask-superseded";
    if (asked.outcome === "passed") return "too-late";
    if (asked.outcome === "denied") return "already-decided";
    if (asked.outcome === "voided") return "ask-void";
    if (asked.outcome === "expired" || at >= asked.expiresAt) return "gate-expired";
    if (asked.approvals.has(person) || asked.isBroken) return "already-decided";
    const counting = [...asked.approvals].filter(([who, where]) =>
      this.places(who, run, asked.roles, at).includes(where),
    );
    if (new Set(counting.map(([, where]) => where)).size >= asked.quorum) return "already-decided";
    if ([...asked.approvals.values()].includes(place)) return "place-taken";
    return asked.hash === run.facts ? null : "facts-changed";
  }
}

function begun(says: PlainEvent["says"], steps: readonly PlainStep[]): PlainRun {
  return {
    ...{ requester: String(says.requester), isPaused: false, isStuck: false, ended: null, facts: "" },
    steps: new Map(steps.map(({ id }) => [id, "waiting"])),
    questions: new Map(),
    asks: new Map(),
  };
}

function question(run: PlainRun, { type, says }: PlainEvent, steps: readonly PlainStep[]): void {
  const step = String(says.step);
  const asked = run.questions.get(step);
  if (type === "gate.opened") {
    const gate = steps.find(({ id }) => id === step)?.gate;
    const roles = [gate?.role ?? "", ...(gate?.escalate ?? []).map(({ role }) => role)];
    const [ask, hash, expiresAt] = [String(says.ask), String(says.factsHash), new Date(String(says.expiresAt))];
    const more = { approvals: new Map<string, string>(), isBroken: false, outcome: "open" };
    run.questions.set(step, { ask, roles, quorum: gate?.quorum ?? 1, expiresAt, hash, ...more });
    run.asks.set(ask, step);
    run.steps.set(step, "gate");
    return;
  }
  if (asked === undefined || asked.ask !== says.ask) return;
  const closes = CLOSES[type];
  if (asked.outcome === "passed" && closes === "voided") asked.outcome = closes;
  if (asked.outcome !== "open") return;
  if (type === "gate.approved") asked.approvals.set(String(says.person), String(says.onBehalfOf ?? says.person));
  if (type === "gate.broken") asked.isBroken = true;
  if (closes !== undefined) asked.outcome = closes;
}

/** A question that is asked again is void until it is; what has passed stays. */
function stands(run: PlainRun, step: string, as: string): void {
  const asked = run.questions.get(step);
  if (as !== "waiting" || asked === undefined) return void run.steps.set(step, as);
  if (asked.outcome === "denied" || asked.outcome === "expired") asked.outcome = "voided";
}
