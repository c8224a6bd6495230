import type { RunState } from "../../src/incident/state.ts";
import { type Problem, sayProblem } from "../../src/lib/errors.ts";
import { actions, type Button, section } from "./blocks.ts";
import { safe, withCommands } from "./escape.ts";
import type { Message } from "./message.ts";

/** Why something was not done: where, what, what would be allowed, and what to do next. */
export function refusal(problem: Problem, ...buttons: readonly Button[]): Message {
  const parts = [
    `⛔ ${problem.where ? `*${safe(problem.where)}:* ` : ""}${safe(problem.what)}`,
    problem.allowed ? `*Allowed:* ${withCommands(problem.allowed)}` : null,
    problem.stateNow ? `*State now:* ${safe(problem.stateNow)}` : null,
    problem.next ? `*Next:* ${withCommands(problem.next)}` : null,
  ];
  return {
    text: sentences(problem),
    blocks: [
      section(parts.filter((part) => part !== null).join("\n")),
      ...(buttons.length ? [actions(...buttons)] : []),
    ],
  };
}

/** A problem as running text, for mrkdwn. */
export function sentences(problem: Problem): string {
  return withCommands(sayProblem(problem));
}

/** Where the run's own name stands already, its problem does not begin with it once more. */
export function inItsThread(run: RunState, { where, ...problem }: Problem): Problem {
  return where === undefined || where === run.title ? problem : { where, ...problem };
}

/** Several problems of one thing, each on its own line. */
export function refusals(head: string, problems: readonly Problem[]): Message {
  const said = problems.map(sentences);
  return {
    text: `${safe(head)} ${said.join(" ")}`,
    blocks: [section(`⛔ *${safe(head)}*\n${said.map((line) => `• ${line}`).join("\n")}`.slice(0, 2990))],
  };
}
