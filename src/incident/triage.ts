import type { Answer, Mode, Question, System } from "../catalog/types.ts";
import type { Event } from "./events.ts";
import type { IncidentState, TriageState } from "./state.ts";

/** What a proposal says of a runbook. */
export interface Book {
  readonly id: string;
  readonly title: string;
  readonly modes: readonly Mode[];
}

/** The walk that is in progress: the newest one; earlier ones were begun again. Null: none was, or it is over. */
export function openTriage(state: IncidentState): TriageState | null {
  const newest = state.triages?.at(-1) ?? null;
  return newest?.open ? newest : null;
}

export function questionIn(system: System, id: string): Question | null {
  return system.triage?.questions.find((question) => question.id === id) ?? null;
}

/** The question put to people, with its words as they are now. */
export function asking(triage: string, { id, asks, look, probe, answers }: Question): Event {
  const choices = answers.map((answer) => ({ id: answer.id, says: answer.says }));
  return {
    type: "triage.asked",
    data: { triage, question: id, asks, look, probed: probe !== null, answers: choices },
  };
}

/** What an answer comes to: the next question, or the end with what is proposed. `saw`: what a probe saw; null: someone said it. */
export function answering(
  { triage, question, answer, saw }: { triage: string; question: Question; answer: Answer; saw: string | null },
  system: System,
  books: readonly Book[],
): readonly Event[] {
  const said = { triage, question: question.id, answer: answer.id, says: answer.says, saw };
  const next = answer.ask === null ? null : questionIn(system, answer.ask);
  return [
    { type: "triage.answered", data: said },
    next === null ? concluding(triage, answer, books) : asking(triage, next),
  ];
}

function concluding(triage: string, { runbook, mode, advice }: Answer, books: readonly Book[]): Event {
  const book = books.find(({ id }) => id === runbook);
  const proposed = book && { id: book.id, title: book.title, modes: mode === null ? book.modes : [mode] };
  return { type: "triage.concluded", data: { triage, advice, runbook: proposed ?? null } };
}
