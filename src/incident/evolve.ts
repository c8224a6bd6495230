import type { Plan } from "../catalog/types.ts";
import { messageOf, type Problem } from "../lib/errors.ts";
import { moveClocks, ranLate } from "./clocks.ts";
import type { Event, EventType, Recorded } from "./events.ts";
import { evolveComms, nothingSaid } from "./evolve/comms.ts";
import { evolveGate, reviewed } from "./evolve/gate.ts";
import { evolveIncident, maintained } from "./evolve/incident.ts";
import { evolveProbation } from "./evolve/probation.ts";
import { judge, startRun } from "./evolve/run.ts";
import { evolveStep } from "./evolve/step.ts";
import { quarrelWith } from "./follows.ts";
import type { IncidentState, RunState } from "./state.ts";
import { moveWork } from "./work.ts";

/** An event as the timeline hands it over, before anyone knows whether its type means something here. */
export interface LogEvent {
  readonly version: number;
  readonly key: string;
  readonly run: string | null;
  readonly type: string;
  readonly data: unknown;
  readonly actor: unknown;
  readonly at: Date;
}

/** Plans by their hash, read from the stored bytes. */
export type Plans = ReadonlyMap<string, Plan>;

/**
 * What is true after all these events. Total: the log is the truth, so an event of an unknown type only advances the
 * version, and a pair that should not follow each other is applied as far as it makes sense.
 * A run whose plan is not among `plans` is there, is live, and has no steps: nothing of it can start or be approved.
 */
export function fold(id: string, events: Iterable<LogEvent>, plans: Plans): IncidentState {
  let state = blankIncident(id);
  for (const event of events) state = evolve(state, event, plans);
  return state;
}

export function evolve(state: IncidentState, event: LogEvent, plans: Plans): IncidentState {
  const moved = { ...state, version: event.version };
  if (!isKnown(event)) return moved;
  try {
    return apply(moved, event, plans);
  } catch (error) {
    return unreadable(moved, event, error);
  }
}

/** The same, but refuses a pair that should not follow each other with a message that names both sides. For tests. */
export function evolveStrictly(state: IncidentState, event: LogEvent, plans: Plans): IncidentState {
  if (!isKnown(event)) return { ...state, version: event.version };
  const quarrel = quarrelWith(state, event, plans);
  if (quarrel !== null) throw new Error(quarrel);
  return apply({ ...state, version: event.version }, event, plans);
}

/** The plans a fold of these events wants, so that they can be read beforehand. */
export function plansNeeded(
  events: Iterable<LogEvent>,
): readonly { readonly run: string; readonly planHash: string }[] {
  const needed: { run: string; planHash: string }[] = [];
  for (const event of events)
    if (isKnown(event) && event.type === "run.requested" && event.run !== null)
      needed.push({ run: event.run, planHash: event.data.planHash });
  return needed;
}

/** The request with this key has left its events here already: a repeat of it changes nothing. */
export function isHandled(events: Iterable<{ readonly key: string }>, key: string): boolean {
  for (const event of events) if (event.key.startsWith(`${key}/`)) return true;
  return false;
}

export function blankIncident(id: string): IncidentState {
  return {
    id,
    version: 0,
    declared: null,
    severity: "P3",
    status: "investigating",
    roles: new Map(),
    handovers: new Map(),
    delegations: [],
    resolvedAt: null,
    runs: new Map(),
    paging: { pages: new Map(), failing: null },
    comms: nothingSaid,
  };
}

/**
 * An event that makes no sense to this version (or a plan that does not) does not take the incident with it: its run stops
 * until a person has looked, because what it said may have been a no.
 */
function unreadable(state: IncidentState, event: Recorded, error: unknown): IncidentState {
  const run = event.run === null ? undefined : (state.runs.get(event.run) ?? requested(event, event.run));
  if (run === undefined) return state;
  const problem: Problem = {
    code: "event-unreadable",
    where: run.title,
    what: `This version can't read entry ${event.version} of the timeline (${event.type}). ${messageOf(error)}`,
    stateNow: "Unknown is only what that entry changed.",
    next: "Look at it with `/dr timeline`, then abort the run, or resume it without that entry.",
  };
  const stuck = { ...run, stuck: problem, stuckOn: [], status: run.ending?.as ?? ("stopped" as const), problem };
  return { ...state, runs: new Map(state.runs).set(run.id, moveWork(stuck, event.at)) };
}

function requested(event: Recorded, id: string): RunState | undefined {
  try {
    return event.type === "run.requested" ? startRun(id, event, new Map()) : undefined;
  } catch {
    return undefined;
  }
}

function apply(state: IncidentState, event: Recorded, plans: Plans): IncidentState {
  if (event.run === null) return { ...evolveIncident(state, event), comms: evolveComms(state.comms, event) };
  const run = runAfter(state.runs.get(event.run) ?? null, event, event.run, plans);
  if (run === null) return state;
  const after = moveWork(moveClocks(judge(run), event.at), event.at);
  return maintained({ ...state, runs: new Map(state.runs).set(run.id, after) }, event);
}

function runAfter(run: RunState | null, event: Recorded, id: string, plans: Plans): RunState | null {
  if (run === null) return event.type === "run.requested" ? startRun(id, event, plans) : null;
  switch (event.type) {
    case "run.requested":
      return run;
    case "run.preflighted":
      return { ...run, preflight: { ...event.data, at: event.at } };
    case "run.paused":
      return { ...run, paused: true, heldSince: run.heldSince ?? event.at };
    case "run.resumed": {
      const { heldSince: _, ...going } = run;
      const wasStuck = run.stuck === null ? {} : { wasStuck: [...(run.wasStuck ?? []), run.stuck] };
      return { ...going, ...wasStuck, paused: false, stuck: null, stuckOn: [] };
    }
    case "run.stuck":
      return {
        ...run,
        stuck: event.data.problem,
        stuckOn: event.data.facts ?? [],
        heldSince: run.heldSince ?? event.at,
      };
    case "stage.late":
      return ranLate(run, event.data.stage, event.at);
    case "split-brain.seen":
      return { ...run, splits: [...(run.splits ?? []), { ...event.data, since: event.at, over: null }] };
    case "split-brain.over": {
      const { step } = event.data;
      const splits = (run.splits ?? []).map((one) =>
        one.step === step ? { ...one, over: one.over ?? event.at } : one,
      );
      return { ...run, splits };
    }
    case "fault.lifted":
    case "fault.remains": {
      const note = { ...event.data, at: event.at, lifted: event.type === "fault.lifted" };
      return { ...run, faults: [...(run.faults ?? []), note] };
    }
    case "run.committed":
    case "probation.changed":
    case "probation.ended":
    case "standby.missing":
    case "standby.streams":
      return evolveProbation(run, event);
    case "run.aborted": {
      const { reason, stateNow } = event.data;
      return end(run, event.at, { as: "aborted", problem: { code: "aborted", what: reason, stateNow } });
    }
    case "run.failed":
      return end(run, event.at, { as: "failed", problem: event.data.problem });
    case "run.verified":
      return end(run, event.at, { as: "verified" });
    case "gate.opened":
    case "gate.escalated":
    case "gate.reminded":
    case "gate.shown":
    case "gate.asked":
    case "gate.answered":
    case "gate.explained":
    case "gate.summoned":
    case "gate.approved":
    case "gate.breakAsked":
    case "gate.broken":
    case "gate.denied":
    case "gate.expired":
    case "gate.voided":
    case "gate.passed":
      return evolveGate(run, event);
    case "gate.reviewed":
      return reviewed(run, event);
    case "step.started":
    case "step.intended":
    case "step.applied":
    case "step.progressed":
    case "step.verified":
    case "step.failed":
    case "step.stopped":
    case "step.opened":
    case "step.confirmed":
    case "step.retried":
    case "step.skipped":
      return evolveStep(run, event);
    case "incident.declared":
    case "incident.raised":
    case "incident.severityChanged":
    case "incident.statusChanged":
    case "incident.roleAssigned":
    case "incident.roleDelegated":
    case "incident.delegationEnded":
    case "incident.noted":
    case "incident.escalated":
    case "incident.responseLate":
    case "incident.resolved":
    case "incident.reopened":
    case "incident.closed":
    case "postmortem.drafted":
    case "member.added":
    case "channel.archiveAnnounced":
    case "channel.archiveDue":
    case "action.added":
    case "action.done":
    case "action.reminded":
    case "command.refused":
    case "approval.refused":
    case "page.sent":
    case "page.failed":
    case "page.acknowledged":
    case "update.posted":
    case "update.delivered":
    case "update.delayed":
    case "update.undelivered":
    case "comms.reminded":
    case "comms.snoozed":
    case "comms.late":
    case "person.enrolled":
    case "person.vouched":
    case "person.locked":
    case "bot.startedWithoutSlack":
    case "catalogue.changed":
    case "policy.recorded":
    case "record.signedOff":
    case "checkpoint.made":
    case "anchor.placed":
    case "anchor.refused":
    case "triage.asked":
    case "triage.answered":
    case "triage.unseen":
    case "triage.concluded":
    case "alert.fired":
    case "alert.resolved":
    case "alert.looked":
    case "alert.incidentOpened":
    case "readiness.changed":
    case "readiness.reported":
      return run;
    default:
      return event satisfies never;
  }
}

/** The first ending stands. */
function end(run: RunState, at: Date, ending: NonNullable<RunState["ending"]>): RunState {
  return run.ending === null ? { ...run, ending, endedAt: at } : run;
}

const KNOWN: Record<EventType, true> = {
  "incident.declared": true,
  "incident.raised": true,
  "incident.severityChanged": true,
  "incident.statusChanged": true,
  "incident.roleAssigned": true,
  "incident.roleDelegated": true,
  "incident.delegationEnded": true,
  "incident.noted": true,
  "incident.escalated": true,
  "incident.responseLate": true,
  "incident.resolved": true,
  "incident.reopened": true,
  "incident.closed": true,
  "postmortem.drafted": true,
  "member.added": true,
  "channel.archiveAnnounced": true,
  "channel.archiveDue": true,
  "action.added": true,
  "action.done": true,
  "action.reminded": true,
  "command.refused": true,
  "run.requested": true,
  "run.preflighted": true,
  "run.paused": true,
  "run.resumed": true,
  "run.aborted": true,
  "run.verified": true,
  "run.failed": true,
  "run.stuck": true,
  "stage.late": true,
  "split-brain.seen": true,
  "split-brain.over": true,
  "fault.lifted": true,
  "fault.remains": true,
  "run.committed": true,
  "probation.changed": true,
  "probation.ended": true,
  "standby.missing": true,
  "standby.streams": true,
  "gate.opened": true,
  "gate.escalated": true,
  "gate.reminded": true,
  "gate.shown": true,
  "gate.asked": true,
  "gate.answered": true,
  "gate.explained": true,
  "gate.summoned": true,
  "gate.approved": true,
  "gate.breakAsked": true,
  "gate.broken": true,
  "gate.reviewed": true,
  "gate.denied": true,
  "gate.expired": true,
  "gate.voided": true,
  "gate.passed": true,
  "approval.refused": true,
  "person.enrolled": true,
  "person.vouched": true,
  "person.locked": true,
  "bot.startedWithoutSlack": true,
  "catalogue.changed": true,
  "policy.recorded": true,
  "record.signedOff": true,
  "checkpoint.made": true,
  "anchor.placed": true,
  "anchor.refused": true,
  "triage.asked": true,
  "triage.answered": true,
  "triage.unseen": true,
  "triage.concluded": true,
  "alert.fired": true,
  "alert.resolved": true,
  "alert.looked": true,
  "alert.incidentOpened": true,
  "readiness.changed": true,
  "readiness.reported": true,
  "page.sent": true,
  "page.failed": true,
  "page.acknowledged": true,
  "update.posted": true,
  "update.delivered": true,
  "update.delayed": true,
  "update.undelivered": true,
  "comms.reminded": true,
  "comms.snoozed": true,
  "comms.late": true,
  "step.started": true,
  "step.intended": true,
  "step.applied": true,
  "step.progressed": true,
  "step.verified": true,
  "step.failed": true,
  "step.stopped": true,
  "step.opened": true,
  "step.confirmed": true,
  "step.retried": true,
  "step.skipped": true,
};

/** Data of a known type is what its writer, `decide` or the engine, typed: the hash chain keeps it so. */
export function isKnown(event: LogEvent): event is LogEvent & Recorded<Event> {
  return Object.hasOwn(KNOWN, event.type);
}
