import { account, type Phase } from "../incident/accounting.ts";
import { isLate, tookSeconds } from "../incident/clocks.ts";
import type { RecordKind } from "../incident/events.ts";
import { isKnown } from "../incident/evolve.ts";
import { incidentName } from "../incident/numbers.ts";
import { nameOf, roleTitle } from "../incident/people.ts";
import { recoveryOf } from "../incident/recovery.ts";
import type { IncidentState, RunState } from "../incident/state.ts";
import { unfencedIn } from "../incident/unfenced.ts";
import { sayProblem } from "../lib/errors.ts";
import { length } from "./length.ts";
import type { PostmortemRequest } from "./postmortem.ts";
import { entriesOf, stamp } from "./transcript.ts";

/** Everything the post-mortem's templates may name. Words are raw: the templates' engine escapes what it prints. */
export interface Facts {
  readonly title: string;
  readonly kind: RecordKind;
  readonly practice: boolean;
  readonly incident: string;
  readonly system: string;
  readonly severity: string;
  readonly severityTitle: string;
  readonly status: string;
  readonly declared: string;
  readonly declaredBy: string;
  readonly impactStarted: string | null;
  readonly resolved: string | null;
  readonly duration: string | null;
  readonly summary: string | null;
  readonly roles: readonly { role: string; who: string }[];
  readonly runs: readonly RunFacts[];
  readonly approvals: readonly ApprovalFacts[];
  readonly refusals: readonly { version: number; at: string; who: string; what: string }[];
  readonly timeline: readonly { version: number; at: string; later: boolean; who: string; what: string }[];
  readonly versions: number;
  readonly lastHash: string | null;
}

export interface RunFacts {
  readonly id: string;
  readonly title: string;
  readonly target: string;
  readonly mode: string;
  readonly dryRun: boolean;
  readonly requester: string;
  readonly outcome: string;
  readonly planHash: string;
  readonly rto: string;
  readonly rtoObjective: string;
  readonly rtoVerdict: string;
  readonly rpo: string;
  readonly rpoObjective: string;
  readonly rpoVerdict: string;
  readonly rpoMethod: string;
  /** Servers it went on without fencing, and who approved that. */
  readonly unfenced: readonly { server: string; acceptedBy: string }[];
  readonly total: string;
  readonly phases: readonly PhaseFacts[];
  /** Stages that said how long they should take, and had begun. */
  readonly stages: readonly { title: string; took: string; given: string; verdict: string }[];
}

export interface PhaseFacts {
  readonly name: string;
  readonly says: string;
  readonly length: string;
  readonly percent: number;
  readonly bar: string;
  /** Of a picture 600 wide. */
  readonly x: number;
  readonly width: number;
}

export interface ApprovalFacts {
  readonly run: string;
  readonly step: string;
  readonly who: string;
  readonly role: string;
  readonly decision: string;
  readonly waited: string;
  readonly version: number;
}

export function factsOf(request: PostmortemRequest, state: IncidentState): Facts {
  const { system, names, events, practice } = request;
  const { declared } = state;
  const started = declared?.impactStartedAt ?? declared?.at ?? null;
  const entries = entriesOf(events, request.plans, names);
  const by = declared?.by.kind === "person" ? declared.by : null;
  const refused = new Set(
    events
      .filter(({ type }) => type === "command.refused" || type === "approval.refused")
      .map(({ version }) => version),
  );
  return {
    title: declared?.title ?? request.incident,
    kind: declared?.kind ?? "real",
    practice,
    incident: state.number === undefined ? state.id : `${incidentName(state)} (${state.id})`,
    system: system.title,
    severity: state.severity,
    severityTitle: system.severities.find(({ id }) => id === state.severity)?.title ?? state.severity,
    status: state.status,
    declared: declared ? stamp(declared.at) : "not declared",
    declaredBy: by ? (by.person ? names(by.person) : by.name) : "Lifeboat",
    impactStarted: declared?.impactStartedAt ? stamp(declared.impactStartedAt) : null,
    resolved: state.resolvedAt ? stamp(state.resolvedAt) : null,
    duration: started && state.resolvedAt ? length((state.resolvedAt.getTime() - started.getTime()) / 1000) : null,
    summary: summaryOf(request),
    roles: [...state.roles].map(([role, who]) => ({ role: roleTitle(role, system), who: nameOf(who, system) })),
    runs: [...state.runs.values()].map((run) => runFacts(request, state, run)),
    approvals: approvalsOf(request, state),
    refusals: entries
      .filter(({ version }) => refused.has(version))
      .map(({ version, at, who, what }) => ({ version, at: stamp(at), who, what })),
    timeline: entries
      .filter(({ version }) => !refused.has(version))
      .sort((one, other) => one.at.getTime() - other.at.getTime() || one.version - other.version)
      .map(({ version, at, backfilled, who, what }) => ({ version, at: stamp(at), later: backfilled, who, what })),
    versions: events.at(-1)?.version ?? 0,
    lastHash: events.at(-1)?.hash ?? null,
  };
}

function summaryOf({ events }: PostmortemRequest): string | null {
  let summary: string | null = null;
  for (const event of events) if (isKnown(event) && event.type === "incident.resolved") summary = event.data.summary;
  return summary;
}

function runFacts(request: PostmortemRequest, state: IncidentState, run: RunState): RunFacts {
  const now = request.events.at(-1)?.at ?? run.requestedAt;
  const recovery = recoveryOf(state, run);
  const accounting = run.dryRun ? null : account(state, run, now);
  return {
    id: run.id,
    title: run.plan.title,
    target: run.plan.target,
    mode: run.dryRun ? `Dry run, ${run.mode}` : run.mode === "planned" ? "Planned" : "Unplanned",
    dryRun: run.dryRun,
    requester: request.names(run.requester),
    outcome: outcomeOf(run),
    planHash: run.planHash,
    rto: recovery.rtoSeconds === null ? "not measured" : length(recovery.rtoSeconds),
    rtoObjective: recovery.objectiveSeconds === null ? "not set" : length(recovery.objectiveSeconds),
    rtoVerdict: verdict(recovery.met),
    rpo: lossOf(recovery.rpo),
    rpoObjective: recovery.rpoObjectiveSeconds === null ? "not set" : length(recovery.rpoObjectiveSeconds),
    rpoVerdict: verdict(recovery.rpoMet),
    rpoMethod: recovery.rpo?.method ?? "no step measured it",
    unfenced: unfencedIn(run)
      .filter(({ happened }) => happened)
      .map(({ server, acceptedBy }) => ({
        server,
        acceptedBy: acceptedBy.length === 0 ? "nobody" : acceptedBy.map(request.names).join(" and "),
      })),
    total: accounting ? length(accounting.totalSeconds) : "not counted",
    phases: accounting ? picture(accounting.phases, accounting.totalSeconds) : [],
    stages: [...(run.clocks?.values() ?? [])].map((one) => ({
      title: one.clock.title,
      took: `${length(tookSeconds(one, now))}${one.endedAt === null ? " so far" : ""}`,
      given: length(one.clock.withinSeconds),
      verdict: isLate(one, now) ? "late" : one.endedAt === null ? "not over yet" : "in time",
    })),
  };
}

function outcomeOf(run: RunState): string {
  const why = run.problem ? `: ${sayProblem(run.problem)}` : "";
  if (run.status === "verified") return run.dryRun ? "dry run finished, nothing changed" : "done and verified";
  return `${run.status}${why}`;
}

function lossOf(rpo: ReturnType<typeof recoveryOf>["rpo"]): string {
  if (rpo === null) return "not measured";
  const rows = rpo.rows === null ? null : `${rpo.rows} ${rpo.rows === 1 ? "row" : "rows"}`;
  const after = rpo.keptUntil === undefined ? null : `writes after ${stamp(new Date(rpo.keptUntil))}`;
  if (rpo.seconds === null) return rows ?? after ?? "could not be measured";
  return rows === null ? length(rpo.seconds) : `${length(rpo.seconds)} of writes, ${rows}`;
}

function verdict(met: boolean | null): string {
  return met === null ? "not judged" : met ? "met" : "missed";
}

const BAR = 30;
const PICTURE = 600;

function picture(phases: readonly Phase[], totalSeconds: number): readonly PhaseFacts[] {
  let x = 0;
  return phases.map(({ name, says, seconds }) => {
    const share = totalSeconds === 0 ? 0 : seconds / totalSeconds;
    const width = Math.round(share * PICTURE * 10) / 10;
    const phase = {
      ...{ name, says, length: length(seconds), percent: Math.round(share * 100), x: Math.round(x * 10) / 10, width },
      bar: "█".repeat(Math.round(share * BAR)) + "·".repeat(BAR - Math.round(share * BAR)),
    };
    x += width;
    return phase;
  });
}

/** Every decision somebody made, with how long the question had waited for it. */
function approvalsOf({ events, names, system }: PostmortemRequest, state: IncidentState): readonly ApprovalFacts[] {
  const askedAt = new Map<string, Date>();
  return events.flatMap((event): ApprovalFacts[] => {
    if (!isKnown(event) || event.run === null) return [];
    if (event.type === "gate.opened") askedAt.set(event.data.ask, event.at);
    if (event.type !== "gate.approved" && event.type !== "gate.denied") return [];
    const { ask, step, person, role } = event.data;
    const since = askedAt.get(ask);
    const run = state.runs.get(event.run);
    return [
      {
        run: run?.plan.title ?? event.run,
        step: run?.steps.get(step)?.step.title ?? step,
        who: names(person),
        role: roleTitle(role, system),
        decision: event.type === "gate.approved" ? "approved" : "denied",
        waited: since ? length((event.at.getTime() - since.getTime()) / 1000) : "not known",
        version: event.version,
      },
    ];
  });
}
