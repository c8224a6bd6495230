import type { Actor, GateEvent, Recorded } from "../events.ts";
import type { Breaking, Broken, GateState, PastAsk, RunState, Summons } from "../state.ts";
import { withStep } from "./run.ts";

type AskEvent = Recorded<Exclude<GateEvent, { type: "approval.refused" } | { type: "gate.reviewed" }>>;

/** Only the newest ask of a gate counts: what is recorded about an earlier one changes nothing. */
export function evolveGate(before: RunState, event: AskEvent): RunState {
  const run = event.type === "gate.broken" ? withBreak(before, event) : before;
  return withStep(run, event.data.step, (state) => {
    const { step, stage, attempts, forgiven } = state;
    const now = state.status === "gate" ? state.gate : null;
    const gate = event.type === "gate.opened" ? opened(now, event) : now && decided(now, event);
    return gate === null ? state : { step, stage, attempts, forgiven, status: "gate", gate };
  });
}

/** Someone looked at a break-glass: once, whatever has become of the run since. */
export function reviewed(run: RunState, event: Extract<Recorded, { type: "gate.reviewed" }>): RunState {
  const { ask, person, finding } = event.data;
  const review = { person, at: event.at, finding };
  const breaks = run.breaks.map((one) => (one.ask === ask && one.review === null ? { ...one, review } : one));
  return { ...run, breaks };
}

/** The review task stays with the run, also when the gate is asked again. */
function withBreak(run: RunState, event: Extract<AskEvent, { type: "gate.broken" }>): RunState {
  const { step, ask } = event.data;
  const state = run.steps.get(step);
  const stands = state?.status === "gate" && state.gate.ask === ask && state.gate.outcome === "open";
  if (!stands || state.gate.broken !== null) return run;
  return { ...run, breaks: [...run.breaks, { ...brokenBy(event, state.gate.breaking), step, ask, review: null }] };
}

function brokenBy({ data, at, actor }: Extract<AskEvent, { type: "gate.broken" }>, before: Breaking | null): Broken {
  const { person, role, reason, second, alone, until, planHash, factsHash } = data;
  const atCommandLine = isAtCommandLine(actor) && (second === null || before?.atCommandLine === true);
  return { person, role, reason, second, alone, atCommandLine, until: new Date(until), planHash, factsHash, at };
}

function isAtCommandLine(actor: Actor): boolean {
  return actor.kind === "person" && actor.door === "cli";
}

function opened(earlier: GateState | null, event: Extract<AskEvent, { type: "gate.opened" }>): GateState {
  const { step, ask, planHash, factsHash, loss, role, quorum, expiresAt, escalate, approvers, holders } = event.data;
  const { unfenced, today, differs, ahead } = event.data;
  return {
    ask,
    step,
    openedAt: event.at,
    expiresAt: new Date(expiresAt),
    planHash,
    factsHash,
    loss,
    unfenced,
    role,
    quorum,
    ...(today && { today }),
    ...(differs && { differs }),
    ...(ahead && { ahead }),
    escalate: escalate.map((level) => ({ role: level.role, at: new Date(level.at) })),
    approvers,
    holders: holders ?? [],
    level: 0,
    summons: [],
    risen: [],
    talk: [],
    deniedBy: null,
    reminders: [],
    breaking: null,
    broken: null,
    approvals: [],
    outcome: "open",
    closedAt: null,
    says: null,
    earlier: earlier === null ? [] : [...earlier.earlier, earlier.ask],
    past: earlier === null ? [] : [...earlier.past, past(earlier)],
    because: earlier?.says ?? null,
    firstOpenedAt: earlier === null ? event.at : earlier.firstOpenedAt,
  };
}

function past(gate: GateState): PastAsk {
  const { ask, openedAt, closedAt, role, escalate, level, approvers, holders, risen, reminders, says, talk } = gate;
  const roles = [role, ...escalate.slice(0, level).map((one) => one.role)];
  const times = { risen: risen.length, reminders: reminders.length };
  return { ask, openedAt, closedAt, roles, approvers, holders, ...times, says, talk };
}

function decided(gate: GateState, event: Exclude<AskEvent, { type: "gate.opened" }>): GateState {
  if (event.data.ask !== gate.ask) return gate;
  if (event.type === "gate.explained") return explained(gate, event);
  // What was approved was changed, or today's rules ask for more: it is asked again, also in the middle of a run.
  if (gate.outcome === "passed" && event.type === "gate.voided")
    return { ...gate, outcome: "voided", closedAt: event.at, says: event.data.why };
  if (gate.outcome !== "open") return gate;
  const closedAt = event.at;
  switch (event.type) {
    case "gate.escalated":
      return escalated(gate, event);
    case "gate.reminded":
      return { ...gate, reminders: [...gate.reminders, { at: event.at, roles: event.data.roles }] };
    case "gate.shown": {
      const { person, complete } = event.data;
      return { ...gate, shown: [...(gate.shown ?? []), { person, at: event.at, complete }] };
    }
    case "gate.asked": {
      const { person, question: says } = event.data;
      return { ...gate, talk: [...gate.talk, { kind: "question", person, at: event.at, says }] };
    }
    case "gate.answered": {
      const { person, answer: says } = event.data;
      return { ...gate, talk: [...gate.talk, { kind: "answer", person, at: event.at, says }] };
    }
    case "gate.summoned":
      return { ...gate, summons: [...gate.summons.filter(({ level }) => level !== event.data.level), summoned(event)] };
    case "gate.approved":
      return approved(gate, event);
    case "gate.breakAsked":
      return gate.broken === null && isShown(gate, event.data) ? { ...gate, breaking: breakingBy(event) } : gate;
    case "gate.broken":
      return gate.broken === null && isShown(gate, event.data)
        ? { ...gate, broken: brokenBy(event, gate.breaking) }
        : gate;
    case "gate.denied":
      return { ...gate, outcome: "denied", closedAt, says: denial(event), deniedBy: event.data.person };
    case "gate.expired":
      return { ...gate, outcome: "expired", closedAt, says: expiry(gate) };
    case "gate.voided":
      return { ...gate, outcome: "voided", closedAt, says: event.data.why };
    case "gate.passed":
      return { ...gate, outcome: "passed", closedAt };
    default:
      return event satisfies never;
  }
}

function summoned({ data }: Extract<AskEvent, { type: "gate.summoned" }>): Summons {
  const { level, role, people, source, why } = data;
  return { level, role, people, source, why };
}

function escalated(gate: GateState, { data, at }: Extract<AskEvent, { type: "gate.escalated" }>): GateState {
  if (data.level <= gate.level) return gate;
  return { ...gate, level: data.level, risen: [...gate.risen, { level: data.level, at, why: data.why ?? null }] };
}

function breakingBy({ data, at, actor }: Extract<AskEvent, { type: "gate.breakAsked" }>): Breaking {
  const { person, role, reason, aloneAt, planHash, factsHash, vouchedBy = null } = data;
  return {
    person,
    role,
    reason,
    at,
    aloneAt: new Date(aloneAt),
    atCommandLine: isAtCommandLine(actor),
    vouchedBy,
    planHash,
    factsHash,
  };
}

/** One person counts once, and only for the plan and the facts this ask showed. */
function approved(gate: GateState, event: Extract<AskEvent, { type: "gate.approved" }>): GateState {
  const { person, role, onBehalfOf = null, proved = false, vouchedBy = null, ahead } = event.data;
  if (!isShown(gate, event.data)) return gate;
  if (gate.approvals.some((approval) => approval.person === person)) return gate;
  const atCommandLine = isAtCommandLine(event.actor);
  const given = ahead && { ahead: { at: new Date(ahead.at), until: new Date(ahead.until) } };
  const approval = { person, role, at: event.at, onBehalfOf, proved, vouchedBy, atCommandLine, ...given };
  return { ...gate, approvals: [...gate.approvals, approval] };
}

function isShown(gate: GateState, { planHash, factsHash }: { planHash: string; factsHash: string }): boolean {
  return planHash === gate.planHash && factsHash === gate.factsHash;
}

function expiry(gate: GateState): string {
  return gate.approvals.length === 0 ? "No decision in time" : "The approval expired before it was used";
}

/** Told once, by the one who denied; also when the question was made void by asking again. */
function explained(gate: GateState, { data, actor }: Extract<AskEvent, { type: "gate.explained" }>): GateState {
  if (gate.outcome !== "denied" || gate.deniedBy !== data.person) return gate;
  const who = actor.kind === "person" ? actor.name : data.person;
  return { ...gate, says: `Denied by ${who}: ${data.reason}` };
}

function denial({ data, actor }: Extract<AskEvent, { type: "gate.denied" }>): string {
  const who = actor.kind === "person" ? actor.name : data.person;
  return data.reason === null ? `Denied by ${who}` : `Denied by ${who}: ${data.reason}`;
}
