import type { RunState } from "../../../src/incident/state.ts";
import { endOfPlace, type Problem, sayProblem } from "../../../src/lib/errors.ts";
import { actions, type Button, section } from "./blocks.ts";
import { BRIEF_WORDS, briefOf, fitted, wordsIn } from "./brief.ts";
import { ended, safe, withCommands } from "./escape.ts";
import type { Message } from "./message.ts";

/**
 * Why something was not done, in three lines: what; a fact that helps (who may, what is allowed) and the state now; what to do next. Its text is whole.
 */
export function refusal(problem: Problem, ...buttons: readonly Button[]): Message {
  const { where } = problem;
  const room = problem.next || problem.stateNow ? ALLOWED_WORDS : 2 * ALLOWED_WORDS;
  const allowed = problem.allowed ? fitted(problem.allowed, room) : null;
  const { cause, stateNow, next } = briefOf(problem, [where, allowed].join(" "), allowed ? ALLOWED_WORDS : 0);
  const second = [
    ...(allowed ? [ended(withCommands(allowed))] : []),
    ...(stateNow ? [`*State now:* ${ended(withCommands(stateNow))}`] : []),
  ];
  const parts = [
    `⛔ ${where ? `*${safe(endOfPlace(where))}* ` : ""}${ended(withCommands(cause))}`,
    ...(second.length > 0 ? [second.join(" ")] : []),
    ...(next ? [`*Next:* ${withCommands(next)}`] : []),
  ];
  return {
    text: sentences(problem),
    blocks: [section(parts.join("\n")), ...(buttons.length ? [actions(...buttons)] : [])],
  };
}

const ALLOWED_WORDS = 18;

/** A problem as running text, for mrkdwn. */
export function sentences(problem: Problem): string {
  return withCommands(sayProblem(problem));
}

/** Where the run's own name stands already, its problem does not begin with it once more. */
export function inItsThread(run: RunState, { where, ...problem }: Problem): Problem {
  return where === undefined || where === run.title ? problem : { where, ...problem };
}

/** Several problems of one thing: the first with its way on, and where the others are. Its text has all of them. */
export function refusals(head: string, problems: readonly Problem[]): Message {
  const said = problems.map(sentences);
  const [first, ...others] = problems;
  const { next, ...problem } = first ?? { what: "" };
  const way = next === undefined ? null : briefOf({ what: "", next }).next;
  const room = BRIEF_WORDS - OTHERS_WORDS - wordsIn(head) - wordsIn(way ?? "");
  const cause = fitted(sayProblem({ code: "", ...problem }), Math.max(OTHERS_WORDS, room));
  const places = [...new Set(others.map(({ where, what }) => where ?? what))];
  const more = fitted(`And ${others.length} more: ${places.join(", ")}`, OTHERS_WORDS);
  const parts = [
    `⛔ *${safe(head)}*`,
    withCommands(cause),
    ...(others.length > 0 ? [safe(more)] : []),
    ...(way === null ? [] : [`*Next:* ${withCommands(way)}`]),
  ];
  return { text: `${safe(head)} ${said.join(" ")}`, blocks: [section(parts.join("\n"))] };
}

const OTHERS_WORDS = 15;
