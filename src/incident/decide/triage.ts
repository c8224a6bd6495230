import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import type { Refusal } from "../refusal.ts";
import type { IncidentState } from "../state.ts";
import { answering, asking, openTriage, questionIn } from "../triage.ts";
import { notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Begins the tree of the system, again where it is being walked already. */
export function startTriage(command: Of<"startTriage">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "triage", refusal);
  const refusal = notOnRoster(context) ?? notOpen(state);
  if (refusal !== null) return no(refusal);
  const { triage, title } = context.system;
  const first = triage === undefined ? null : questionIn(context.system, triage.first);
  if (first === null) return no({ code: "no-triage", system: title });
  return accept(context, [asking(command.triage, first)]);
}

/** Anyone on the roster may say what they see, before or instead of a probe. */
export function answerTriage(command: Of<"answerTriage">, state: IncidentState, context: DecideContext): Outcome {
  const no = (refusal: Refusal) => refuse(context, "triage", refusal);
  const refusal = notOnRoster(context) ?? notOpen(state);
  if (refusal !== null) return no(refusal);
  const walk = openTriage(state);
  if (walk?.id !== command.triage || walk.open?.question !== command.question)
    return no({ code: "answered-already", asks: walk?.open?.asks ?? null });
  const question = questionIn(context.system, command.question);
  const answer = question?.answers.find(({ id }) => id === command.answer);
  if (question === null || answer === undefined) return no({ code: "question-changed" });
  return accept(context, answering({ triage: walk.id, question, answer, saw: null }, context.system, command.books));
}
