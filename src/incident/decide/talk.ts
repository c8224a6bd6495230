import { awaited } from "../authority.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import { isRequester } from "../delegation.ts";
import { escalated } from "../gates.ts";
import { COMMANDER, holds, nameOf, personOf, reachableNames } from "../people.ts";
import { isRefusal, type Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { notOnRoster, strangerTo } from "./may.ts";
import { accept, known, refuse } from "./outcome.ts";
import { notDecidable, questionOf } from "./question.ts";
import { LIMITS, line, words } from "./words.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Once a person, and once more when they came to the end. Nothing depends on it; it is known who looked. */
export function showSteps(command: Of<"showSteps">, state: IncidentState, context: DecideContext): Outcome {
  const about = questionOf(command, state, context);
  const person = personOf(context.actor, context.system);
  if (isRefusal(about) || person === null || about.gate.ask !== command.ask || about.gate.outcome !== "open")
    return accept(context, []);
  const { complete } = command;
  const before = about.gate.shown?.some((one) => one.person === person.id && (one.complete || !complete)) ?? false;
  const { step, ask, planHash } = about.gate;
  const data = { step, ask, person: person.id, planHash, complete };
  return accept(context, before ? [] : [{ type: "gate.shown", data }], about.run.id);
}

/** Anyone on the roster may ask before a decision is taken. */
export function question(command: Of<"question">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "ask", refusal, runIn(state, command.run));
  const about = questionOf(command, state, context);
  if (isRefusal(about)) return no(about);
  const person = personOf(context.actor, context.system);
  const refusal = notOnRoster(context) ?? notDecidable(about, command.ask, context);
  const text = words(command.text, LIMITS.reason);
  if (refusal !== null || person === null) return no(refusal ?? strangerTo(context));
  if (text === null) return no({ code: "question-empty", where: about.title });
  const { step, ask } = about.gate;
  return accept(
    context,
    [{ type: "gate.asked", data: { step, ask, person: person.id, question: text } }],
    about.run.id,
  );
}

/** By anyone on the roster who knows. */
export function answer(command: Of<"answer">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "answer", refusal, runIn(state, command.run));
  const about = questionOf(command, state, context);
  if (isRefusal(about)) return no(about);
  const person = personOf(context.actor, context.system);
  const refusal = notOnRoster(context) ?? notDecidable(about, command.ask, context);
  const text = words(command.text, LIMITS.reason);
  if (refusal !== null || person === null) return no(refusal ?? strangerTo(context));
  if (!about.gate.talk.some(({ kind }) => kind === "question"))
    return no({ code: "nothing-asked", where: about.title });
  if (text === null) return no({ code: "answer-empty", where: about.title });
  const { step, ask } = about.gate;
  return accept(
    context,
    [{ type: "gate.answered", data: { step, ask, person: person.id, answer: text } }],
    about.run.id,
  );
}

/** Until 0.1 denying took one press, and the reason could follow. */
export function explain(command: Of<"explain">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "deny", refusal, runIn(state, command.run));
  const about = questionOf(command, state, context);
  if (isRefusal(about)) return no(about);
  const { gate, run, title } = about;
  const person = personOf(context.actor, context.system);
  const reason = line(command.reason, LIMITS.reason);
  if (person === null) return no(strangerTo(context));
  if (gate.ask !== command.ask || gate.outcome !== "denied" || gate.deniedBy !== person.id)
    return no({ code: "not-denied", where: title });
  if (reason === null) return no({ code: "reason-missing", reason: { for: "explain", where: title } });
  const { step, ask } = gate;
  return accept(context, [{ type: "gate.explained", data: { step, ask, person: person.id, reason } }], run.id);
}

/** For the requester of the run, who commands, and who is asked: the others need not hurry anyone. */
export function escalate(command: Of<"escalate">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "escalate", refusal, runIn(state, command.run));
  const about = questionOf(command, state, context);
  if (isRefusal(about)) return no(about);
  const { run, gate, title, delegations } = about;
  const { system, now } = context;
  const person = personOf(context.actor, system);
  const refusal = notOnRoster(context) ?? notDecidable(about, command.ask, context);
  if (refusal !== null || person === null) return no(refusal ?? strangerTo(context));
  const who = awaited(run, gate, system, now, delegations);
  const asked = who.asked.flatMap(({ people }) => people);
  const able = reachableNames(asked, context.unreachable);
  if (!isRequester(person, run) && !holds(person, COMMANDER, state) && !asked.some(({ id }) => id === person.id))
    return no({ code: "not-escalating", where: title, able: [...new Set([nameOf(run.requester, system), ...able])] });
  const next = gate.escalate[gate.level];
  if (next === undefined) return no({ code: "no-level-left", where: title, able });
  if (who.missing === 0) return no({ code: "already-decided", where: title, how: { kind: "enough" } });
  const why = line(command.why, LIMITS.reason);
  const says = `Escalated by ${person.name}${why === null ? "" : `: ${why}`}`;
  const rises = escalated(run, gate, gate.level + 1, next.role, says, known(context));
  return { kind: "accepted", events: [{ ...rises, key: `${context.key}/gate.escalated` }] };
}

function runIn(state: IncidentState, run: string): string | null {
  return state.runs.has(run) ? run : null;
}
