import type { Person } from "../../catalog/types.ts";
import type { Problem } from "../../lib/errors.ts";
import { isAnswered, needsSecondFactor } from "../authority.ts";
import { breakingRole, needsSecond, secondsFor, silentFrom, tookPart, unreviewed } from "../break-glass.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { isRequester } from "../delegation.ts";
import type { DataOf } from "../events.ts";
import { staleness } from "../gates.ts";
import { nameOf, oneOf, personOf, reachableNames, roleTitle } from "../people.ts";
import type { GateState, IncidentState } from "../state.ts";
import { isProblem, notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";
import { endorsementProblem, notDecidable, type Question, questionOf } from "./question.ts";
import { LIMITS, line, words } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/**
 * Goes past one gate of one run, for the plan and the facts it shows, when nobody who decides can be reached. Not a way
 * around a denial. Where a second person could confirm it, they are waited for first.
 */
export function breakGlass(command: Of<"breakGlass">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "break-glass", problem, runIn(state, command.run));
  const found = breakable(command, state, context);
  if (isProblem(found)) return no(found);
  const { about, person } = found;
  const { run, gate, title, delegations } = about;
  const { system, now } = context;
  const role = breakingRole(person, system);
  if (role === null) return no(mayNotBreak(title, context));
  const early = notSilent(about, context);
  if (early !== null) return no(early);
  const reason =
    line(command.reason, LIMITS.reason) ?? (gate.breaking?.person === person.id ? gate.breaking.reason : null);
  if (reason === null)
    return no({
      code: "reason-missing",
      where: title,
      what: "Break-glass needs a reason",
      next: "`/dr break-glass <why>`",
    });
  const own = needsSecond(person, run, system);
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
    return no({
      code: "second-awaited",
      where: title,
      what: "A second person must be asked first",
      allowed: own
        ? `${whoOf(seconds, context)} may confirm it`
        : `${whoOf(seconds, context)} may confirm it; from ${waits.aloneAt.toISOString().slice(11, 19)} UTC on you may go on alone`,
    });
  if (own) return no(notAlone(title, reachableNames(seconds, context.unreachable)));
  const alone =
    system.breakGlass?.secondPerson !== true
      ? "no second person is needed here"
      : seconds.length === 0
        ? "no one else could confirm it"
        : `no one has confirmed since ${(waits?.at ?? now).toISOString().slice(11, 19)} UTC`;
  return broken(context, about, { person: person.id, role, reason, second: null, alone });
}

export function confirmBreak(command: Of<"confirmBreak">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "break-glass", problem, runIn(state, command.run));
  const found = breakable(command, state, context);
  if (isProblem(found)) return no(found);
  const { about, person } = found;
  const { run, gate, title, delegations } = about;
  const { breaking } = gate;
  if (breaking === null)
    return no({ code: "nothing-to-confirm", where: title, what: "No break-glass request is open here" });
  const seconds = secondsFor(breaking.person, run, gate, context.system, delegations);
  if (!seconds.some(({ id }) => id === person.id))
    return no({
      code: "not-second",
      where: title,
      what:
        breaking.person === person.id
          ? "The second person must be someone else"
          : "You can't be the second person here",
      allowed: `${whoOf(seconds, context)} can`,
    });
  const { person: first, role, reason } = breaking;
  return broken(context, about, { person: first, role, reason, second: person.id, alone: null });
}

/** By somebody who had no part in it, whenever they get to it: also when the incident is over. */
export function review(command: Of<"review">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "review", problem, runIn(state, command.run));
  const { system } = context;
  const person = personOf(context.actor, system);
  if (person === null) return no(notOnRoster(context) ?? NOBODY);
  const due = unreviewed(state).find(({ run, broke }) => run.id === command.run && broke.ask === command.ask);
  if (due === undefined) return no({ code: "nothing-to-review", what: "No break-glass needs a review here" });
  const part = [...tookPart(due.broke)];
  if (part.includes(person.id) || isRequester(person, due.run))
    return no({
      code: "review-own",
      where: due.run.title,
      what: "You were involved, so you can't review it",
      allowed: `Anyone on the roster but ${oneOf([...new Set([...part, due.run.requester])].map((id) => nameOf(id, system)))}`,
    });
  const finding = words(command.finding, LIMITS.summary);
  if (finding === null)
    return no({
      code: "finding-missing",
      where: due.run.title,
      what: "Say what you found",
      next: "`/dr review <what you found>`",
    });
  const { step, ask } = due.broke;
  return accept(context, [{ type: "gate.reviewed", data: { step, ask, person: person.id, finding } }], due.run.id);
}

/** An open, undenied, unexpired ask of a live run in an open incident, and a person who is somebody here. */
function breakable(
  command: { run: string; ask: string },
  state: IncidentState,
  context: DecideContext,
): { about: Question; person: Person } | Problem {
  const person = personOf(context.actor, context.system);
  const problem = notOnRoster(context) ?? notOpen(state);
  if (problem !== null || person === null) return problem ?? NOBODY;
  const about = questionOf(command, state, context);
  if (isProblem(about)) return about;
  const { run, gate, title } = about;
  const closed = notDecidable(about, command.ask, context);
  if (closed !== null) return closed;
  if (isAnswered(run, gate))
    return { code: "already-decided", where: title, what: "It's already decided; nothing to override" };
  const stale = staleness(run, gate);
  if (stale !== null) return { code: stale.code, where: title, what: stale.why, next: "It was requested again" };
  if (needsSecondFactor(run, gate) && context.provedAfresh !== true)
    return {
      code: "step-up-needed",
      where: title,
      what: "This needs an authenticator code",
      next: "`/dr enroll` sets one up",
    };
  const vouched = endorsementProblem(about, person, context);
  return vouched ?? { about, person };
}

/** Why the chain has not had its time yet, or null. */
function notSilent({ run, gate, title, delegations }: Question, { system, now }: DecideContext): Problem | null {
  const from = silentFrom(run, gate, system, now, delegations);
  if (from !== null && from <= now) return null;
  const next = gate.escalate[gate.level];
  const time = (at: Date) => `${at.toISOString().slice(11, 19)} UTC`;
  return {
    code: "chain-not-silent",
    where: title,
    what: "Break-glass is for approvers who don't answer; they still have time",
    allowed:
      from !== null
        ? `From ${time(from)}, if there's still no answer`
        : `${next === undefined ? "The next level" : roleTitle(next.role, system)} has to be asked first${next === undefined ? "" : `, at ${time(next.at)}`}`,
    ...(from === null && { next: "`/dr escalate` escalates now" }),
  };
}

/** "Bo Ek or Vera Prins": those of them who can act. */
function whoOf(people: readonly Person[], { unreachable }: DecideContext): string {
  const able = reachableNames(people, unreachable);
  return able.length === 0 ? "No one" : oneOf(able);
}

/** Who asked for the run never goes past its approval by their own word alone. */
function notAlone(where: string, able: readonly string[]): Problem {
  return {
    code: "requester-alone",
    where,
    what: "You requested this run, so you can't override its approval alone",
    allowed:
      able.length === 0
        ? "Another person must use break-glass, and no one else on the roster may"
        : `${oneOf(able)} may confirm it, or use break-glass instead`,
  };
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

function mayNotBreak(where: string, { system, unreachable }: DecideContext): Problem {
  const { breakGlass, people } = system;
  if (!breakGlass)
    return {
      code: "break-glass-off",
      where,
      what: `${system.title} has no break-glass`,
      allowed: "`breakGlass` in system.yml says who may",
    };
  const able = reachableNames(
    people.filter((one) => breakingRole(one, system) !== null),
    unreachable,
  );
  return {
    code: "break-glass-role",
    where,
    what: `You don't hold a role that may use break-glass (${oneOf(breakGlass.roles.map((role) => roleTitle(role, system)))})`,
    allowed: able.length === 0 ? "No one on the roster may" : `${oneOf(able)} may`,
  };
}

function runIn(state: IncidentState, run: string): string | null {
  return state.runs.has(run) ? run : null;
}

const NOBODY: Problem = { code: "not-on-roster", what: "You are not on the roster" };
