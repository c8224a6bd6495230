import type {
  ActionEvent,
  AlertEvent,
  AnchorEvent,
  CatalogueEvent,
  ChannelEvent,
  CommsEvent,
  GateEvent,
  IncidentEvent,
  MemberEvent,
  PageEvent,
  PersonEvent,
  PolicyEvent,
  ProbationEvent,
  ReadinessEvent,
  Recorded,
  RunEvent,
  SignOffEvent,
  StepEvent,
  TriageEvent,
} from "./events.ts";
import { isSettled } from "./settled.ts";
import type { GateState, IncidentState, RunState, StepPhase } from "./state.ts";

/** Which states of a step an event may find. What is not here is a writer's mistake. */
const STEP: Record<StepEvent["type"], readonly StepPhase["status"][]> = {
  "step.started": ["waiting", "failed", "running"],
  "step.intended": ["running"],
  "step.applied": ["running"],
  "step.progressed": ["running", "open"],
  "step.verified": ["running", "open"],
  "step.failed": ["running"],
  "step.stopped": ["running"],
  "step.opened": ["waiting"],
  "step.confirmed": ["open"],
  "step.retried": ["failed", "stopped", "gate"],
  "step.skipped": ["waiting", "open", "failed", "stopped"],
};

type NotOfAnAsk = "gate.opened" | "approval.refused" | "gate.reviewed";

const ASK: Record<Exclude<GateEvent["type"], NotOfAnAsk>, readonly GateState["outcome"][]> = {
  "gate.escalated": ["open"],
  "gate.reminded": ["open"],
  "gate.shown": ["open"],
  "gate.asked": ["open"],
  "gate.answered": ["open"],
  "gate.explained": ["denied"],
  "gate.breakAsked": ["open"],
  "gate.broken": ["open"],
  "gate.summoned": ["open"],
  "gate.approved": ["open"],
  "gate.denied": ["open"],
  "gate.expired": ["open"],
  "gate.voided": ["open", "passed"],
  "gate.passed": ["open"],
};

/** What was under way when a run ended may still report how it went. */
const AFTER_THE_END: readonly string[] = [
  ...["step.applied", "step.progressed", "step.verified", "step.failed", "step.stopped"],
  "approval.refused",
  "gate.reviewed",
  "split-brain.seen",
  "split-brain.over",
  "fault.lifted",
  "fault.remains",
  "run.committed",
  "probation.changed",
  "probation.ended",
  "standby.missing",
  "standby.streams",
];

/** Why this event should not follow this state, naming both sides, or null. */
export function quarrelWith(state: IncidentState, event: Recorded, plans: ReadonlyMap<string, unknown>): string | null {
  const quarrel = event.run === null ? ofIncident(state, event) : ofRun(state, event, event.run, plans);
  return quarrel === null ? null : `${event.type} (version ${event.version}) can't follow: ${quarrel}`;
}

function ofIncident(state: IncidentState, event: Recorded): string | null {
  if (event.type === "command.refused") return null;
  if (event.type === "alert.incidentOpened") return null;
  if (event.type === "incident.declared") return state.declared === null ? null : "the incident is declared already";
  if (!isOfIncident(event)) return "it belongs to a run, and names none";
  if (state.declared === null) return "the incident is not declared";
  switch (event.type) {
    case "incident.severityChanged":
      return event.data.from === state.severity ? null : `the severity is ${state.severity}, not ${event.data.from}`;
    case "incident.statusChanged":
      return event.data.from === state.status ? null : `the incident is ${state.status}, not ${event.data.from}`;
    case "incident.resolved":
      return isOver(state) ? `the incident is ${state.status}` : null;
    case "incident.raised":
      return state.declared.kind === "maintenance" ? null : "it is no maintenance";
    case "incident.reopened":
      return isOver(state) ? null : `the incident is ${state.status}`;
    case "record.signedOff":
      return isOver(state) ? null : `the incident is ${state.status}`;
    case "incident.closed":
      return state.status === "resolved" ? null : `the incident is ${state.status}, not resolved`;
    case "incident.roleAssigned":
    case "incident.roleDelegated":
    case "incident.delegationEnded":
    case "incident.noted":
    case "incident.escalated":
    case "incident.responseLate":
    case "postmortem.drafted":
    case "member.added":
    case "page.sent":
    case "page.failed":
    case "page.acknowledged":
    case "update.posted":
    case "comms.reminded":
    case "comms.snoozed":
    case "comms.late":
    case "person.enrolled":
    case "person.vouched":
    case "person.locked":
    case "catalogue.changed":
    case "policy.recorded":
    case "checkpoint.made":
    case "anchor.placed":
    case "anchor.refused":
    case "readiness.changed":
    case "readiness.reported":
      return null;
    case "update.delivered":
    case "update.delayed":
    case "update.undelivered": {
      const { update, via } = event.data;
      const posted = state.comms.updates.find((one) => one.update === update);
      return posted?.deliveries.has(via) ? null : `no update ${update} goes out by ${via}`;
    }
    case "triage.asked":
    case "alert.fired":
      return null;
    case "channel.archiveAnnounced":
    case "channel.archiveDue":
      return state.status === "closed" ? null : `the incident is ${state.status}, not closed`;
    case "action.added":
      return actionIn(state, event.data.action) ? `action item ${event.data.action} is there already` : null;
    case "action.done":
    case "action.reminded":
      return actionIn(state, event.data.action)?.done === null ? null : `no action item ${event.data.action} is open`;
    case "alert.resolved":
    case "alert.looked":
      return state.alerts?.has(event.data.alert) ? null : `no alert ${event.data.alert} ever fired`;
    case "triage.answered":
    case "triage.unseen": {
      const { triage, question } = event.data;
      const open = state.triages?.find(({ id }) => id === triage)?.open?.question ?? null;
      return open === question ? null : `triage ${triage} asks ${open ?? "nothing"}, not ${question}`;
    }
    case "triage.concluded":
      return state.triages?.some(({ id }) => id === event.data.triage)
        ? null
        : `no triage ${event.data.triage} was begun`;
    default:
      return event satisfies never;
  }
}

function actionIn(state: IncidentState, id: string) {
  return state.actions?.find((one) => one.id === id);
}

function ofRun(state: IncidentState, event: Recorded, id: string, plans: ReadonlyMap<string, unknown>): string | null {
  const run = state.runs.get(id);
  if (event.type === "run.requested") {
    if (run !== undefined) return `run ${id} was requested already`;
    return plans.has(event.data.planHash) ? null : `the plan ${event.data.planHash} of run ${id} is not at hand`;
  }
  if (event.type === "command.refused") return null;
  if (run === undefined) return `run ${id} was never requested`;
  if (run.ending !== null && !AFTER_THE_END.includes(event.type)) return `run ${id} is ${run.ending.as}`;
  if (event.type === "run.verified") return unsettledIn(run);
  if (isOfRun(event)) return null;
  if (isOfProbation(event)) return run.moves && run.ending !== null ? null : `run ${id} moved nothing, or goes on`;
  if (event.type === "stage.late") {
    const clock = run.clocks?.get(event.data.stage);
    if (clock === undefined) return `stage ${event.data.stage} of run ${id} has no clock that runs`;
    return clock.endedAt === null && clock.lateAt === null ? null : `stage ${event.data.stage} is over, or known late`;
  }
  if (!("step" in event.data)) return "it belongs to the incident, and names a run";
  const step = run.steps.get(event.data.step);
  if (step === undefined) return `run ${id} has no step ${event.data.step}`;
  const is = step.status === "gate" ? `${step.status}, ${step.gate.outcome}` : step.status;
  if (isOfStep(event)) return STEP[event.type].includes(step.status) ? null : `step ${step.step.id} is ${is}`;
  if (event.type === "approval.refused") return null;
  if (event.type === "gate.reviewed") {
    const { ask } = event.data;
    const due = run.breaks.some((one) => one.ask === ask && one.review === null);
    return due ? null : `nothing about ${ask} waits for a review`;
  }
  if (event.type === "gate.opened")
    return step.status === "waiting" || (step.status === "gate" && step.gate.outcome === "voided")
      ? null
      : `step ${step.step.id} is ${is}`;
  if (!isOfAsk(event)) return "it belongs to the incident, and names a run";
  if (step.status !== "gate") return `step ${step.step.id} is ${is}`;
  if (event.data.ask !== step.gate.ask) return `step ${step.step.id} asks ${step.gate.ask}, not ${event.data.ask}`;
  return ASK[event.type].includes(step.gate.outcome) ? null : `step ${step.step.id} is ${is}`;
}

/** A run is verified when nothing of it is outstanding; a dry run, when it has looked. */
function unsettledIn(run: RunState): string | null {
  const open = run.dryRun ? undefined : [...run.steps.values()].find((step) => !isSettled(step));
  return open === undefined ? null : `step ${open.step.id} is ${open.status}`;
}

function isOver(state: IncidentState): boolean {
  return state.status === "resolved" || state.status === "closed";
}

function isOfIncident(
  event: Recorded,
): event is Recorded<
  | IncidentEvent
  | MemberEvent
  | ChannelEvent
  | ActionEvent
  | PageEvent
  | CommsEvent
  | PersonEvent
  | CatalogueEvent
  | PolicyEvent
  | SignOffEvent
  | AnchorEvent
  | TriageEvent
  | AlertEvent
  | ReadinessEvent
> {
  return (
    /^(incident|member|channel|action|page|update|comms|person|catalogue|policy|record|checkpoint|anchor|triage|alert|readiness)\./.test(
      event.type,
    ) || event.type === "postmortem.drafted"
  );
}

function isOfProbation(event: Recorded): event is Recorded<ProbationEvent> {
  return /^(probation|standby)\./.test(event.type);
}

function isOfRun(event: Recorded): event is Recorded<RunEvent> {
  return event.type.startsWith("run.");
}

function isOfStep(event: Recorded): event is Recorded<StepEvent> {
  return Object.hasOwn(STEP, event.type);
}

function isOfAsk(event: Recorded): event is Recorded<Exclude<GateEvent, { type: NotOfAnAsk }>> {
  return Object.hasOwn(ASK, event.type);
}
