import type { Person } from "../../catalog/types.ts";
import { isAnswered, needsSecondFactor } from "../authority.ts";
import { breakingRole, needsSecond, secondsFor, silentFrom, tookPart, unreviewed } from "../break-glass.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { isRequester } from "../delegation.ts";
import type { DataOf } from "../events.ts";
import { staleness } from "../gates.ts";
import { nameOf, personOf, reachableNames, roleTitle } from "../people.ts";
import type { SilenceWait } from "../refusal/approval.ts";
import { isRefusal, type Refusal } from "../refusal.ts";
import type { GateState, IncidentState } from "../state.ts";
import { notOnRoster, notOpen, strangerTo } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { endorsementRefusal, notDecidable, type Question, questionOf } from "./question.ts";
import { LIMITS, line, words } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/**
 * Goes past one gate of one run, for the plan and the facts it shows, when no one who decides can be reached. Not a way
 * around a denial. Where a second person could confirm it, they are waited for first.
 */
export function breakGlass(command: Of<"breakGlass">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "break-glass", refusal, runIn(state, command.run));
  const found = breakable(command, state, context);
  if (isRefusal(found)) return no(found);
  const { about, person } = found;
  const { run, gate, title, delegations } = about;
  const { system, now } = context;
  const role = breakingRole(person, system);
  if (role === null) return no(mayNotBreak(title, context));
  const early = notSilent(about, context);
  if (early !== null) return no(early);
  const reason =
    line(command.reason, LIMITS.reason) ?? (gate.breaking?.person === person.id ? gate.breaking.reason : null);
  if (reason === null) return no({ code: "reason-missing", reason: { for: "break-glass", where: title } });
  const own = needsSecond(person, run, system);
  const able = (people: readonly Person[]) => reachableNames(people, context.unreachable);
  const wanted = own || system.breakGlass?.secondPerson === true;
  const seconds = wanted ? secondsFor(person.id, run, gate, system, delegations) : [];
  const waits = gate.breaking?.person === person.id ? gate.breaking : null;
  if (seconds.length > 0 && waits === null) {
    const { aloneAfterSeconds } = system.breakGlass ?? { aloneAfterSeconds: 0 };
    const aloneAt = new Date(now.getTime() + aloneAfterSeconds * 1000).toISOString();
    const { vouchedBy = null } = context;
    const data = { ...shownBy(gate), person: person.id, role, reason, aloneAt, vouchedBy };
    return accept(context, [{ type: "gate.breakAsked", data }], run.id);
  }
  if (seconds.length > 0 && waits !== null && now < waits.aloneAt)
    return no({ code: "second-awaited", where: title, able: able(seconds), aloneFrom: own ? null : waits.aloneAt });
  if (own) return no({ code: "requester-alone", where: title, able: able(seconds) });
  const alone =
    system.breakGlass?.secondPerson !== true
      ? "no second person is needed here"
      : seconds.length === 0
        ? "no one else could confirm it"
        : `no one has confirmed since ${(waits?.at ?? now).toISOString().slice(11, 19)} UTC`;
  return broken(context, about, { person: person.id, role, reason, second: null, alone });
}

export function confirmBreak(command: Of<"confirmBreak">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "break-glass", refusal, runIn(state, command.run));
  const found = breakable(command, state, context);
  if (isRefusal(found)) return no(found);
  const { about, person } = found;
  const { run, gate, title, delegations } = about;
  const { breaking } = gate;
  if (breaking === null) return no({ code: "nothing-to-confirm", where: title });
  const seconds = secondsFor(breaking.person, run, gate, context.system, delegations);
  if (!seconds.some(({ id }) => id === person.id))
    return no({
      code: "not-second",
      where: title,
      own: breaking.person === person.id,
      able: reachableNames(seconds, context.unreachable),
    });
  const { person: first, role, reason } = breaking;
  return broken(context, about, { person: first, role, reason, second: person.id, alone: null });
}

/** By someone who had no part in it, whenever they get to it: also when the incident is over. */
export function review(command: Of<"review">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "review", refusal, runIn(state, command.run));
  const { system } = context;
  const person = personOf(context.actor, system);
  if (person === null) return no(strangerTo(context));
  const due = unreviewed(state).find(({ run, broke }) => run.id === command.run && broke.ask === command.ask);
  if (due === undefined) return no({ code: "nothing-to-review" });
  const part = [...tookPart(due.broke)];
  if (part.includes(person.id) || isRequester(person, due.run)) {
    const involved = [...new Set([...part, due.run.requester])].map((id) => nameOf(id, system));
    return no({ code: "review-own", where: due.run.title, involved });
  }
  const finding = words(command.finding, LIMITS.summary);
  if (finding === null) return no({ code: "finding-missing", where: due.run.title });
  const { step, ask } = due.broke;
  return accept(context, [{ type: "gate.reviewed", data: { step, ask, person: person.id, finding } }], due.run.id);
}

/** An open, undenied, unexpired ask of a live run in an open incident, and a person who is someone here. */
function breakable(
  command: { run: string; ask: string },
  state: IncidentState,
  context: DecideContext,
): { about: Question; person: Person } | Refusal {
  const person = personOf(context.actor, context.system);
  const refusal = notOnRoster(context) ?? notOpen(state);
  if (refusal !== null || person === null) return refusal ?? strangerTo(context);
  const about = questionOf(command, state, context);
  if (isRefusal(about)) return about;
  const { run, gate, title } = about;
  const closed = notDecidable(about, command.ask, context);
  if (closed !== null) return closed;
  if (isAnswered(run, gate)) return { code: "already-decided", where: title, how: { kind: "enough" } };
  const stale = staleness(run, gate);
  if (stale !== null) return { code: stale.code, where: title };
  if (needsSecondFactor(run, gate) && context.provedAfresh !== true)
    return { code: "step-up-needed", where: title, wish: "break-glass" };
  const vouched = endorsementRefusal(about, person, context);
  return vouched ?? { about, person };
}

/** Why the chain has not had its time yet, or null. */
function notSilent({ run, gate, title, delegations }: Question, { system, now }: DecideContext): Refusal | null {
  const from = silentFrom(run, gate, system, now, delegations);
  if (from !== null && from <= now) return null;
  const next = gate.escalate[gate.level];
  const level = next === undefined ? { role: null, at: null } : { role: roleTitle(next.role, system), at: next.at };
  const waits: SilenceWait = from === null ? { kind: "level", ...level } : { kind: "until", at: from };
  return { code: "chain-not-silent", where: title, waits };
}

function broken(
  context: DecideContext,
  { run, gate }: Question,
  who: Pick<DataOf<"gate.broken">, "person" | "role" | "reason" | "second" | "alone">,
): Outcome {
  const lasts = context.system.breakGlass?.lastsSeconds ?? 0;
  const until = new Date(context.now.getTime() + lasts * 1000).toISOString();
  return accept(context, [{ type: "gate.broken", data: { ...shownBy(gate), ...who, until } }], run.id);
}

function shownBy({ step, ask, planHash, factsHash }: GateState) {
  return { step, ask, planHash, factsHash };
}

function mayNotBreak(where: string, { system, unreachable }: DecideContext): Refusal {
  const { breakGlass, people } = system;
  if (!breakGlass) return { code: "break-glass-off", where, system: system.title };
  const able = reachableNames(
    people.filter((one) => breakingRole(one, system) !== null),
    unreachable,
  );
  const roles = breakGlass.roles.map((role) => roleTitle(role, system));
  return { code: "break-glass-role", where, roles, able };
}

function runIn(state: IncidentState, run: string): string | null {
  return state.runs.has(run) ? run : null;
}
