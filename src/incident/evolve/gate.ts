import type { GateEvent, Recorded } from "../events.ts";
import type { GateState, RunState, Summons } from "../state.ts";
import { withStep } from "./run.ts";

type AskEvent = Recorded<Exclude<GateEvent, { type: "approval.refused" }>>;

/** Only the newest ask of a gate counts: what is recorded about an earlier one changes nothing. */
export function evolveGate(run: RunState, event: AskEvent): RunState {
  return withStep(run, event.data.step, (state) => {
    const { step, stage, attempts, forgiven } = state;
    const now = state.status === "gate" ? state.gate : null;
    const gate = event.type === "gate.opened" ? opened(now, event) : now && decided(now, event);
    return gate === null ? state : { step, stage, attempts, forgiven, status: "gate", gate };
  });
}

function opened(earlier: GateState | null, event: Extract<AskEvent, { type: "gate.opened" }>): GateState {
  const { step, ask, planHash, factsHash, loss, role, quorum, expiresAt, escalate, approvers } = event.data;
  return {
    ask,
    step,
    openedAt: event.at,
    expiresAt: new Date(expiresAt),
    planHash,
    factsHash,
    loss,
    role,
    quorum,
    escalate: escalate.map((level) => ({ role: level.role, at: new Date(level.at) })),
    approvers,
    level: 0,
    summons: [],
    approvals: [],
    outcome: "open",
    closedAt: null,
    says: null,
    earlier: earlier === null ? [] : [...earlier.earlier, earlier.ask],
    firstOpenedAt: earlier === null ? event.at : earlier.firstOpenedAt,
  };
}

function decided(gate: GateState, event: Exclude<AskEvent, { type: "gate.opened" }>): GateState {
  if (event.data.ask !== gate.ask || gate.outcome !== "open") return gate;
  const closedAt = event.at;
  switch (event.type) {
    case "gate.escalated":
      return { ...gate, level: Math.max(gate.level, event.data.level) };
    case "gate.summoned":
      return { ...gate, summons: [...gate.summons.filter(({ level }) => level !== event.data.level), summoned(event)] };
    case "gate.approved":
      return approved(gate, event);
    case "gate.denied":
      return { ...gate, outcome: "denied", closedAt, says: denial(event) };
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

/** One person counts once, and only for the plan and the facts this ask showed. */
function approved(gate: GateState, event: Extract<AskEvent, { type: "gate.approved" }>): GateState {
  const { person, role, planHash, factsHash } = event.data;
  if (planHash !== gate.planHash || factsHash !== gate.factsHash) return gate;
  if (gate.approvals.some((approval) => approval.person === person)) return gate;
  return { ...gate, approvals: [...gate.approvals, { person, role, at: event.at }] };
}

function expiry(gate: GateState): string {
  return gate.approvals.length === 0 ? "Nobody decided in time" : "The approval expired before it was used";
}

function denial({ data, actor }: Extract<AskEvent, { type: "gate.denied" }>): string {
  const who = actor.kind === "person" ? actor.name : data.person;
  return data.reason === null ? `Denied by ${who}` : `Denied by ${who}: ${data.reason}`;
}
