import { quorumSlotOf } from "../authority.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import type { SignatureRecord } from "../events.ts";
import { personOf } from "../people.ts";
import { isRefusal, type Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { blockedRefusal, notOnRoster, strangerTo } from "./may.ts";
import { accept, refuse, refuseVote } from "./outcome.ts";
import { mayNotApprove, mayNotVote, notDecidable, ownRequest, type Question, questionOf } from "./question.ts";
import { LIMITS, line } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

export function approve(command: Of<"approve">, state: IncidentState, context: DecideContext): Outcome {
  const question = questionOf(command, state, context);
  if (isRefusal(question))
    return refuse(context, "approve", blockedRefusal(context) ?? question, runIn(state, command.run));
  const { run, gate } = question;
  const vote = { decision: "approve", run: run.id, step: gate.step, ask: command.ask } as const;
  const person = personOf(context.actor, context.system);
  const refusal =
    blockedRefusal(context) ??
    notOnRoster(context) ??
    (person && ownRequest(question, person, context)) ??
    (person && mayNotVote(question, person, context)) ??
    notDecidable(question, command.ask, context) ??
    (person && mayNotApprove(question, person, context)) ??
    signedOther(question, context);
  const seat = person && quorumSlotOf(person, run, gate, context.system, question.delegations);
  if (refusal !== null || person === null || seat === null)
    return refuseVote(context, vote, refusal ?? strangerTo(context));
  const { planHash, factsHash, step, ask } = gate;
  const proved = context.provedAfresh === true;
  const vouchedBy = proved ? (context.vouchedBy ?? null) : null;
  const data = {
    step,
    ask,
    person: person.id,
    ...seat,
    planHash,
    factsHash,
    proved,
    vouchedBy,
    ...signatureOf(context),
  };
  return accept(context, [{ type: "gate.approved", data }], run.id);
}

/**
 * Denying is easier than approving: the one who holds a deciding role today may, the requester too, and neither changed facts
 * nor a quorum that is already there stand in the way. Only a start that has happened does.
 */
export function deny(command: Of<"deny">, state: IncidentState, context: DecideContext): Outcome {
  const question = questionOf(command, state, context);
  if (isRefusal(question))
    return refuse(context, "deny", blockedRefusal(context) ?? question, runIn(state, command.run));
  const { run, gate } = question;
  const vote = { decision: "deny", run: run.id, step: gate.step, ask: command.ask } as const;
  const person = personOf(context.actor, context.system);
  const refusal =
    blockedRefusal(context) ??
    notOnRoster(context) ??
    (person && mayNotVote(question, person, context)) ??
    notDecidable(question, command.ask, context) ??
    signedOther(question, context);
  const seat = person && quorumSlotOf(person, run, gate, context.system, question.delegations);
  if (refusal !== null || person === null || seat === null)
    return refuseVote(context, vote, refusal ?? strangerTo(context));
  const { role } = seat;
  const reason = line(command.reason, LIMITS.reason);
  const { step, ask } = gate;
  const data = { step, ask, person: person.id, role, reason, ...signatureOf(context) };
  return accept(context, [{ type: "gate.denied", data }], run.id);
}

/** Why what they signed isn't what is decided here, or null. */
function signedOther({ run, gate, title }: Question, { signed }: DecideContext): Refusal | null {
  if (signed === undefined) return null;
  const { planHash, factsHash, ask } = gate;
  const same = signed.run === run.id && signed.ask === ask;
  if (same && signed.planHash === planHash && signed.factsHash === factsHash) return null;
  return { code: "signed-other", where: title };
}

function signatureOf({ signed }: DecideContext): { readonly signed?: SignatureRecord } {
  return signed === undefined ? {} : { signed: signed.record };
}

function runIn(state: IncidentState, run: string): string | null {
  return state.runs.has(run) ? run : null;
}
