import type { Actor } from "../incident/events.ts";
import type { RunFigures } from "../incident/figures.ts";
import { incidentName } from "../incident/numbers.ts";
import { idOf } from "../incident/people.ts";
import type { RunState } from "../incident/state.ts";
import { unfencedIn } from "../incident/unfenced.ts";
import type { Ask } from "./asks.ts";
import type { PolicyVersion } from "./policies.ts";
import { type Query, queryJson } from "./query.ts";
import { outcomeOf, type RecordEvidence } from "./record.ts";

export interface RecordContext {
  readonly query: Query;
  readonly policy: PolicyVersion | null;
  readonly names: (id: string) => string;
  readonly timeline: { readonly file: string; readonly hash: string };
  readonly findings: readonly { readonly what: string; readonly why: string; readonly event: number | null }[];
}

/** One record as data. Times are ISO 8601 in UTC, durations seconds; a person is their id of then and their name. */
export function recordJson(evidence: RecordEvidence, context: RecordContext): unknown {
  const { state, asks, deviations, count, closedAt } = evidence;
  const { declared } = state;
  if (declared === null) throw new Error(`${state.id} was never declared`);
  const person = (id: string | null) => (id === null ? null : { person: id, name: context.names(id) });
  const actor = (by: Actor) => (by.kind === "bot" ? null : person(idOf(by)));
  return {
    format: "lifeboat-evidence-record/1",
    query: queryJson(context.query),
    record: incidentName(state),
    stream: state.id,
    kind: declared.kind,
    title: declared.title,
    system: declared.system,
    severity: declared.kind === "maintenance" ? null : state.severity,
    status: state.status,
    private: declared.private !== undefined,
    declaredAt: declared.at,
    declaredBy: actor(declared.by),
    impactStartedAt: declared.impactStartedAt,
    resolvedAt: state.resolvedAt,
    closedAt,
    postmortemDraftedAt: state.draftedAt ?? null,
    postmortemWaived: state.closing?.waived ?? null,
    occasion: declared.drill?.occasion ?? null,
    scope: {
      components: [...new Set([...state.runs.values()].flatMap(({ plan }) => plan.component ?? []))],
      targets: [...new Set([...state.runs.values()].map(({ plan }) => plan.target))],
      heldOn: [...state.runs.values()].find(({ plan }) => plan.drill)?.plan.drill?.on ?? null,
    },
    roles: [...state.roles].map(([role, holder]) => ({ role, ...person(holder) })),
    people: peopleIn(evidence).map((id) => person(id)),
    policy: context.policy && {
      file: context.policy.file,
      sha256: context.policy.hash,
      since: context.policy.since,
      recorded: context.policy.since !== null,
    },
    runs: [...state.runs.values()].map((run) =>
      runJson(
        run,
        evidence,
        evidence.figures.find((one) => one.run === run.id),
        person,
      ),
    ),
    deviations: deviations.map(({ run, kind, says, by, at, event }) => ({
      run,
      kind,
      says,
      by: person(by),
      at,
      event,
    })),
    findings: context.findings,
    actions: (state.actions ?? []).map(({ id, text, owner, due, component, link, addedAt, by, done }) => ({
      ...{ id, text, owner: person(owner), due, component, link, addedAt, addedBy: actor(by) },
      done: done && { at: done.at, by: actor(done.by), note: done.note },
    })),
    signOffs: (state.signOffs ?? []).map(({ person: who, roles, statement, version, at, proved = false }) => ({
      ...{ by: person(who), roles, statement, at, coversUpTo: version, complete: version >= lastOfSubstance(evidence) },
      proved,
    })),
    refusals: asks.refusals.length,
    timeline: { file: context.timeline.file, events: count, lastHash: context.timeline.hash },
  };
}

/** The last event but the sign-offs themselves. */
function lastOfSubstance({ events }: RecordEvidence): number {
  return events.findLast(({ type }) => type !== "record.signedOff")?.version ?? 0;
}

type Named = (id: string | null) => { readonly person: string; readonly name: string } | null;

function runJson(run: RunState, { asks }: RecordEvidence, figures: RunFigures | undefined, person: Named) {
  return {
    run: run.id,
    runbook: run.runbook,
    title: run.plan.title,
    mode: run.mode,
    dryRun: run.dryRun,
    undoes: run.plan.undoes ?? null,
    component: run.plan.component,
    target: run.plan.target,
    plan: { sha256: run.planHash, file: `plans/${run.planHash}.json` },
    requestedAt: run.requestedAt,
    requestedBy: person(run.requester),
    endedAt: run.endedAt,
    outcome: outcomeOf(run, asks),
    problem: run.problem,
    stateThen: run.ending !== null && "problem" in run.ending ? (run.ending.problem.stateNow ?? null) : null,
    objectives: { rtoSeconds: run.plan.rtoSeconds, rpoSeconds: run.plan.rpoSeconds },
    achieved: figures && {
      rtoSeconds: figures.rto.seconds,
      rtoCountsFrom: figures.rtoFrom,
      rtoMet: figures.rto.met,
      rpoSeconds: figures.rpo.seconds,
      rpoRows: figures.rpo.rows,
      rpoMethod: figures.rpo.method,
      rpoMet: figures.rpo.met,
    },
    seconds: figures?.parts ?? null,
    steps: [...run.steps.values()].map((state) => ({
      ...{ step: state.step.id, title: state.step.title, stage: state.stage, kind: state.step.kind },
      ...{ status: state.status, attempts: state.attempts },
      ...(state.status === "done" && { at: state.at, seconds: state.seconds, says: state.says }),
    })),
    approvals: asks.asks.filter((one) => one.run === run.id).map((one) => askJson(one, run, person)),
    breakGlass: asks.breakGlassUses
      .filter((one) => one.run === run.id)
      .map(({ step, person: by, second, alone, role, reason, at, review }) => ({
        ...{ step, by: person(by), second: person(second), alone, role, reason, at },
        review: review && { by: person(review.person), at: review.at, finding: review.finding },
      })),
    unfenced: unfencedIn(run)
      .filter(({ happened }) => happened)
      .map(({ server, acceptedBy }) => ({ server, acceptedBy: acceptedBy.map((id) => person(id)) })),
  };
}

function askJson(ask: Ask, run: RunState, person: Named) {
  return {
    step: ask.step,
    title: run.steps.get(ask.step)?.step.title ?? ask.step,
    role: ask.role,
    quorum: ask.quorum,
    couldApprove: ask.approvers.map((id) => person(id)),
    shown: { planSha256: ask.planHash, factsSha256: ask.factsHash, loss: ask.loss },
    askedAt: ask.askedAt,
    expiresAt: ask.expiresAt,
    closedAt: ask.closedAt,
    waitedSeconds: ask.closedAt === null ? null : secondsBetween(ask.askedAt, ask.closedAt),
    outcome: ask.outcome,
    escalated: ask.escalated,
    decisions: ask.decisions.map(({ person: by, at, ...decision }) => ({
      ...decision,
      ...{ by: person(by), at, waitedSeconds: secondsBetween(ask.askedAt, at) },
      onBehalfOf: person(decision.onBehalfOf),
    })),
    event: ask.event,
  };
}

export function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000;
}

/** Everyone who did something in it, in order. */
function peopleIn({ state, asks, events }: RecordEvidence): readonly string[] {
  const found = new Set<string>();
  for (const { actor } of events) {
    const by = actor as Actor;
    if (by.kind === "person") found.add(idOf(by));
  }
  for (const { decisions } of asks.asks) for (const { person } of decisions) found.add(person);
  for (const holder of state.roles.values()) found.add(holder);
  return [...found].sort();
}
