import { errorAt, type Fault, type Path, warningAt } from "../fault.ts";
import { offer } from "../suggest.ts";
import type { Answer, Question, Triage } from "../types.ts";
import type { Rule } from "./rule.ts";

/** Slack shows about so many characters of a button, and fewer on a phone. */
const BUTTON_CHARACTERS = 30;

export const triageTree: Rule = {
  id: "triage-tree",
  says: "Every triage question can be reached, none loops back, and every answer leads on or ends it.",
  *system({ system }) {
    const { triage } = system;
    if (triage === undefined) return;
    const known = triage.questions.map(({ id }) => id);
    if (!known.includes(triage.first)) {
      yield errorAt(["triage", "first"], `There is no question "${triage.first}"`, offer(triage.first, known));
    }
    for (const question of triage.questions) {
      for (const answer of question.answers) yield* answerFaults(question, answer, known);
    }
    yield* wayFaults(triage);
  },
};

function* answerFaults(question: Question, answer: Answer, known: readonly string[]): Generator<Fault> {
  const path: Path = ["triage", "questions", question.id, "answers", answer.id];
  const isEnd = answer.runbook !== null || answer.advice !== null;
  if (answer.says.length > BUTTON_CHARACTERS) {
    yield warningAt([...path, "says"], `"${answer.says}" is cut on its button`, {
      allowed: `${BUTTON_CHARACTERS} characters; it has ${answer.says.length}`,
      next: "Say the rest in the question",
    });
  }
  if (answer.ask === null && !isEnd) {
    yield errorAt(path, `Answer "${answer.id}" leads nowhere`, {
      at: "key",
      allowed: 'Give it "ask", "runbook" or "advice"',
    });
  }
  if (answer.ask !== null && isEnd) {
    const allowed = 'Either "ask", or "runbook" and "advice"';
    yield errorAt([...path, "ask"], `Answer "${answer.id}" asks on and ends it`, { at: "key", allowed });
  }
  if (answer.ask !== null && !known.includes(answer.ask)) {
    yield errorAt([...path, "ask"], `There is no question "${answer.ask}"`, offer(answer.ask, known));
  }
  if (answer.holds !== null && question.probe === null) {
    const what = `Nothing is probed to answer "${question.id}"`;
    yield errorAt([...path, Object.keys(answer.holds)[0] as string], what, {
      at: "key",
      next: 'Give the question a "probe"',
    });
  }
}

function* wayFaults({ first, questions }: Triage): Generator<Fault> {
  const reached = new Set<string>();
  const circles = new Set<string>();
  const walk = (id: string, trail: ReadonlySet<string>): void => {
    if (trail.has(id)) circles.add(id);
    if (reached.has(id)) return;
    reached.add(id);
    for (const { ask } of questions.find((question) => question.id === id)?.answers ?? []) {
      if (ask !== null) walk(ask, new Set([...trail, id]));
    }
  };
  walk(first, new Set());
  for (const id of circles) {
    yield errorAt(["triage", "questions", id], `Question "${id}" comes back to itself`, { at: "key" });
  }
  for (const { id, probe, answers } of questions) {
    const path = ["triage", "questions", id];
    if (!reached.has(id))
      yield errorAt(path, `No answer leads to question "${id}"`, {
        at: "key",
        next: `Let an answer ask it, or take it out`,
      });
    if (probe !== null && (probe.fact === null) === (probe.check === null)) {
      const what = "It has to say which one thing it sees counts";
      yield errorAt([...path, "probe"], what, { at: "key", allowed: 'Either "fact" or "check", with its id' });
    }
    if (probe !== null && answers.every(({ holds }) => holds === null)) {
      const allowed = 'Give an answer "is", "atLeast" or "below"';
      yield errorAt([...path, "probe"], `What is probed answers nothing`, { at: "key", allowed });
    }
  }
}
