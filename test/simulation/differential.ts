import type { Plan } from "../../src/catalog/types.ts";
import { blankIncident, evolve, type LogEvent } from "../../src/incident/evolve.ts";
import type { IncidentState, RunState } from "../../src/incident/state.ts";
import { decodePlan } from "../../src/incidents/index.ts";
import type { Complaint } from "../support/auditor.ts";
import { PlainIncident, type PlainRun, type PlainStep } from "./plain-model.ts";

interface Row {
  readonly stream: string;
  readonly version: number;
  readonly key: string;
  readonly run: string | null;
  readonly type: string;
  readonly data: string;
  readonly actor: string;
  readonly at: Date;
}

export interface Compared {
  readonly streams: ReadonlyMap<string, { readonly id: string; readonly events: readonly Row[] }>;
  readonly plans: ReadonlyMap<string, Uint8Array>;
  /** Who holds which role, by the catalogue. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
}

/**
 * Each event of each timeline is told to the sources' fold and to the plain model: after each, the two have to say the same of the incident and
 * of every run, and the plain model has to agree with each vote that was accepted or refused, by the code of the refusal.
 */
export function differences({ streams, plans: bytes, roles }: Compared): readonly Complaint[] {
  const plans = new Map<string, Plan>([...bytes].map(([hash, plan]) => [hash, decodePlan(plan)]));
  return [...streams.values()].flatMap(({ id, events }) => differencesIn(id, events, plans, roles));
}

function differencesIn(
  id: string,
  events: readonly Row[],
  plans: ReadonlyMap<string, Plan>,
  roles: Compared["roles"],
): readonly Complaint[] {
  const plain = new PlainIncident(roles);
  let state = blankIncident(id);
  for (const row of events) {
    const says = JSON.parse(row.data) as Record<string, unknown>;
    const event = { ...row, data: says, actor: JSON.parse(row.actor) } as unknown as LogEvent;
    const where = `${id} ${row.version} ${row.type}`;
    const vote = wrongVote(plain, row, says);
    const never = vote ?? plain.whyNever({ ...row, says });
    if (never !== null) return [{ invariant: "plain model", says: `${where}: ${never}` }];
    state = evolve(state, event, plans);
    const steps = plans.get(planOf(state, row.run) ?? "")?.stages.flatMap((stage) => stage.steps) ?? [];
    plain.apply({ ...row, says }, steps as readonly PlainStep[]);
    const other =
      unlikeIncident(state, plain) ??
      (row.run === null ? null : unlike(state.runs.get(row.run), plain.runs.get(row.run)));
    if (other !== null) return [{ invariant: "plain model", says: `${where}: ${other}` }];
  }
  return [];
}

function planOf({ runs }: IncidentState, run: string | null): string | undefined {
  return run === null ? undefined : runs.get(run)?.planHash;
}

/** How a vote ended is what the plain model says of it. What Slack said of an account it can't know. */
function wrongVote(
  plain: PlainIncident,
  { type, run, at }: Row,
  says: Readonly<Record<string, unknown>>,
): string | null {
  const [ask, code] = [String(says.ask), String(says.code)];
  if (type === "gate.approved" && run !== null) {
    const why = plain.whyNot(String(says.person), run, ask, at);
    return why === null ? null : `${says.person} could not approve: ${why}`;
  }
  if (type !== "approval.refused" || run === null || says.decision !== "approve" || code === "account-blocked")
    return null;
  const why = plain.whyNot(String(says.who), run, ask, at);
  return why === code ? null : `${says.who} was refused as ${code}; the plain model says ${why ?? "yes"}`;
}

function unlikeIncident(
  { declared, status, severity, triages = [], actions = [] }: IncidentState,
  plain: PlainIncident,
): string | null {
  if (declared === null) return plain.kind === "" ? null : "only the plain model knows the incident";
  const walk = triages.at(-1);
  const toDo = actions.filter(({ done }) => done === null).map(({ id }) => id);
  const one = [declared.kind, status, severity, walk?.open ? `${walk.id} ${walk.open.question}` : null, ...toDo];
  const other = [plain.kind, plain.status, plain.severity, plain.question, ...plain.toDo];
  return one.join() === other.join() ? null : `${one.join()} is, by the plain model, ${other.join()}`;
}

function unlike(run: RunState | undefined, plain: PlainRun | undefined): string | null {
  if (run === undefined || plain === undefined) return run === plain ? null : "only one of the two knows the run";
  const [one, other] = [told(run), toldPlainly(plain)];
  return one === other ? null : `${one} is, by the plain model, ${other}`;
}

function told({ ending, paused, stuck, steps }: RunState): string {
  const all = [...steps.values()].map((step) =>
    step.status === "gate"
      ? `${step.step.id} ${step.gate.outcome} ${step.gate.approvals.length}`
      : `${step.step.id} ${step.status}`,
  );
  return [`ended ${ending?.as ?? "not"}`, `paused ${paused}`, `stuck ${stuck !== null}`, ...all].join(", ");
}

function toldPlainly({ ended, isPaused, isStuck, steps, questions }: PlainRun): string {
  const all = [...steps].map(([id, status]) => {
    const asked = questions.get(id);
    return status === "gate" && asked ? `${id} ${asked.outcome} ${asked.approvals.size}` : `${id} ${status}`;
  });
  return [`ended ${ended ?? "not"}`, `paused ${isPaused}`, `stuck ${isStuck}`, ...all].join(", ");
}
