import { type Problem, sayProblem } from "../../src/lib/errors.ts";
import { actions, type Button, section } from "./blocks.ts";
import { safe } from "./escape.ts";
import type { Message } from "./message.ts";

/** Why something was not done: where, what, what would be allowed, and what to do next. */
export function refusal(problem: Problem, ...buttons: readonly Button[]): Message {
  const parts = [
    `⛔ ${problem.where ? `*${safe(problem.where)}:* ` : ""}${safe(problem.what)}`,
    problem.allowed ? `*Allowed:* ${safe(problem.allowed)}` : null,
    problem.stateNow ? `*State now:* ${safe(problem.stateNow)}` : null,
    problem.next ? `*Next:* ${safe(problem.next)}` : null,
  ];
  return {
    text: safe(sayProblem(problem)),
    blocks: [
      section(parts.filter((part) => part !== null).join("\n")),
      ...(buttons.length ? [actions(...buttons)] : []),
    ],
  };
}

/** Several problems of one thing, each on its own line. */
export function refusals(head: string, problems: readonly Problem[]): Message {
  const said = problems.map((problem) => safe(sayProblem(problem)));
  return {
    text: `${safe(head)} ${said.join(" ")}`,
    blocks: [section(`⛔ *${safe(head)}*\n${said.map((line) => `• ${line}`).join("\n")}`.slice(0, 2990))],
  };
}
