import { awaited } from "../authority.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { isRequester } from "../delegation.ts";
import { escalated } from "../gates.ts";
import { COMMANDER, holds, nameOf, oneOf, personOf, reachableNames } from "../people.ts";
import type { IncidentState } from "../state.ts";
import { isProblem, notOnRoster } from "./may.ts";
import { accept, known, refuse } from "./outcome.ts";
import { notDecidable, questionOf } from "./question.ts";
import { LIMITS, line, words } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Once a person, and once more when they came to the end. Nothing depends on it; it is known who looked. */
export function showSteps(command: Of<"showSteps">, state: IncidentState, context: DecideContext): Outcome {
  const about = questionOf(command, state, context);
  const person = personOf(context.actor, context.system);
  if (isProblem(about) || person === null || about.gate.ask !== command.ask || about.gate.outcome !== "open")
    return accept(context, []);
  const { complete } = command;
  const before = about.gate.shown?.some((one) => one.person === person.id && (one.complete || !complete)) ?? false;
  const { step, ask, planHash } = about.gate;
  const data = { step, ask, person: person.id, planHash, complete };
  return accept(context, before ? [] : [{ type: "gate.shown", data }], about.run.id);
}

/** Anyone on the roster may ask before a decision is taken. */
export function question(command: Of<"question">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Parameters<typeof refuse>[2]) => refuse(context, "ask", problem, runIn(state, command.run));
  const about = questionOf(command, state, context);
  if (isProblem(about)) return no(about);
  const person = personOf(context.actor, context.system);
  const problem = notOnRoster(context) ?? notDecidable(about, command.ask, context);
  const text = words(command.text, LIMITS.reason);
  if (problem !== null || person === null) return no(problem ?? NOBODY);
  if (text === null)
    return no({
      code: "question-empty",
      where: about.title,
      what: "Type your question",
      next: "`/dr ask <what you need to know>`",
    });
  const { step, ask } = about.gate;
  return accept(
    context,
    [{ type: "gate.asked", data: { step, ask, person: person.id, question: text } }],
    about.run.id,
  );
}

/** By anybody on the roster who knows. */
export function answer(command: Of<"answer">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Parameters<typeof refuse>[2]) => refuse(context, "answer", problem, runIn(state, command.run));
  const about = questionOf(command, state, context);
  if (isProblem(about)) return no(about);
  const person = personOf(context.actor, context.system);
  const problem = notOnRoster(context) ?? notDecidable(about, command.ask, context);
  const text = words(command.text, LIMITS.reason);
  if (problem !== null || person === null) return no(problem ?? NOBODY);
  if (!about.gate.talk.some(({ kind }) => kind === "question"))
    return no({ code: "nothing-asked", where: about.title, what: "No question is open here" });
  if (text === null) return no({ code: "answer-empty", where: about.title, what: "Type your answer" });
  const { step, ask } = about.gate;
  return accept(
    context,
    [{ type: "gate.answered", data: { step, ask, person: person.id, answer: text } }],
    about.run.id,
  );
}

/** Until 0.1 denying took one press, and the reason could follow. */
export function explain(command: Of<"explain">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Parameters<typeof refuse>[2]) => refuse(context, "deny", problem, runIn(state, command.run));
  const about = questionOf(command, state, context);
  if (isProblem(about)) return no(about);
  const { gate, run, title } = about;
  const person = personOf(context.actor, context.system);
  const reason = line(command.reason, LIMITS.reason);
  if (person === null) return no(notOnRoster(context) ?? NOBODY);
  if (gate.ask !== command.ask || gate.outcome !== "denied" || gate.deniedBy !== person.id)
    return no({ code: "not-denied", where: title, what: "You didn't deny this, or it was requested again since" });
  if (reason === null) return no({ code: "reason-missing", where: title, what: "There is no reason in it" });
  const { step, ask } = gate;
  return accept(context, [{ type: "gate.explained", data: { step, ask, person: person.id, reason } }], run.id);
}

/** For who asked for the run, who commands, and who is asked: the others need not hurry anybody. */
export function escalate(command: Of<"escalate">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Parameters<typeof refuse>[2]) => refuse(context, "escalate", problem, runIn(state, command.run));
  const about = questionOf(command, state, context);
  if (isProblem(about)) return no(about);
  const { run, gate, title, delegations } = about;
  const { system, now } = context;
  const person = personOf(context.actor, system);
  const problem = notOnRoster(context) ?? notDecidable(about, command.ask, context);
  if (problem !== null || person === null) return no(problem ?? NOBODY);
  const who = awaited(run, gate, system, now, delegations);
  const asked = who.asked.flatMap(({ people }) => people);
  const able = reachableNames(asked, context.unreachable);
  if (!isRequester(person, run) && !holds(person, COMMANDER, state) && !asked.some(({ id }) => id === person.id))
    return no({
      code: "not-escalating",
      where: title,
      what: "Only the requester, the incident commander and the approvers can escalate",
      allowed: `${oneOf([...new Set([nameOf(run.requester, system), ...able])])} may do it`,
    });
  const next = gate.escalate[gate.level];
  if (next === undefined)
    return no({
      code: "no-level-left",
      where: title,
      what: "Everyone who may decide is already asked",
      allowed: able.length === 0 ? "No one else may decide it" : `${oneOf(able)} may decide it`,
    });
  if (who.missing === 0) return no({ code: "already-decided", where: title, what: "Enough have approved already" });
  const why = line(command.why, LIMITS.reason);
  const says = `Escalated by ${person.name}${why === null ? "" : `: ${why}`}`;
  const rises = escalated(run, gate, gate.level + 1, next.role, says, known(context));
  return { kind: "accepted", events: [{ ...rises, key: `${context.key}/gate.escalated` }] };
}

function runIn(state: IncidentState, run: string): string | null {
  return state.runs.has(run) ? run : null;
}

const NOBODY = { code: "not-on-roster", what: "You are not on the roster" };
