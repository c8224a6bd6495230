import {
  codeMissing,
  noAuthenticators,
  notEnrolled,
  nothingDecided,
  orDecidedBy,
} from "../../../templates/messages/approval/command-refusals.ts";
import type { Form } from "../../../templates/messages/kit/message.ts";
import type { Person, System } from "../../catalog/types.ts";
import { entitled, needsSecondFactor } from "../../incident/authority.ts";
import type { IncidentCommand, SignedDecision } from "../../incident/commands.ts";
import { decide } from "../../incident/decide.ts";
import { delegationsNow } from "../../incident/delegation.ts";
import { personOf, reachable } from "../../incident/people.ts";
import type { GateState, IncidentState, RunState } from "../../incident/state.ts";
import { holderOf, personIn, type SecondFactor } from "../../mfa/second-factor.ts";
import { actorOf, type Reply, type Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { stop } from "../reply/say.ts";
import { systemOf } from "../resolve/system.ts";
import { NOTHING_PROVED, type StepUp } from "./act.ts";
import { checkCode } from "./codes.ts";

export type Proved =
  | { readonly kind: "go on"; readonly proved: StepUp }
  | { readonly kind: "asked"; readonly reply: Reply };

export interface StepUpRequest {
  readonly state: IncidentState;
  readonly run: RunState;
  readonly ask: string;
  readonly command: IncidentCommand;
  /** Opened when a code is needed and a form can be. */
  readonly form: () => Form;
  /** What to type where no form can be opened. */
  readonly typed: string;
}

/**
 * Where a gate wants a fresh proof, asks for it and checks it, before anything is decided. Someone who may not decide anyhow is
 * not asked: their refusal says why. Wrong codes are refusals, and recorded like all of them.
 */
export async function prove(context: CommandContext, request: Request, wish: StepUpRequest): Promise<Proved> {
  const { state, run, ask, command } = wish;
  const gate = gateAsking(run, ask);
  const signed = signedFor(request, run, ask);
  const unproved: Proved = { kind: "go on", proved: { ...NOTHING_PROVED, ...(signed && { signed }) } };
  if (gate === null || !needsSecondFactor(run, gate)) return unproved;
  const { caller, key } = request;
  const system = systemOf(context, state);
  const actor = actorOf(caller);
  const now = context.timeline.now();
  const would = decide(command, state, { now, actor, blocked: caller.blocked, system, key, provedAfresh: true });
  const person = personOf(actor, system);
  if (would.kind === "refused" || person === null) return unproved;
  if (signed?.userVerified) return { kind: "go on", proved: { provedAfresh: true, vouchedBy: null, signed } };

  const unreachable = await context.unreachable?.();
  const others = reachable(entitled(run, gate, system, delegationsNow(state, now)), unreachable).filter(
    ({ id }) => id !== person.id,
  );
  const where = run.plan.title;
  const instead = orDecidedBy(others.map(({ name }) => name));
  const { mfa } = context;
  if (mfa === undefined || mfa.closed !== null)
    return stop({
      ...(mfa?.closed ?? noAuthenticators()),
      ...instead,
    });
  const holder = holderOf(system.id, person.id);
  if (!(await mfa.enrolled([holder]))) return stop({ ...notEnrolled(where), ...instead });
  const { form, typed } = wish;
  return byCode(context, request, mfa, { holder, where, askedAt: gate.openedAt, instead, form, typed }, signed);
}

/** What a fresh proof is for, where no gate asks for it. */
export interface SelfStepUp extends Pick<StepUpRequest, "form" | "typed"> {
  readonly system: System;
  readonly person: Person;
  /** What stays as it is without it. */
  readonly where: string;
}

/**
 * Asks for a fresh proof of who has something to prove with, and checks it. Without anything they go on unproved: an account that was taken
 * over can do what its owner could without a code, and no more.
 */
export async function proveSelf(context: CommandContext, request: Request, wish: SelfStepUp): Promise<Proved> {
  const { system, person, where, form, typed } = wish;
  if (request.signed?.userVerified) return { kind: "go on", proved: { provedAfresh: true, vouchedBy: null } };
  const { mfa } = context;
  const holder = holderOf(system.id, person.id);
  if (mfa === undefined || !(await mfa.enrolled([holder]))) return { kind: "go on", proved: NOTHING_PROVED };
  if (mfa.closed !== null) return stop({ ...nothingDecided(where), ...mfa.closed });
  return byCode(context, request, mfa, { holder, where, askedAt: null, instead: {}, form, typed }, null);
}

interface CodeWish extends Pick<StepUpRequest, "form" | "typed"> {
  readonly holder: string;
  readonly where: string;
  readonly askedAt: Date | null;
  readonly instead: { readonly allowed?: string };
}

async function byCode(
  context: CommandContext,
  request: Request,
  mfa: SecondFactor,
  { holder, where, askedAt, instead, form, typed }: CodeWish,
  signed: SignedDecision | null,
): Promise<Proved> {
  const counts = await mfa.counts(holder, askedAt);
  if (!counts.ok) return stop({ ...nothingDecided(where), ...instead, ...counts.problem });
  const code = request.form?.code ?? request.options.code;
  if (typeof code !== "string" || code === "") {
    if (request.canAskForm) return { kind: "asked", reply: { kind: "form", form: form() } };
    return stop(codeMissing(where, typed));
  }
  const verdict = await checkCode(context, mfa, request, { holder, code });
  const vouchedBy = counts.vouchedBy === null ? null : personIn(counts.vouchedBy);
  if (verdict.ok) return { kind: "go on", proved: { provedAfresh: true, vouchedBy, ...(signed && { signed }) } };
  return stop({ ...nothingDecided(where), ...verdict.problem });
}

/** The signature of this request, where it is over this very approval request; null: there is none, or it is over another. */
export function signedFor({ signed }: Request, run: RunState, ask: string): SignedDecision | null {
  if (signed === undefined || signed.decision === null) return null;
  return signed.decision.run === run.id && signed.decision.ask === ask ? signed.decision : null;
}

/** The open question of this id, or null. */
export function gateAsking(run: RunState, ask: string): GateState | null {
  for (const step of run.steps.values())
    if (step.status === "gate" && step.gate.ask === ask && step.gate.outcome === "open") return step.gate;
  return null;
}
