import type { System } from "../catalog/types.ts";
import { LifeboatError } from "../lib/errors.ts";
import { isExpired, plannedGate, policyOf } from "./authority.ts";
import type { DataOf, NewEvent } from "./events.ts";
import { holdersOf } from "./people.ts";
import type { GateState, RunState } from "./state.ts";

const BOT = { kind: "bot" } as const;

/**
 * The event that asks. `ask` is random and single use; the thresholds, and who may approve, are pinned in it.
 * Throws a `LifeboatError` where there is nothing to ask: no such gate, no facts yet, or a decision that stands.
 */
export function openGate(
  run: RunState,
  step: string,
  asked: { readonly ask: string; readonly now: Date; readonly key: string; readonly system: System },
): NewEvent {
  const gate = plannedGate(run, step);
  const state = run.steps.get(step);
  const free = state?.status === "waiting" || (state?.status === "gate" && state.gate.outcome === "voided");
  if (gate === null || run.preflight === null || !free)
    throw new LifeboatError({
      code: "gate-not-openable",
      where: `${run.title}, ${step}`,
      what: "There is nothing to ask here",
      allowed: "A gate is asked after the preflight, and again only when its last ask is void",
    });
  const after = (seconds: number) => new Date(asked.now.getTime() + seconds * 1000).toISOString();
  const roles = [gate.role, ...gate.escalate.map((level) => level.role)];
  return {
    type: "gate.opened",
    data: {
      step,
      ask: asked.ask,
      planHash: run.planHash,
      factsHash: run.preflight.factsHash,
      loss: run.preflight.loss,
      role: gate.role,
      quorum: Math.max(1, gate.quorum),
      expiresAt: after(gate.expiresSeconds),
      escalate: gate.escalate.map((level) => ({ role: level.role, at: after(level.afterSeconds) })),
      approvers: [...new Set(roles.flatMap((role) => holdersOf(role, asked.system).map((person) => person.id)))],
    },
    key: asked.key,
    run: run.id,
    actor: BOT,
  };
}

/** What time has made due on an open gate, and when to look again (null: time changes nothing more). */
export interface GateDue {
  readonly events: readonly NewEvent[];
  readonly nextAt: Date | null;
}

/**
 * Silence escalates: every level whose time has come is asked, until enough have approved. Past its expiry a gate is
 * closed; one whose plan or facts are no longer the run's is void, and is asked again.
 */
export function gateDue(run: RunState, step: string, now: Date): GateDue {
  const state = run.steps.get(step);
  if (state?.status !== "gate" || state.gate.outcome !== "open" || run.ending !== null)
    return { events: [], nextAt: null };
  const { gate } = state;
  const policy = policyOf(run, gate);
  const stale = staleness(run, gate);
  if (stale !== null) return { events: [voided(run, gate, stale.why)], nextAt: null };
  if (isExpired(policy, now)) return { events: [expired(run, gate)], nextAt: null };
  const levels = gate.approvals.length >= policy.quorum ? [] : gate.escalate.slice(gate.level);
  const later = levels.findIndex((level) => level.at > now);
  const due = later === -1 ? levels.length : later;
  const events = levels.slice(0, due).map(({ role }, i) => escalated(run, gate, gate.level + i + 1, role));
  const times = [policy.expiresAt, ...levels.slice(due).map((level) => level.at)];
  return { events, nextAt: new Date(Math.min(...times.map((time) => time.getTime()))) };
}

/** Why an ask no longer shows what would be done, or null. `observed`: a fresher facts hash than the run's own. */
export function staleness(
  run: RunState,
  gate: GateState,
  observed: string | null = null,
): { readonly code: "plan-changed" | "facts-changed"; readonly why: string } | null {
  if (gate.planHash !== run.planHash)
    return { code: "plan-changed", why: "The plan is no longer the one that was shown" };
  const known = run.preflight?.factsHash;
  if (gate.factsHash !== known || gate.factsHash !== (observed ?? known))
    return { code: "facts-changed", why: "The facts have changed since they were shown" };
  return null;
}

export function voided(run: RunState, gate: GateState, why: string): NewEvent {
  return asked(run, gate, "voided", { type: "gate.voided", data: { step: gate.step, ask: gate.ask, why } });
}

export function expired(run: RunState, gate: GateState): NewEvent {
  return asked(run, gate, "expired", { type: "gate.expired", data: { step: gate.step, ask: gate.ask } });
}

export function passed(run: RunState, gate: GateState, people: readonly string[]): NewEvent {
  return asked(run, gate, "passed", { type: "gate.passed", data: { step: gate.step, ask: gate.ask, people } });
}

function escalated(run: RunState, gate: GateState, level: number, role: string): NewEvent {
  const data: DataOf<"gate.escalated"> = { step: gate.step, ask: gate.ask, level, role };
  return asked(run, gate, `level-${level}`, { type: "gate.escalated", data });
}

type AskEvent = Pick<Extract<NewEvent, { type: `gate.${string}` }>, "type" | "data">;

/** Keyed by the ask, so that whoever notices first writes it and nobody writes it twice. */
function asked(run: RunState, gate: GateState, what: string, event: AskEvent): NewEvent {
  return { ...event, key: `${gate.ask}/${what}`, run: run.id, actor: BOT } as NewEvent;
}
