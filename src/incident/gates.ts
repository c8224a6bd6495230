import type { Conformance, System } from "../catalog/types.ts";
import { LifeboatError } from "../lib/errors.ts";
import { awaited, isAnswered, isExpired, plannedGate, policyOf, quorumSlotOf } from "./authority.ts";
import { acceptable, askedAs } from "./conforms.ts";
import { delegationsNow, isRequester } from "./delegation.ts";
import type { Actor, DataOf, NewEvent } from "./events.ts";
import { allOf, holdersOf, roleTitle } from "./people.ts";
import type { GateState, IncidentState, RunState } from "./state.ts";
import { unfencedNames } from "./unfenced.ts";

const BOT = { kind: "bot" } as const;

/**
 * The event that asks. `ask` is random and single use; the thresholds, and who may approve, are pinned in it.
 * Throws a `LifeboatError` where there is nothing to ask: no such gate, no facts yet, or a decision that stands.
 */
export function openGate(
  run: RunState,
  step: string,
  asked: {
    readonly ask: string;
    readonly now: Date;
    readonly key: string;
    readonly system: System;
    readonly conformance?: Conformance;
  },
): Extract<NewEvent, { type: "gate.opened" }> {
  const { conformance = null } = asked;
  const { gate = null, today } = askedAs(run, step, conformance) ?? {};
  const differs = conformance === null ? [] : acceptable(conformance, run);
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
      unfenced: unfencedNames(run),
      role: gate.role,
      quorum: Math.max(1, gate.quorum),
      ...(today && { today }),
      ...(differs.length > 0 && { differs }),
      expiresAt: after(gate.expiresSeconds),
      escalate: gate.escalate.map((level) => ({ role: level.role, at: after(level.afterSeconds) })),
      approvers: [...new Set(roles.flatMap((role) => holdersOf(role, asked.system).map((person) => person.id)))],
      holders: [...new Set(roles)].flatMap((role) =>
        holdersOf(role, asked.system).map(({ id, slack: [account = null] }) => ({ role, person: id, account })),
      ),
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
 * Silence escalates: every level whose time has come is asked, until enough have approved, and those asked are reminded
 * meanwhile (missed reminders become one). Past its expiry a gate is closed; one whose plan or facts are no longer the
 * run's is void, and is asked again.
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
  if (isAnswered(run, gate)) return { events: [], nextAt: policy.expiresAt };
  const levels = gate.escalate.slice(gate.level);
  const later = levels.findIndex((level) => level.at > now);
  const due = later === -1 ? levels.length : later;
  const events = levels.slice(0, due).map(({ role }, i) => escalated(run, gate, gate.level + i + 1, role, null));
  const reminder = reminderAt(run, gate);
  if (events.length === 0 && reminder !== null && reminder <= now) events.push(reminded(run, gate));
  const times = [policy.expiresAt, ...levels.slice(due).map((level) => level.at), ...(reminder ? [reminder] : [])];
  return { events, nextAt: new Date(Math.min(...times.map((time) => time.getTime()))) };
}

/** When those asked are reminded next, counted from when someone was last asked anything; null: never. */
function reminderAt(run: RunState, gate: GateState): Date | null {
  const every = plannedGate(run, gate.step)?.remindSeconds ?? 0;
  if (every <= 0) return null;
  const spoken = [gate.openedAt, ...gate.risen.map(({ at }) => at), ...gate.reminders.map(({ at }) => at)];
  return new Date(Math.max(...spoken.map((at) => at.getTime())) + every * 1000);
}

/**
 * A level none of whose people can answer is not waited for: the next one is asked at once, with the reason. `gone`: why
 * someone can't (deactivated, left); who could not be looked up is taken to be there.
 */
export function fallThrough(
  state: IncidentState,
  run: RunState,
  step: string,
  { now, system, gone }: { readonly now: Date; readonly system: System; readonly gone: ReadonlyMap<string, string> },
): readonly NewEvent[] {
  const at = run.steps.get(step);
  if (at?.status !== "gate" || at.gate.outcome !== "open" || run.ending !== null) return [];
  const { gate } = at;
  if (isAnswered(run, gate) || isExpired(policyOf(run, gate), now)) return [];
  const delegated = delegationsNow(state, now);
  const events: NewEvent[] = [];
  for (let level = gate.level; level < gate.escalate.length; level++) {
    const who = awaited(run, { ...gate, level }, system, now, delegated);
    const able = new Set(who.asked.flatMap(({ people }) => people));
    const seats = [...able].map((person) => ({
      id: person.id,
      seat: quorumSlotOf(person, run, gate, system, delegated),
    }));
    const there = seats.filter(({ id, seat }) => !gone.has(id) && !gone.has(seat?.onBehalfOf ?? id));
    if (new Set(there.map(({ id, seat }) => seat?.onBehalfOf ?? id)).size >= who.missing) break;
    const next = gate.escalate[level];
    if (next === undefined) break;
    const roles = who.asked.map(({ role }) => role);
    events.push(escalated(run, gate, level + 1, next.role, whyEmpty(run, roles, who.missing, system, gone)));
  }
  return events;
}

/** "No one available to decide as Incident commander (Sam Okafor: deactivated)" */
function whyEmpty(
  run: RunState,
  roles: readonly string[],
  missing: number,
  system: System,
  gone: ReadonlyMap<string, string>,
): string {
  const holders = [...new Set(roles.flatMap((role) => holdersOf(role, system)))];
  const reasons = holders.flatMap((person) => {
    const why = gone.get(person.id) ?? (isRequester(person, run) ? "asked for this run" : null);
    return why === null ? [] : [`${person.name}: ${why.replace(/\.$/, "")}`];
  });
  const titles = allOf(roles.map((role) => roleTitle(role, system)));
  const what =
    missing === 1 ? `No one available to decide as ${titles}` : `Too few people available to decide as ${titles}`;
  return reasons.length === 0 ? what : `${what} (${reasons.join("; ")})`;
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

/** `instead`: what counted in place of Slack's answer on some of these people. */
export function passed(
  run: RunState,
  gate: GateState,
  people: readonly string[],
  instead: ReadonlyMap<string, string> = new Map(),
): NewEvent {
  const without = people.flatMap((person) => {
    const by = instead.get(person);
    return by === undefined ? [] : [{ person, instead: by }];
  });
  const data = { step: gate.step, ask: gate.ask, people, ...(without.length > 0 && { withoutSlack: without }) };
  return asked(run, gate, "passed", { type: "gate.passed", data });
}

/** `by`: who wanted it, where it was not time that made it due. */
export function escalated(
  run: RunState,
  gate: GateState,
  level: number,
  role: string,
  why: string | null,
  by: Actor = BOT,
): NewEvent {
  const data: DataOf<"gate.escalated"> = { step: gate.step, ask: gate.ask, level, role, why };
  return { ...asked(run, gate, `level-${level}`, { type: "gate.escalated", data }), actor: by };
}

function reminded(run: RunState, gate: GateState): NewEvent {
  const count = gate.reminders.length + 1;
  const roles = [gate.role, ...gate.escalate.slice(0, gate.level).map(({ role }) => role)];
  const data: DataOf<"gate.reminded"> = { step: gate.step, ask: gate.ask, count, roles };
  return asked(run, gate, `reminder-${count}`, { type: "gate.reminded", data });
}

type AskEvent = Pick<Extract<NewEvent, { type: `gate.${string}` }>, "type" | "data">;

/** Keyed by the ask, so that the one who notices first writes it and no one writes it twice. */
function asked(run: RunState, gate: GateState, what: string, event: AskEvent): NewEvent {
  return { ...event, key: `${gate.ask}/${what}`, run: run.id, actor: BOT } as NewEvent;
}
