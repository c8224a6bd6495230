import type { Problem } from "../../lib/errors.ts";
import type { DecideContext, IncidentCommand, Outcome } from "../commands.ts";
import type { IncidentState } from "../state.ts";
import { answering, asking, openTriage, questionIn } from "../triage.ts";
import { notOnRoster, notOpen } from "./may.ts";
import { accept, refuse } from "./outcome.ts";

type Of<T extends IncidentCommand["type"]> = Extract<IncidentCommand, { type: T }>;

/** Begins the tree of the system, anew where it is being walked already. */
export function startTriage(command: Of<"startTriage">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "triage", problem);
  const problem = notOnRoster(context) ?? notOpen(state);
  if (problem !== null) return no(problem);
  const { triage, title } = context.system;
  const first = triage === undefined ? null : questionIn(context.system, triage.first);
  if (first === null)
    return no({
      code: "no-triage",
      where: title,
      what: "This system has no decision tree",
      next: "`/dr runbook` lists what can be run; a tree is written under `triage:` of its system.yml",
    });
  return accept(context, [asking(command.triage, first)]);
}

/** Anyone on the roster may say what they see, before or instead of a probe. */
export function answerTriage(command: Of<"answerTriage">, state: IncidentState, context: DecideContext): Outcome {
  const no = (problem: Problem) => refuse(context, "triage", problem);
  const problem = notOnRoster(context) ?? notOpen(state);
  if (problem !== null) return no(problem);
  const walk = openTriage(state);
  if (walk?.id !== command.triage || walk.open?.question !== command.question)
    return no({
      code: "answered-already",
      what: "This question is already answered, or triage was restarted",
      next: walk?.open ? `It asks now: ${walk.open.asks}` : "`/dr triage` restarts it",
    });
  const question = questionIn(context.system, command.question);
  const answer = question?.answers.find(({ id }) => id === command.answer);
  if (question === null || answer === undefined)
    return no({
      code: "question-changed",
      what: "The system's decision tree has changed since this was asked",
      next: "`/dr triage` restarts it",
    });
  return accept(context, answering({ triage: walk.id, question, answer, saw: null }, context.system, command.books));
}
