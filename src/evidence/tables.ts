import type { Actor } from "../incident/events.ts";
import { incidentName } from "../incident/numbers.ts";
import { idOf } from "../incident/people.ts";
import type { IncidentState } from "../incident/state.ts";
import type { Due } from "./calendar.ts";
import { type Cell, csv } from "./csv.ts";
import { FOLDERS, outcomeOf, type RecordEvidence } from "./record.ts";
import { secondsBetween } from "./record-json.ts";

type Row<C extends string> = Readonly<Record<C, Cell>>;

/** The population: everything there was, whatever became of it. `class` keeps what was real apart from what was practised. */
export const REGISTER = [
  ...["class", "entry", "record", "stream", "run", "system", "component", "title", "occasion", "runbook", "mode"],
  ...["dry_run", "status", "due_at", "started_at", "ended_at", "requested_by", "severity", "private"],
  ...["rto_objective_seconds", "rto_achieved_seconds", "rto_counts_from", "rto_met"],
  ...["rpo_objective_seconds", "rpo_achieved_seconds", "rpo_rows_lost", "rpo_method", "rpo_met"],
  ...["approvals", "deviations", "refusals", "break_glass", "actions_open", "signed_off", "document"],
] as const;
export type RegisterRow = Partial<Row<string>> & { readonly class: string; readonly status: string };

/** What was real first, then what was planned work, then what was practised. */
const CLASSES = ["real", "maintenance", "drill", "tabletop", "verification", "restore-test", "review", "training"];

export function registerCsv(rows: readonly RegisterRow[]): string {
  return csv(
    REGISTER as readonly string[],
    inOrder(rows).map((row) => row as Row<string>),
  );
}

/** By class, then by time; the runs of a record stand below it. */
export function inOrder(rows: readonly RegisterRow[]): readonly RegisterRow[] {
  const own = ({ started_at, due_at }: RegisterRow) => ((started_at ?? due_at) as Date | undefined)?.getTime() ?? 0;
  const begun = new Map(rows.flatMap((row) => (row.entry === "record" ? [[row.stream, own(row)]] : [])));
  const rank = (row: RegisterRow) => CLASSES.indexOf(row.class);
  const time = (row: RegisterRow) => (row.entry === "calendar" ? own(row) : (begun.get(row.stream) ?? own(row)));
  return rows
    .map((row, at) => ({ row, at }))
    .sort((one, other) => rank(one.row) - rank(other.row) || time(one.row) - time(other.row) || one.at - other.at)
    .map(({ row }) => row);
}

/** A row for the record and one for each of its runs. */
export function registerRows(evidence: RecordEvidence, names: (id: string) => string): readonly RegisterRow[] {
  const { state, asks, deviations, figures, name, closedAt } = evidence;
  const { declared } = state;
  if (declared === null) return [];
  const by = declared.by.kind === "bot" ? "Lifeboat" : names(idOf(declared.by));
  const common = {
    ...{ class: classOf(state), record: incidentName(state), stream: state.id, system: declared.system },
    ...{ occasion: declared.drill?.occasion ?? null, private: declared.private !== undefined },
    document: `${FOLDERS[declared.kind]}/${name}.html`,
  };
  const record: RegisterRow = {
    ...common,
    ...{ entry: "record", title: declared.title, status: state.status, started_at: declared.at, requested_by: by },
    ended_at: state.resolvedAt ?? closedAt,
    severity: declared.kind === "maintenance" ? null : state.severity,
    ...{ approvals: asks.asks.length, deviations: deviations.length, refusals: asks.refusals.length },
    ...{ break_glass: asks.breakGlassUses.length, signed_off: (state.signOffs ?? []).length > 0 },
    actions_open: (state.actions ?? []).filter(({ done }) => done === null).length,
  };
  const runs = [...state.runs.values()].map((run): RegisterRow => {
    const figure = figures.find((one) => one.run === run.id);
    return {
      ...common,
      ...{ entry: "run", run: run.id, title: run.plan.title, component: run.plan.component, runbook: run.runbook },
      ...{ mode: run.mode, dry_run: run.dryRun, status: outcomeOf(run, asks) },
      ...{ started_at: run.requestedAt, ended_at: run.endedAt, requested_by: names(run.requester) },
      ...{ rto_objective_seconds: run.plan.rtoSeconds, rpo_objective_seconds: run.plan.rpoSeconds },
      ...(figure && {
        ...{ rto_achieved_seconds: figure.rto.seconds, rto_counts_from: figure.rtoFrom, rto_met: figure.rto.met },
        ...{ rpo_achieved_seconds: figure.rpo.seconds, rpo_rows_lost: figure.rpo.rows, rpo_method: figure.rpo.method },
        rpo_met: figure.rpo.met,
      }),
      approvals: asks.asks.filter((one) => one.run === run.id).length,
      deviations: deviations.filter((one) => one.run === run.id).length,
      break_glass: asks.breakGlassUses.filter((one) => one.run === run.id).length,
    };
  });
  return [record, ...runs];
}

/** What it was: a drill of nothing but walks touched nothing and is a tabletop. */
function classOf({ declared, runs }: IncidentState): string {
  const performed = [...runs.values()].filter(({ dryRun }) => !dryRun);
  const isWalk = performed.length > 0 && performed.every(({ plan }) => plan.tabletop === true);
  return declared?.kind === "drill" && isWalk ? "tabletop" : (declared?.kind ?? "");
}

/** `rows`: of records, so that a date that was held says where that is told. */
export function dueRow(due: Due, rows: readonly RegisterRow[]): RegisterRow {
  const held = due.run === null ? undefined : rows.find((row) => row.run === due.run);
  return {
    ...(held && { record: held.record, stream: held.stream, document: held.document }),
    ...{ class: due.kind, entry: "calendar", system: due.system, title: due.title, occasion: due.occasion },
    ...{ runbook: due.runbook, mode: due.mode, status: due.status, due_at: due.at },
    run: due.run,
  };
}

export const APPROVALS = [
  ...["record", "class", "run", "runbook", "step", "title", "role", "quorum", "could_approve", "asked_at", "closed_at"],
  ...["waited_seconds", "outcome", "decision", "by", "by_role", "decided_at", "decision_waited_seconds"],
  ...["on_behalf_of", "second_factor", "signed_with", "approved_ahead_at", "reason", "event"],
] as const;
export type ApprovalRow = Row<(typeof APPROVALS)[number]>;

/** A row a decision; an approval no one decided has one too. */
export function approvalRows({ state, asks }: RecordEvidence, names: (id: string) => string): readonly ApprovalRow[] {
  return asks.asks.flatMap((ask): readonly ApprovalRow[] => {
    const run = state.runs.get(ask.run);
    const asked = {
      ...{ record: incidentName(state), class: classOf(state), run: ask.run, runbook: run?.runbook ?? "" },
      ...{ step: ask.step, title: run?.steps.get(ask.step)?.step.title ?? ask.step, role: ask.role },
      ...{ quorum: ask.quorum, could_approve: ask.approvers.map(names).join("; "), asked_at: ask.askedAt },
      ...{ closed_at: ask.closedAt, outcome: ask.outcome },
      waited_seconds: ask.closedAt === null ? null : secondsBetween(ask.askedAt, ask.closedAt),
    };
    const none = {
      ...{ decision: "none", by: null, by_role: null, decided_at: null, decision_waited_seconds: null },
      ...{ on_behalf_of: null, second_factor: null, signed_with: null, reason: null, event: ask.event },
      approved_ahead_at: null,
    };
    if (ask.decisions.length === 0) return [{ ...asked, ...none }];
    return ask.decisions.map((one) => ({
      ...asked,
      ...{ decision: one.decision, by: names(one.person), by_role: one.role, decided_at: one.at },
      decision_waited_seconds: secondsBetween(ask.askedAt, one.at),
      on_behalf_of: one.onBehalfOf === null ? null : names(one.onBehalfOf),
      ...{ second_factor: one.proved, signed_with: one.signedWith, reason: one.reason, event: one.event },
      approved_ahead_at: one.ahead?.at ?? null,
    }));
  });
}

export const BREAK_GLASS = [
  ...["record", "class", "run", "step", "used_at", "by", "role", "second_person", "alone_because", "reason"],
  ...["reviewed_at", "reviewed_by", "finding"],
] as const;
export type BreakGlassRow = Row<(typeof BREAK_GLASS)[number]>;

export function breakGlassRows(
  { state, asks }: RecordEvidence,
  names: (id: string) => string,
): readonly BreakGlassRow[] {
  return asks.breakGlassUses.map((one) => ({
    ...{ record: incidentName(state), class: classOf(state), run: one.run, step: one.step },
    ...{ used_at: one.at, by: names(one.person), role: one.role, alone_because: one.alone, reason: one.reason },
    second_person: one.second === null ? null : names(one.second),
    ...{ reviewed_at: one.review?.at, reviewed_by: one.review && names(one.review.person) },
    finding: one.review?.finding,
  }));
}

export const ACTIONS = [
  ...["record", "class", "system", "action", "text", "component", "owner", "due", "added_at", "state", "done_at"],
  ...["done_by", "note", "link", "late"],
] as const;
export type ActionRow = Row<(typeof ACTIONS)[number]>;

/** @param end of the period: an open item is late by then, or not */
export function actionRows({ state }: RecordEvidence, names: (id: string) => string, end: Date): readonly ActionRow[] {
  return (state.actions ?? []).map(({ id, text, component, owner, due, addedAt, link, done }) => ({
    ...{ record: incidentName(state), class: classOf(state), system: state.declared?.system ?? "" },
    ...{ action: id, text, component, due, added_at: addedAt, link, state: done === null ? "open" : "done" },
    owner: owner === null ? null : names(owner),
    ...{ done_at: done?.at, done_by: done && actorName(done.by, names), note: done?.note },
    late: due !== null && (done?.at ?? end).toISOString().slice(0, 10) > due,
  }));
}

export const DEVIATIONS = ["record", "class", "run", "kind", "says", "by", "at", "event"] as const;
export type DeviationRow = Row<(typeof DEVIATIONS)[number]>;

export function deviationRows(
  { state, deviations }: RecordEvidence,
  names: (id: string) => string,
): readonly DeviationRow[] {
  return deviations.map(({ run, kind, says, by, at, event }) => ({
    ...{ record: incidentName(state), class: classOf(state), run, kind, says, at, event },
    by: by === null ? null : names(by),
  }));
}

export const REFUSALS = ["record", "class", "at", "who", "what", "code", "says", "event"] as const;
export type RefusalRow = Row<(typeof REFUSALS)[number]>;

export function refusalRows({ state, asks }: RecordEvidence, names: (id: string) => string): readonly RefusalRow[] {
  return asks.refusals.map(({ at, actor, what, code, says, event }) => ({
    ...{ record: incidentName(state), class: classOf(state), at, what, code, says, event },
    who: actorName(actor as Actor, names),
  }));
}

export const SIGN_OFFS = [
  "record",
  "class",
  "at",
  "by",
  "roles",
  "statement",
  "covers_events_up_to",
  "second_factor",
] as const;
export type SignOffRow = Row<(typeof SIGN_OFFS)[number]>;

export function signOffRows({ state }: RecordEvidence, names: (id: string) => string): readonly SignOffRow[] {
  return (state.signOffs ?? []).map(({ at, person, roles, statement, version, proved = false }) => ({
    ...{ record: incidentName(state), class: classOf(state), at, by: names(person) },
    ...{ roles: roles.join("; "), statement, covers_events_up_to: version, second_factor: proved },
  }));
}

function actorName(actor: Actor, names: (id: string) => string): string {
  return actor.kind === "bot" ? "Lifeboat" : names(idOf(actor));
}
